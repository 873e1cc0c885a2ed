import pLimit from 'p-limit';
import type { Limiter } from './slots/instance-slots.ts';

/** Lets at most `width` of the things handed to it run side by side; the others wait their turn and hold nothing. */
export function limiter(width: number): Limiter {
  const limit = pLimit(width);
  return (run) => limit(run);
}
