import type { RepoUrl } from '../model/source.ts';
import { remoteFailure } from './failure.ts';
import type { LocalRepo } from './local-repo.ts';
import { type Refs, refsOf } from './refs.ts';
import { type GitExit, runGit } from './run-git.ts';

/** A listing by the system's git. */
export interface GitListing {
  readonly repo: RepoUrl;
  readonly env: Readonly<Record<string, string>>;
  /** A folder in which, and above which, git finds no repo. */
  readonly cwd: string;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Lists a repo on another machine (ssh). */
export async function listRemote(listing: GitListing): Promise<Refs> {
  const args = ['ls-remote', '--quiet', '--symref', '--', listing.repo, 'HEAD', 'refs/heads/*'];
  return refsOf(parseLsRemote(await run(listing, args)));
}

/** Lists a local repo whose refs are not kept in plain files. */
export async function listLocalByGit(listing: GitListing, local: LocalRepo): Promise<Refs> {
  const gitDir = `--git-dir=${local.gitDir}`;
  const format = '--format=%(objectname) %(refname)';
  const refs = await run(listing, [gitDir, 'for-each-ref', format, 'refs/heads/']);
  // Exit 1, and nothing said: HEAD is detached.
  const head = await runGit({
    ...listing,
    what: `list "${listing.repo}"`,
    args: [gitDir, 'symbolic-ref', '-q', 'HEAD'],
  });
  const lines = refs.split('\n').filter((line) => line !== '');
  const parsed = lines.map((line) => ({
    oid: line.slice(0, line.indexOf(' ')),
    ref: line.slice(line.indexOf(' ') + 1),
  }));
  return refsOf([...parsed, { ref: 'HEAD', oid: '', target: head.stdout.trim() }]);
}

async function run(listing: GitListing, args: readonly string[]): Promise<string> {
  const ended: GitExit = await runGit({ ...listing, what: `list "${listing.repo}"`, args });
  if (!ended.ok) throw remoteFailure('git-list-failed', listing.repo, ended.stderr);
  return ended.stdout;
}

/** Lines are `ref: TARGET\tNAME` for symbolic refs, and `ID\tNAME`. */
function parseLsRemote(text: string): { ref: string; oid: string; target?: string | undefined }[] {
  const targets = new Map<string, string>();
  const refs: { ref: string; oid: string; target?: string | undefined }[] = [];
  for (const line of text.split('\n').filter((found) => found !== '')) {
    const [value = '', ref = ''] = line.split('\t');
    if (value.startsWith('ref: ')) targets.set(ref, value.slice(5));
    else refs.push({ ref, oid: value, target: targets.get(ref) });
  }
  return refs;
}
