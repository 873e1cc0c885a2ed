import type { Cause } from '../../model/cause.ts';
import type { ConfigError, Declarations } from '../../model/config.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RecordedEnvironment } from '../../model/recorded.ts';
import type { ConfigState } from '../../model/snapshot.ts';
import type { DeclaredIn } from './target.ts';
import type { Wishes } from './wishes.ts';

/** What a preview declares, and what it is compared with. */
export interface BranchConfig {
  readonly declarations: Declarations;
  readonly from: DeclaredIn;
  /** The declarations at the merge base, and its commit; null: the config repo's branch has no part in it, both are main's. */
  readonly base: { readonly declarations: Declarations; readonly commit: CommitId } | null;
  readonly goodConfig: CommitId | null;
  readonly errors: readonly ConfigError[];
}

/** A branch of the config repo. */
export interface ConfigHead {
  readonly branch: string;
  /** Its newest commit. */
  readonly commit: CommitId;
  /** The newest commit of the followed branch. */
  readonly main: CommitId;
}

/** What a preview goes by that the config repo has no part in. */
export function mainConfig(config: ConfigState, errors: readonly ConfigError[] = []): BranchConfig {
  return { declarations: config.declarations, from: config, base: null, goodConfig: null, errors };
}

/**
 * What a branch of the config repo declares. One that does not evaluate goes by the last commit of it that did; one that has no
 * ancestor in common with main is no proposal to change it. Undefined: not all of it is known yet.
 */
export function branchConfig(
  head: ConfigHead,
  config: ConfigState,
  recorded: RecordedEnvironment | undefined,
  wishes: Wishes,
): BranchConfig | undefined {
  const newest = wishes.config(head.commit);
  if (newest === undefined) return undefined;
  const errors = newest.evaluation.ok ? [] : newest.evaluation.errors;
  const goodConfig = newest.evaluation.ok ? head.commit : (recorded?.goodConfig ?? null);
  if (goodConfig === null) return mainConfig(config, errors);
  const facts = wishes.config(goodConfig);
  const base = wishes.base({ repo: config.repo, auth: null }, goodConfig, head.main);
  if (facts === undefined || base === undefined) return undefined;
  if (base === null || !facts.evaluation.ok) return mainConfig(config, errors);
  const before = declaredAt(base, config, wishes);
  if (before === undefined) return undefined;
  const cause = causeOf(config, head.branch, goodConfig, facts.author);
  const { declarations } = facts.evaluation;
  return { declarations, from: { repo: config.repo, commit: goodConfig, cause }, base: before, goodConfig, errors };
}

/** What was declared at a merge base. Where main itself did not evaluate there, what it declared last stands in for it. */
function declaredAt(base: CommitId, config: ConfigState, wishes: Wishes): BranchConfig['base'] | undefined {
  if (base === config.commit) return { declarations: config.declarations, commit: base };
  const facts = wishes.config(base);
  if (facts === undefined) return undefined;
  if (facts.evaluation.ok) return { declarations: facts.evaluation.declarations, commit: base };
  return { declarations: config.declarations, commit: config.commit };
}

function causeOf(config: ConfigState, ref: string, commit: CommitId, author: string | null): Cause {
  return { kind: 'commit', repo: config.repo, ref, commit, author, pull: null };
}
