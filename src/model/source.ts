import type { Problem } from './errors.ts';
import type { CommitId, TreeId } from './ids.ts';

/** Names the repo of a listing: the normalised URL, or the absolute path of a local one. Never holds a credential. */
export type RepoUrl = string & { readonly brand: 'RepoUrl' };

/** All branches of a repo as seen at one time. Only a listing that holds the followed branch counts as evidence that another ref is gone. */
export interface RefListing {
  readonly repo: RepoUrl;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly asOf: number;
  /** The branch that HEAD points to, without `refs/heads/`; null when it points nowhere. */
  readonly head: string | null;
  /** Branch name (without `refs/heads/`) → commit. */
  readonly branches: Readonly<Record<string, CommitId>>;
}

/** The commit that a branch points to; undefined: the listing has no such branch, though it be called like what every object has. */
export function tipOf({ branches }: Pick<RefListing, 'branches'>, branch: string): CommitId | undefined {
  return Object.hasOwn(branches, branch) ? branches[branch] : undefined;
}

/** Why the files of an app can't be had whose repo was listed and lacks its branch; null: HEAD, which points nowhere. */
export function branchMissing(repo: string, branch: string | null): Problem {
  return {
    code: 'git-ref-missing',
    message: `source "${repo}": ${branch === null ? 'HEAD points nowhere' : `branch "${branch}" is missing`}`,
    hint: 'Push the branch, or change git_branch.',
    retry: 'after-interval',
  };
}

/** A repo as recorded: its last good listing, and what went wrong since. */
export interface RepoState {
  readonly repo: RepoUrl;
  readonly listing: RefListing | null;
  /** What the last attempt ran into; null if it went well. */
  readonly error: Problem | null;
  /**
   * Branches that were there when the repo was first seen and have not moved since, with their commits: those have no preview
   * before they move. Null until a listing named any branch.
   */
  readonly baseline: Readonly<Record<string, CommitId>> | null;
  /**
   * When each branch was first seen at the commit where it is: the time of the look, which is the same in all repos that were looked at
   * together. In milliseconds since the epoch; nothing is said of what was there when the repo was first seen.
   */
  readonly movedAt: Readonly<Record<string, number>>;
}

/** When a branch was seen to move to where it is, in milliseconds since the epoch; undefined: not since its repo was first seen. */
export function whenMoved({ movedAt }: Pick<RepoState, 'movedAt'>, branch: string): number | undefined {
  return Object.hasOwn(movedAt, branch) ? movedAt[branch] : undefined;
}

/** Which tree an app wants. `ref` is a branch name, null for the repo's HEAD; `commit` pins and wins. */
export interface SourceQuery {
  readonly repo: RepoUrl;
  readonly branch: string | null;
  readonly commit: CommitId | null;
  readonly folder: string;
  readonly auth: string | null;
}

/** What a source query resolved to: everything that `desire` needs to know of the files. */
export interface ResolvedSource {
  readonly commit: CommitId;
  readonly tree: TreeId;
  readonly author: string | null;
  /** Names of the entries at the top of the folder, in order; folders end with a slash. */
  readonly entries: readonly string[];
  /** The text of `Procfile`, if there is one. */
  readonly procfile: string | null;
  /** What its manifests say; absent in what an earlier version read. */
  readonly survey?: SourceSurvey;
}

/** What `requirements.txt`, `package.json` and their like say of a source folder, as far as a spec is found by it. Bounded. */
export interface SourceSurvey {
  /** Packages that are named, each once and in order: `python:flask`, `node:hono`, `java:spring-boot-starter-web`. */
  readonly dependencies: readonly string[];
  /** Names of the scripts of `package.json`, in order. */
  readonly scripts: readonly string[];
}
