import type { AppDeclaration } from './app.ts';
import type { Cause } from './cause.ts';
import type { Declarations } from './config.ts';
import type { EnvKind } from './environment.ts';
import type { Problem } from './errors.ts';
import type { GitFacts } from './git-facts.ts';
import type { CommitId } from './ids.ts';
import type { RecordedArtifact, RecordedDeployment, RecordedEnvironment, RecordedRelease } from './recorded.ts';
import type { EngineName } from './revision.ts';
import type { Settings } from './settings.ts';
import type { RepoState, RepoUrl, ResolvedSource } from './source.ts';

/** A commit of the config repo that evaluated, with what it declares. */
export interface ConfigState {
  readonly repo: RepoUrl;
  readonly commit: CommitId;
  readonly declarations: Declarations;
  readonly cause: Cause;
}

/** Why a deployment can't be worked out now. */
export interface SourceProblem {
  readonly problem: Problem;
}

/** What is known of the source of one app: its files, or why not. `none` for specs without a source. */
export type SourceState = ResolvedSource | SourceProblem;

/** What of the recorded state decides. */
export interface RecordedFacts {
  readonly environments: ReadonlyMap<string, RecordedEnvironment>;
  readonly deployments: ReadonlyMap<string, RecordedDeployment>;
  readonly releases: ReadonlyMap<string, RecordedRelease>;
  readonly artifacts: ReadonlyMap<string, RecordedArtifact>;
}

/**
 * Everything that decides, as one value. `desire` reads nothing else, so equal snapshots give equal plans, byte for byte.
 */
export interface Snapshot {
  /** The instant the snapshot is as of. */
  readonly at: number;
  readonly settings: Settings;
  /** The newest commit of the followed branch that evaluated; null before there is one. */
  readonly config: ConfigState | null;
  /** Listings with the time they are as of. */
  readonly repos: readonly RepoState[];
  /** What each source query resolved to, by `sourceKey`. */
  readonly sources: Pick<ReadonlyMap<string, SourceState>, 'get'>;
  /** What was read of commits so far. What is missing and wanted, `desire` names. */
  readonly facts: GitFacts;
  /** What is recorded, as of `at`. Keyed as the store does: deployments by `ENV APP`, artifacts by their key. */
  readonly recorded: RecordedFacts;
  /** Why an engine can't be used in environments of a kind; missing: it can. By `ENGINE KIND`. */
  readonly engines: ReadonlyMap<string, Problem>;
}

/** The key of an app's source in `Snapshot.sources`; the same for all apps that share it. Null for an app without a source. */
export function sourceKey(app: AppDeclaration): string | null {
  if (app.source.kind === 'none') return null;
  if (app.source.kind === 'config') return `config\n${app.source.folder}`;
  return `${app.source.url}\n${app.gitCommit ?? app.gitBranch ?? ''}\n${app.source.folder}\n${app.gitAuth ?? ''}`;
}

/**
 * The declaration that an app's stage goes by, and a preview whose branch leaves the pin as it is: with `promote = "pinned"` they follow
 * the branch, and only production the pin.
 */
export function unpinned(app: AppDeclaration): AppDeclaration {
  return app.promote === 'pinned' && app.gitCommit !== null ? { ...app, gitCommit: null } : app;
}

/** The key of an engine's availability in `Snapshot.engines`. */
export function engineKey(engine: EngineName, kind: EnvKind): string {
  return `${engine} ${kind}`;
}
