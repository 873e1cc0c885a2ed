import type { SourceDeclaration } from '../model/app.ts';
import type { CommitId } from '../model/ids.ts';
import { branchFault, parseCommit, parseSource } from '../model/source-url.ts';
import { describe } from './field.ts';
import { type Shape, text } from './shapes.ts';

/** `source`. What was given is not repeated in the error: it might hold a credential. */
export const sourceShape: Shape<SourceDeclaration> = (value, field) => {
  if (typeof value !== 'string')
    return field.fail(`expected a repo, a folder such as "./apps/wiki", or "-", got ${describe(value)}`);
  const source = parseSource(value);
  return source.kind === 'fault' ? field.fail(source.fault, source.hint ?? undefined) : source;
};

/** `git_branch`: a name that git takes for a branch, and nothing that looks like an option. */
export const branchName: Shape<string> = (value, field) => {
  if (typeof value !== 'string') return field.fail(`expected the name of a branch, got ${describe(value)}`);
  const fault = branchFault(value);
  return fault === undefined ? value : field.fail(`${describe(value)} ${fault.fault}`, fault.hint ?? undefined);
};

/** `git_commit`: a full commit id. */
export const commitId: Shape<CommitId> = (value, field) => {
  if (typeof value !== 'string') return field.fail(`expected the full id of a commit, got ${describe(value)}`);
  const parsed = parseCommit(value);
  return parsed.kind === 'fault'
    ? field.fail(`${describe(value)} ${parsed.fault}`, parsed.hint ?? undefined)
    : parsed.commit;
};

/** `git_auth`: the name of a credential. */
export const credentialName = text('the name of a credential in the settings ([git_auth.NAME])', (name) =>
  /^[A-Za-z0-9_-]{1,64}$/.test(name),
);
