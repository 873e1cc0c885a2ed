import type { Ledger } from './ledger.ts';

/** What is asked for, and how hard. */
export interface LoadPlan {
  readonly port: number;
  /** The path of the process app (see `versionedServer`), without a slash at the end. */
  readonly server: string;
  /** The paths of static apps (see `versionedPage`). */
  readonly pages: readonly string[];
  /** How many clients of each sort. */
  readonly keepAlive: number;
  readonly oneShot: number;
  readonly slow: number;
  readonly streams: number;
  /** How long a keep-alive client and a one-shot client rest between two requests, at most, in milliseconds. */
  readonly restMs: number;
  /** Of how many parts, one each 250 ms, a slow transfer consists: how long it lasts. */
  readonly slowParts: number;
}

/** What a client of a load runs with. */
export interface Lane {
  readonly plan: LoadPlan;
  readonly ledger: Ledger;
  /** Aborts when the load is to end: what is under way is finished, streams are closed. */
  readonly over: AbortSignal;
}

/** Reads the version that an answer says; undefined when it says none. */
export function versionIn(body: Buffer): number | undefined {
  const [, version] = /^version (\d+)\.\n/.exec(body.subarray(0, 40).toString('latin1')) ?? [];
  return version === undefined ? undefined : Number(version);
}

/** Waits; ends early when the load is over. */
export function rest(ms: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (over.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      over.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    over.addEventListener('abort', done, { once: true });
  });
}
