import pLimit from 'p-limit';
import type { Limiter } from './slots/instance-slots.ts';

/**
 * Lets at most `width` of the things handed to it run side by side; the others wait their turn and hold nothing. What is
 * aborted before its turn ends at once and never runs.
 */
export function limiter(width: number): Limiter {
  const limit = pLimit(width);
  return async (signal, run) => {
    signal.throwIfAborted();
    const left = Promise.withResolvers<never>();
    left.promise.catch(() => {});
    const leave = () => left.reject(signal.reason);
    signal.addEventListener('abort', leave, { once: true });
    const turn = limit(() => {
      signal.removeEventListener('abort', leave);
      signal.throwIfAborted();
      return run();
    });
    turn.catch(() => {});
    return Promise.race([turn, left.promise]);
  };
}
