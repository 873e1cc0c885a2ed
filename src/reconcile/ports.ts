import type { Git } from '../git/git.ts';
import type { Clock } from '../model/clock.ts';
import type { Evaluation } from '../model/config.ts';
import type { InstallationId, InstanceId } from '../model/ids.ts';
import type { EngineName } from '../model/revision.ts';
import type { Settings } from '../model/settings.ts';
import type { Engine, EngineAvailability, Probe } from '../runtime/engine.ts';
import type { MemoryUse } from '../runtime/memory-use.ts';
import type { ConfigTree } from '../starlark/config-tree.ts';
import type { Store } from '../store/store.ts';
import type { Boundary } from './boundaries.ts';

/** Turns a config tree into declarations, or into all its errors. Only an abort or a failure to read the tree is thrown. */
export interface Evaluator {
  evaluate(tree: ConfigTree, signal: AbortSignal): Promise<Evaluation>;
}

/** What reconcile asks of the gateways. Gateways that are gone never hold anything up. */
export interface GatewayControl {
  /** Tells all gateways that routes up to this generation are there. */
  announce(generation: number): void;
  /** Resolves when every connected gateway has applied the generation. Rejects only when the signal aborts. */
  applied(generation: number, signal: AbortSignal): Promise<void>;
  /** Resolves when no connected gateway has anything in flight on the instance, or nothing but streams. Rejects only when the signal aborts. */
  idle(instance: InstanceId, signal: AbortSignal, options?: { readonly besidesStreams: boolean }): Promise<void>;
  /** Makes all gateways end the tunnels to an instance that is about to be stopped, WebSockets by a close frame. `idle` tells when they have. */
  endTunnels(instance: InstanceId): void;
  /**
   * What all gateways together say of the use of an instance: requests in flight, streams that are open (WebSockets and other tunnels,
   * server-sent events), and for how many milliseconds no request has ended and nothing was said on a stream. With no gateway there to
   * ask, it counts as used just now. Rejects only when the signal aborts.
   */
  use(instance: InstanceId, signal: AbortSignal): Promise<InstanceUse>;
}

/** The use of an instance. That a stream is open is none; what is said on it is. */
export interface InstanceUse {
  readonly inFlight: number;
  readonly streams: number;
  readonly idleMs: number;
}

/** Where reconcile says what went wrong outside of what it records. */
export interface Log {
  info(message: string, detail?: Readonly<Record<string, unknown>>): void;
  warn(message: string, detail?: Readonly<Record<string, unknown>>): void;
}

/** Limits of what runs side by side, and of each phase. Times in milliseconds. */
export interface Limits {
  readonly builds: number;
  readonly starts: number;
  readonly buildMs: number;
  readonly startMs: number;
  readonly probeMs: number;
  readonly drainMs: number;
  readonly graceMs: number;
  readonly evaluateMs: number;
  /** Bytes of one config file or Procfile. */
  readonly fileBytes: number;
}

/** Everything that reconcile works with. */
export interface Ports {
  readonly installation: InstallationId;
  readonly settings: Settings;
  readonly store: Store;
  readonly git: Git;
  readonly evaluator: Evaluator;
  readonly engines: ReadonlyMap<EngineName, Engine>;
  readonly available: EngineAvailability;
  readonly probe: Probe;
  readonly gateways: GatewayControl;
  /** How much of the memory is in use. */
  readonly memory: MemoryUse;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: Limits;
  /** Called at each named boundary between a step's parts; tests crash there. */
  readonly reach: Boundary;
  /** Lets other work run between the slices of a long pass. */
  readonly yieldTurn: () => Promise<void>;
}

/** Limits that suit a machine with so many cores. */
export function defaultLimits(cores: number): Limits {
  return {
    // One that hangs must leave room for the others, also on a small machine.
    builds: Math.max(2, Math.floor(cores / 2)),
    starts: 16,
    buildMs: 15 * 60_000,
    startMs: 60_000,
    probeMs: 5_000,
    drainMs: 30_000,
    graceMs: 10_000,
    evaluateMs: 5 * 60_000,
    fileBytes: 1024 * 1024,
  };
}
