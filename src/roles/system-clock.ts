import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../model/clock.ts';

/** A timer holds at most this long; whoever waits for longer looks again then. */
const LONGEST_MS = 3_600_000;

/** The time of this machine. A sleep of more than an hour ends after an hour: callers look again anyway. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    try {
      await pause(Math.min(ms, LONGEST_MS), undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      // The timer's own AbortError hides why; callers expect the signal's reason.
      throw signal?.aborted ? signal.reason : error;
    }
  },
};
