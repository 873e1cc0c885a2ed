import type { Position } from './config.ts';
import type { EnvKind } from './environment.ts';
import type { AppId } from './ids.ts';
import type { JsonObject } from './json.ts';
import type { EngineName } from './revision.ts';
import type { Route } from './route.ts';

/** Where an app's code comes from, as declared. */
export type SourceDeclaration =
  /** `-`: the spec needs none. */
  | { readonly kind: 'none' }
  /** A folder of the config repo itself, without `./` and without a slash at the end (`""` is the root). */
  | { readonly kind: 'config'; readonly folder: string }
  /** A repo. `url` is normalised (a scheme is always there); `folder` is `""` for its root. */
  | { readonly kind: 'repo'; readonly url: string; readonly folder: string };

/** When a deployment counts as healthy. */
export interface HealthPolicy {
  readonly path: string;
  readonly expect: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** After how long without use something is paused, and stopped; null: not at all, or in a declaration by default. */
export interface IdleTimes {
  readonly pauseMs: number | null;
  readonly stopMs: number | null;
  /** What is deployed for the first time sleeps once it is verified. Absent where it does not, so that policies of earlier versions stay what they are. */
  readonly startsAsleep?: true;
}

/** When a deployment goes to sleep; null: by the environment's default; false: never. */
export type IdlePolicy = false | IdleTimes | null;

/** How much may be asked of an app, and how long an old instance of it may take to finish; absent: by default. */
export interface AppLimits {
  /** The longest body of a request. By default there is none: bodies stream. */
  readonly bodyBytes?: number;
  /** Requests in flight in each gateway process. By default there is none. */
  readonly requests?: number;
  /** Requests that wait beyond those. */
  readonly queue?: number;
  /** How long what is in flight on an old instance may go on after a switch. */
  readonly drainMs?: number;
}

/** What an environment may override. */
export interface Overrides {
  readonly params?: JsonObject;
  readonly containerOpts?: JsonObject;
  readonly idle?: IdlePolicy;
  readonly health?: Partial<HealthPolicy>;
  readonly limits?: AppLimits;
}

/** One `app(...)` call, checked and normalised. */
export interface AppDeclaration {
  readonly id: AppId;
  readonly route: Route;
  readonly source: SourceDeclaration;
  /** `auto` means: looked for in the source's files. */
  readonly spec: string;
  readonly gitBranch: string | null;
  readonly gitCommit: string | null;
  readonly gitAuth: string | null;
  readonly params: JsonObject;
  readonly containerOpts: JsonObject;
  readonly containerArgs: JsonObject;
  readonly containerVols: readonly string[];
  readonly appConfig: JsonObject;
  readonly stage: boolean | Overrides;
  readonly previews: boolean | Overrides;
  readonly promote: 'on_merge' | 'pinned';
  readonly strategy: 'blue_green' | 'replace';
  readonly stripPath: boolean | null;
  readonly slash: boolean | null;
  /** Only what was declared; `healthOf` fills in the rest. */
  readonly health: Partial<HealthPolicy>;
  readonly idle: IdlePolicy;
  /** Only what was declared. */
  readonly limits: AppLimits;
  readonly verify: boolean | readonly string[];
  /** A new artifact in each such period, although nothing changed in git; absent: never. */
  readonly refresh?: 'weekly';
  readonly position: Position;
  /** Arguments that were given and are right, but whose effect comes with a later version. */
  readonly notInEffect: readonly string[];
}

/** What `health` is where nothing is declared. */
export const DEFAULT_HEALTH: HealthPolicy = { path: '/', expect: 200, intervalMs: 1_000, timeoutMs: 60_000 };

/** When what nobody uses is stopped where that is not said: outside of production sooner. */
const STOP_MS = { prod: 30 * 60_000, others: 15 * 60_000 };

/** When a container that nobody uses is paused where nothing is said. */
const PAUSE_MS = 5 * 60_000;

/** Where an app runs, as far as its sleep depends on that. */
export interface SleepsAt {
  readonly kind: EnvKind;
  readonly engine: EngineName;
}

/**
 * When an app goes to sleep in an environment: as declared there, else in production as declared, elsewhere no later than after a
 * quarter of an hour. An app that is never to sleep sleeps nowhere. Where nothing is declared, containers sleep everywhere (they are
 * paused first), all others outside of production only.
 */
export function idleOf(at: SleepsAt, declared: IdlePolicy, there: IdlePolicy | undefined): IdlePolicy {
  if (there !== undefined) return there === false || there === null ? there : timesOf(at, there);
  if (declared === false) return false;
  if (at.kind === 'prod') return declared === null && at.engine !== 'docker' ? null : timesOf(at, declared);
  const { pauseMs, stopMs, ...rest } = timesOf(at, declared);
  const sooner = Math.min(stopMs ?? STOP_MS.others, STOP_MS.others);
  return { pauseMs: pauseMs !== null && pauseMs < sooner ? pauseMs : null, stopMs: sooner, ...rest };
}

/** What is not said of the times is by default; who says when to stop and not when to pause is not paused. */
function timesOf({ kind, engine }: SleepsAt, given: IdleTimes | null): IdleTimes {
  const { pauseMs: pause = null, stopMs: stop = null, ...rest } = given ?? {};
  const pauseMs = pause ?? (stop === null && engine === 'docker' ? PAUSE_MS : null);
  const usualMs = kind === 'prod' ? STOP_MS.prod : STOP_MS.others;
  return { pauseMs, stopMs: stop ?? Math.max(usualMs, pauseMs ?? 0), ...rest };
}

/** The health policy with defaults filled in. */
export function healthOf(declared: Partial<HealthPolicy>): HealthPolicy {
  return { ...DEFAULT_HEALTH, ...declared };
}
