import type { EnvKind } from '../model/environment.ts';
import type { Problem } from '../model/errors.ts';
import type { AppId, ArtifactKey, EnvName, InstanceId, RevisionHash } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import type { Artifact, ArtifactInputs, EngineName, RevisionSpec } from '../model/revision.ts';
import type { RouteTarget } from '../model/routing.ts';
import type { SourceTree } from '../model/source-tree.ts';

/** Puts the files of the source tree into a folder that does not exist yet; modes are kept. Safe to call again after a crash. */
export type ExportTree = (into: string, signal: AbortSignal) => Promise<void>;

/** Gives the files of the source tree, to be read where they lie, while they are needed. */
export type ReadTree = (signal: AbortSignal) => Promise<SourceTree>;

/** What a build gets. */
export interface BuildRequest {
  readonly key: ArtifactKey;
  readonly inputs: ArtifactInputs;
  /** Null where the spec needs no source. */
  readonly exportTree: ExportTree | null;
  /** The same files, for engines that need no copy of them; what is not given or null is had by `exportTree`. */
  readonly readTree?: ReadTree | null;
}

/** What an instance is made from. The same request always means the same instance. */
export interface InstanceRequest {
  readonly id: InstanceId;
  readonly env: EnvName;
  readonly app: AppId;
  readonly generation: number;
  readonly revision: RevisionHash;
  readonly spec: RevisionSpec;
  readonly artifact: Artifact;
  /** APP_URL, APP_PATH, APP_ENV and the params of this environment, as strings. PORT and APP_DATA come from the engine. */
  readonly variables: Readonly<Record<string, string>>;
  /** Limits and the like, after the environment's overrides. */
  readonly containerOpts: JsonObject;
  /** Names the writable folder that is kept across revisions, below the data folder: `ENV/APP-HASH`. */
  readonly dataName: string;
}

/** What an engine sees of an instance. */
export type InstanceState =
  | { readonly state: 'running'; readonly target: RouteTarget }
  /** It is frozen: it answers nothing, costs no CPU, and goes on at the next start. */
  | { readonly state: 'paused'; readonly target: RouteTarget }
  /** It ran and ended, was changed by hand, or its own check calls it unhealthy (the next start ends it first); `reason` is for people. */
  | { readonly state: 'exited'; readonly reason: string }
  /** The engine knows nothing of it. */
  | { readonly state: 'absent' };

/** One of this installation's instances, as an engine finds it by its labels. */
export interface ListedInstance {
  readonly id: InstanceId;
  readonly state: InstanceState;
}

/** Something that happened to an instance without our doing, or that an engine is to be looked at again (`gap`). */
export type EngineEvent =
  | { readonly kind: 'exited'; readonly id: InstanceId; readonly reason: string }
  | { readonly kind: 'removed'; readonly id: InstanceId }
  | { readonly kind: 'artifact-lost'; readonly key: ArtifactKey }
  /** Events may have been lost: list again. */
  | { readonly kind: 'gap' };

/** One line of what an instance or a build printed. */
export interface LogLine {
  readonly at: string | null;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Which log, and how much of it. */
export interface LogRequest {
  readonly of: { readonly instance: InstanceId } | { readonly build: ArtifactKey };
  readonly tail: number;
  readonly follow: boolean;
}

/**
 * Where apps run. Everything an engine makes carries labels (installation, app, env, instance, generation), so that a new
 * controller finds it again. Every method may be repeated after a crash at any point, and a signal that aborts ends it soon.
 * Failures are `MainspringError`s whose code says what comes next.
 */
export interface Engine {
  readonly name: EngineName;
  /**
   * Makes the artifact of the key, unless it is there and whole already. Never leaves a half-made artifact under its key.
   * What the build prints is kept, bounded, for `logs`.
   */
  build(request: BuildRequest, signal: AbortSignal): Promise<Artifact>;
  /** Whether the artifact is there and whole. */
  hasArtifact(key: ArtifactKey): Promise<boolean>;
  /** Removes an artifact and its build log. A missing one counts as removed. */
  removeArtifact(key: ArtifactKey): Promise<void>;
  /**
   * Starts the instance and says where it listens. If it runs already, it is left as it is and the answer is the same. One that is
   * paused goes on, one that counts as exited is started anew.
   */
  start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget>;
  /** Stops it: asks, waits `graceMs`, then kills, with all its children. A paused one ends too. Twice is fine; a missing one counts as stopped. */
  stop(id: InstanceId, options: { readonly graceMs: number }): Promise<void>;
  /**
   * Freezes a running instance, so that the next start brings it back in milliseconds, and gives its memory back where the machine can
   * take it. Twice is fine. One that does not run is an error: `engine-failed`. An engine without this only stops;
   * one may come to know so when it runs something, and is without it from then on.
   */
  readonly pause?: ((id: InstanceId) => Promise<void>) | undefined;
  /**
   * Lets a paused instance go on as it was, at the target that it had, and does no more: the quickest way back. False: it is not paused, or not
   * there, and `start` brings it back. An engine that pauses has this too.
   */
  readonly resume?: ((id: InstanceId, signal: AbortSignal) => Promise<boolean>) | undefined;
  /** Removes what is left of a stopped instance (its files, its log). Stops it first if it runs. A missing one counts as removed. */
  remove(id: InstanceId): Promise<void>;
  inspect(id: InstanceId): Promise<InstanceState>;
  /**
   * What can be said of a running instance that does not answer where it should, and what to do: that it listens on another port, say.
   * Null: nothing. An engine without this never has anything to say.
   */
  advice?(id: InstanceId): Promise<string | null>;
  /** Everything of this installation, whether a row owns it or not. */
  list(): Promise<readonly ListedInstance[]>;
  /** Artifacts that are there and whole. */
  listArtifacts(): Promise<readonly ArtifactKey[]>;
  /** Removes the data folder that `dataName` names. A missing one counts as removed. */
  removeData(dataName: string): Promise<void>;
  /**
   * After an unclean stop: removes artifacts finished since then (milliseconds since the epoch) that are not whole, and says
   * which. An engine without this keeps its artifacts safe by itself.
   */
  recheck?(since: number): Promise<readonly ArtifactKey[]>;
  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogLine>;
  /** What happens from now on. Ends when the signal aborts. */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>;
  /** Lets go of everything in this process; what runs goes on. */
  close(): Promise<void>;
}

/** How one look at an instance's health went. */
export type ProbeResult = { readonly healthy: true } | { readonly healthy: false; readonly reason: string };

/** One look at the health of an instance: a GET to `path`. Never throws; a time limit counts as unhealthy. */
export type Probe = (
  target: RouteTarget,
  /** `expect` null: any answer below 400 will do. */
  check: { readonly path: string; readonly expect: number | null; readonly host: string },
  signal: AbortSignal,
) => Promise<ProbeResult>;

/** Why an engine can't be used in environments of a kind, or null. Asked in each pass, so it must be cheap. */
export type EngineAvailability = (engine: EngineName, kind: EnvKind) => Problem | null;
