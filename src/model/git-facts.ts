import type { Evaluation } from './config.ts';
import type { CommitId } from './ids.ts';
import type { SourceState } from './snapshot.ts';
import type { RepoUrl } from './source.ts';

/** What a commit of the config repo declares, or why it does not evaluate. */
export interface ConfigFacts {
  readonly author: string | null;
  readonly evaluation: Evaluation;
}

/** What was read of commits. All of it is named by content, so what was read once holds for ever; undefined: not read yet. */
export interface GitFacts {
  config(commit: CommitId): ConfigFacts | undefined;
  /** The merge base of two commits; null: they have no common ancestor. */
  base(repo: RepoUrl, a: CommitId, b: CommitId): CommitId | null | undefined;
  /** A folder of a commit, or why it can't be had. */
  folder(repo: RepoUrl, commit: CommitId, folder: string): SourceState | undefined;
}

/** A repo whose commits are wanted, with the credential that the declarations name for it. */
export interface WantedRepo {
  readonly repo: RepoUrl;
  readonly auth: string | null;
}

/** What `desire` would have liked to know: to be read by the time of the next pass. What depends on it stays as it is until then. */
export interface Needs {
  /** Repos that only branches name; production's are watched anyway. */
  readonly repos: readonly WantedRepo[];
  readonly configs: readonly CommitId[];
  readonly bases: readonly (WantedRepo & { readonly a: CommitId; readonly b: CommitId })[];
  readonly folders: readonly (WantedRepo & { readonly commit: CommitId; readonly folder: string })[];
  /** All commits that environments are derived from: what is known of any other may be forgotten. */
  readonly commits: ReadonlySet<CommitId>;
}

/** Knows nothing. */
export const NO_FACTS: GitFacts = { config: () => undefined, base: () => undefined, folder: () => undefined };
/** Needs nothing. */
export const NO_NEEDS: Needs = { repos: [], configs: [], bases: [], folders: [], commits: new Set() };
