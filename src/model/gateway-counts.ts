import type { AppId, EnvName } from './ids.ts';

/** Upper bounds of the buckets that durations are counted in, in seconds; what took longer is in one more. */
export const BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** What requests are counted by: the class of their status, or that no answer had begun when they ended. */
export const STATUS_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx', 'none'] as const;

/** What can go wrong with an upstream. */
export const UPSTREAM_FAULTS = ['refused-target', 'unreachable', 'closed', 'malformed', 'timeout'] as const;

const BUCKETS = BUCKETS_SECONDS.length + 1;
const LENGTHS = {
  requests: STATUS_CLASSES.length,
  /** From a request's head to the end of its answer, upgraded connections left out. */
  duration: BUCKETS,
  durationSeconds: 1,
  /** From a request's head to the head of its answer. */
  firstByte: BUCKETS,
  firstByteSeconds: 1,
  bytesIn: 1,
  bytesOut: 1,
  faults: UPSTREAM_FAULTS.length,
  held: 1,
  woken: 1,
  refused: 1,
  retried: 1,
  /** Not a count: how many there are now. */
  inFlight: 1,
} as const;

/** What is counted of an app, each with its place in an array of numbers. */
export type CountName = keyof typeof LENGTHS;

/** Where the numbers of each count begin. */
export const COUNT_AT = placesOf(LENGTHS);

/** How many numbers are kept of an app. */
export const COUNTS_LENGTH = Object.values(LENGTHS).reduce((sum, length) => sum + length, 0);

/** What one gateway process has counted of one app in one environment since `serial` was begun. */
export interface AppCounts {
  readonly env: EnvName;
  readonly app: AppId;
  /** Another one means that counting began anew. */
  readonly serial: number;
  readonly counts: readonly number[];
}

/** What one gateway process says of itself. Counts since its start, the rest as it is now. */
export interface ProcessCounts {
  readonly generation: number;
  readonly connectionsOpen: number;
  readonly connectionsAccepted: number;
  readonly connectionsRefused: number;
  /** Requests that wait: for a held or sleeping app, or for their turn. */
  readonly waiting: number;
  /** For how long the event loop was busy. */
  readonly busySeconds: number;
  /** How late the event loop was, in seconds, since it was last asked. */
  readonly delayP99Seconds: number;
  readonly delayMaxSeconds: number;
  readonly accessLogDropped: number;
}

/** What all gateway processes together have counted. */
export interface GatewayTotals {
  /** The newest generation of the route table that gateways were told of. */
  readonly generation: number;
  readonly apps: readonly { readonly env: EnvName; readonly app: AppId; readonly counts: readonly number[] }[];
  readonly processes: readonly (ProcessCounts & { readonly pid: number })[];
  /** Connections of processes that are gone. */
  readonly gone: {
    readonly connectionsAccepted: number;
    readonly connectionsRefused: number;
    readonly accessLogDropped: number;
  };
}

/** Nothing counted yet. */
export const NO_TOTALS: GatewayTotals = {
  generation: 0,
  apps: [],
  processes: [],
  gone: { connectionsAccepted: 0, connectionsRefused: 0, accessLogDropped: 0 },
};

/** What reached no app: unknown hosts, the reserved prefix, the status host, what could not be read. No app can have this name. */
export const NO_APP = { env: '-' as EnvName, app: '-' as AppId };

/** Apps beyond `MOST_COUNTED_APPS`, together. */
export const OTHER_APPS = { env: '*' as EnvName, app: '*' as AppId };

/** So many apps (in an environment each) are counted on their own. What is kept and shown of one is about 5 KB of text. */
export const MOST_COUNTED_APPS = 1_000;

function placesOf(lengths: Readonly<Record<CountName, number>>): Readonly<Record<CountName, number>> {
  let at = 0;
  const places = Object.entries(lengths).map(([name, length]) => {
    at += length;
    return [name, at - length];
  });
  return Object.fromEntries(places) as Record<CountName, number>;
}
