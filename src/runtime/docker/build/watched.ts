import type { Clock } from '../../../model/clock.ts';

/** How work is watched. */
export interface Watching {
  readonly clock: Pick<Clock, 'sleep'>;
  /** How long after one look the next one is, in milliseconds. */
  readonly everyMs: number;
  /** Ends the work from outside; its reason is the work's own then. */
  readonly signal: AbortSignal;
  /** Throws why the work must not go on. */
  readonly look: () => Promise<void>;
}

/**
 * Does work that is looked at again and again while it goes on. What a look throws ends the work, by its signal, and is thrown in its place,
 * unless the work was called off anyway. Called off beforehand it is not begun. Resolves once no look is under way any more.
 */
export async function watched<T>(
  { clock, everyMs, signal, look }: Watching,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const stop = new AbortController();
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, stop.signal, signal]);
  const looking = (async () => {
    while (!until.aborted) {
      await clock.sleep(everyMs, until).catch(() => undefined);
      if (!until.aborted) await look().catch((error: unknown) => stop.abort(error));
    }
  })();
  try {
    return await work(AbortSignal.any([signal, stop.signal]));
  } catch (error) {
    if (stop.signal.aborted && !signal.aborted) throw stop.signal.reason;
    throw error;
  } finally {
    over.abort();
    await looking;
  }
}
