import type { Position } from './config.ts';
import type { EnvKind } from './environment.ts';
import type { AppId } from './ids.ts';
import type { JsonObject } from './json.ts';
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

/** When a deployment goes to sleep; null: by the environment's default; false: never. */
export type IdlePolicy = false | { readonly pauseMs: number | null; readonly stopMs: number | null } | null;

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

/** Outside of production what nobody uses is stopped after a quarter of an hour, unless the environment itself is told otherwise. */
const OTHERS_IDLE_MS = 15 * 60_000;

/**
 * When an app goes to sleep in an environment: as declared there, else in production as declared (by default never), elsewhere
 * no later than after a quarter of an hour. An app that is never to sleep sleeps nowhere.
 */
export function idleOf(kind: EnvKind, declared: IdlePolicy, there: IdlePolicy | undefined): IdlePolicy {
  if (there !== undefined) return there;
  if (kind === 'prod' || declared === false) return declared;
  const stopMs = Math.min(declared?.stopMs ?? OTHERS_IDLE_MS, OTHERS_IDLE_MS);
  const pauseMs = declared?.pauseMs ?? null;
  return { pauseMs: pauseMs !== null && pauseMs < stopMs ? pauseMs : null, stopMs };
}

/** The health policy with defaults filled in. */
export function healthOf(declared: Partial<HealthPolicy>): HealthPolicy {
  return { ...DEFAULT_HEALTH, ...declared };
}
