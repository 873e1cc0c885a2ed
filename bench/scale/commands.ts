import type { ProcessMemory } from '../process-memory.ts';

/** What the bench tells the controller that it measures. */
export type Command =
  | { readonly do: 'start'; readonly apps: number }
  /** Look although nothing changed. */
  | { readonly do: 'poll' }
  /** Forget what was measured so far. */
  | { readonly do: 'begin' }
  /** Look, and wait until what was found since `begin` is live. */
  | { readonly do: 'look' }
  | { readonly do: 'stop' };

/** When something first happened, in milliseconds since the command. */
export interface Moments {
  /** `Reconciler.start` was over: everything is adopted. */
  readonly started: number;
  readonly accepted: number;
  /** The first step was written down. */
  readonly planned: number;
  /** All steps were. */
  readonly recorded: number;
  readonly firstLive: number;
  readonly live: number;
  readonly looked: number;
  readonly quiet: number;
}

/** What was measured between a command and its end. */
export interface Measured {
  readonly type: 'measured';
  readonly moments: Partial<Moments>;
  /** Calls of engines by `ENGINE.method`. */
  readonly calls: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  /** The longest time for which nothing else could run. */
  readonly blockMs: number;
  readonly memory: ProcessMemory;
  readonly heapMib: number;
  readonly databaseMib: number;
}

/** What the controller answers. */
export type Reply = Measured | { readonly type: 'booted'; readonly ms: number };
