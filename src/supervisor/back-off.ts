/** When a process that ended may be started again. */
export interface BackOff {
  /** The process began to run. */
  started(now: number): void;
  /** The process ended: milliseconds to wait before the next start. */
  ended(now: number): number;
  /** Whether it keeps ending soon after its start. */
  isCrashLoop(): boolean;
}

const FIRST_MS = 50;
const LAST_MS = 5_000;
const STEADY_MS = 30_000;
const LOOP = 5;

/** A back-off that doubles with every early end and is forgotten after half a minute of running. */
export function makeBackOff(): BackOff {
  let startedAt = 0;
  let early = 0;
  return {
    started: (now) => {
      startedAt = now;
    },
    ended: (now) => {
      early = now - startedAt >= STEADY_MS ? 1 : early + 1;
      return early === 1 ? 0 : Math.min(LAST_MS, FIRST_MS * 2 ** (early - 2));
    },
    isCrashLoop: () => early >= LOOP,
  };
}
