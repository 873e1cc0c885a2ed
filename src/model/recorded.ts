import type { Cause } from './cause.ts';
import type { ConfigError } from './config.ts';
import type { Target } from './desired.ts';
import type { EnvKind } from './environment.ts';
import type { Problem } from './errors.ts';
import type { AppId, ArtifactKey, CommitId, EnvName, InstanceId } from './ids.ts';
import type { ArtifactInputs, EngineName } from './revision.ts';
import type { RouteTarget } from './routing.ts';
import type { RepoUrl, ResolvedSource } from './source.ts';

/** States of what is next for a deployment (section 16). */
export type NextStateName =
  | 'waiting'
  | 'building'
  | 'starting'
  | 'verifying'
  | 'ready'
  | 'held'
  | 'quarantined'
  | 'removing';

/** A lasting remark on what is live: why it is not as it should be. */
export interface Condition {
  readonly reason: string;
  readonly message: string;
  readonly since: string;
}

/** What serves. */
export interface LiveState {
  readonly target: Target;
  readonly instance: InstanceId;
  readonly generation: number;
  readonly since: string;
  /** Nothing of it runs, or all of it is on its way to that: requests wait, and wake it. */
  readonly asleep: boolean;
  /** It is asleep and was asked for: it is being started, and serves once it is seen to answer. */
  readonly waking: boolean;
  /** Its instance is stopped so that the next one can run alone (`strategy = "replace"`); requests are held meanwhile. */
  readonly suspended: boolean;
  readonly condition: Condition | null;
}

/** What is on its way. `target` is null while an app is being removed or nothing is known of what it should be. */
export interface NextState {
  readonly target: Target | null;
  /** The app is to go: at once, with its release, or once the removal brake lets it. */
  readonly removes: boolean;
  /** The hash of the set of removals that the brake holds this one in; null: it may go. */
  readonly brake: string | null;
  readonly state: NextStateName;
  readonly reason: string | null;
  readonly problem: Problem | null;
  readonly instance: InstanceId | null;
  /** The instance that failed verification, whose log is kept for a while. */
  readonly failedInstance?: InstanceId;
  /** The release that it switches with; null: by itself. */
  readonly release: string | null;
  readonly generation: number;
  /** When it was first wanted, in milliseconds since the epoch. */
  readonly seenAt: number;
  /** Verification must be done by then; null until it started. */
  readonly deadline: number | null;
  /** Not tried again before then. */
  readonly retryAt: number | null;
  readonly cause: Cause;
}

/** One deployment as recorded: what is live, what is next. */
export interface RecordedDeployment {
  readonly env: EnvName;
  readonly app: AppId;
  /** Names its writable folder: `ENV/APP-HASH`. */
  readonly dataName: string;
  /** The engine that keeps such a folder for it; null if none ever did. */
  readonly dataEngine: EngineName | null;
  /** Artifacts of what was live, newest first: kept so that going back needs no build. */
  readonly kept: readonly ArtifactKey[];
  readonly live: LiveState | null;
  readonly next: NextState | null;
}

/** An environment as recorded. */
export interface RecordedEnvironment {
  readonly name: EnvName;
  readonly kind: EnvKind;
  /** What it is derived from; unique, while the name is only computed from it. */
  readonly identity: string;
  /** Why it is parked: stopped, its data kept; null: it is not. */
  readonly parked: string | null;
  readonly cause: Cause | null;
  /** The commits that a preview is derived from, by repo. */
  readonly heads: Readonly<Record<string, CommitId>>;
  /** The newest commit of a preview's branch whose config evaluated; null: it goes by main's. */
  readonly goodConfig: CommitId | null;
  /** Why the branch's newest config does not evaluate. */
  readonly errors: readonly ConfigError[];
  readonly createdAt: number;
  /** When it was last wanted, in milliseconds since the epoch. */
  readonly activeAt: number;
  /** Since when it is being removed; null: it is not. */
  readonly endingSince: number | null;
}

/** States of an instance. Each is written before the effect that it announces. */
export type InstanceStateName =
  /** To be started (again) as soon as `retryAt` allows. */
  | 'starting'
  | 'running'
  /** Not wanted any more: no new request reaches it, those in flight may end until `drainUntil`. */
  | 'draining'
  | 'pausing'
  /** Asleep and frozen: it is started to go on, or stopped once nobody has used it for long enough. */
  | 'paused'
  | 'stopping'
  /**
   * Stopped and kept: asleep, making room for its replacement, or with its log because it failed verification.
   */
  | 'stopped'
  | 'removing';

/** One instance as recorded. */
export interface RecordedInstance {
  readonly id: InstanceId;
  readonly env: EnvName;
  readonly app: AppId;
  readonly target: Target;
  readonly generation: number;
  readonly state: InstanceStateName;
  /** Where it listens; known once it ran. */
  readonly route: RouteTarget | null;
  /** Why it is not running although it should. */
  readonly problem: Problem | null;
  /** Starts that failed or ended since it last stayed up. */
  readonly attempts: number;
  /** When it was last seen to start, in milliseconds since the epoch. */
  readonly startedAt: number | null;
  readonly retryAt: number | null;
  readonly drainUntil: number | null;
  /** Since when nobody uses what is paused or on its way to sleep, in milliseconds since the epoch; null: it is not. */
  readonly idleSince: number | null;
}

/** One artifact as recorded. */
export interface RecordedArtifact {
  readonly key: ArtifactKey;
  readonly inputs: ArtifactInputs;
  readonly source: Target['source'];
  readonly state: 'building' | 'built' | 'failed' | 'removing';
  readonly digest: string | null;
  readonly problem: Problem | null;
  readonly attempts: number;
  readonly retryAt: number | null;
  /** When something last referred to it, in milliseconds since the epoch. */
  readonly usedAt: number;
}

/** Data of a removed deployment, kept for a while. */
export interface RetainedData {
  readonly dataName: string;
  readonly env: EnvName;
  readonly app: AppId;
  readonly engine: EngineName;
  readonly until: number;
  readonly state: 'kept' | 'removing';
}

/** A set of deployments of one environment that switches as one. Its members are the deployments whose `next` names it. */
export interface RecordedRelease {
  readonly id: string;
  readonly env: EnvName;
  /** `forming`: not all its members are written down yet. `held`: it waits for a change in git. */
  readonly state: 'forming' | 'moving' | 'held';
  /** The hash of the removals in it that the brake holds; null: none. */
  readonly removalHash: string | null;
  readonly cause: Cause;
  /** Since when there is this release, in milliseconds since the epoch. */
  readonly since: number;
}

/** What is known of the config repo. */
export interface RecordedConfig {
  /** The newest commit that was looked at. */
  readonly seen: CommitId | null;
  readonly seenAt: number | null;
  readonly seenCause: Cause | null;
  /** The newest commit that evaluated: what is followed. */
  readonly accepted: CommitId | null;
  readonly acceptedCause: Cause | null;
  /** The newest accepted commit whose plan is recorded: from then on deployments speak of it. */
  readonly planned: CommitId | null;
  /** Errors of the newest commit, if it was rejected. */
  readonly errors: readonly ConfigError[];
}

/** What the last look at a source gave; `resolved` stays when a later look fails. */
export interface RecordedSource {
  readonly key: string;
  readonly repo: RepoUrl;
  readonly resolved: ResolvedSource | null;
  readonly problem: Problem | null;
}
