/** Lets one at a time do something with the same key, in the order of asking. Different keys don't wait for each other. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` when all before it with this key are done, however they ended. A signal that aborts ends the wait. */
  async take<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last.get(key);
    const turn = Promise.withResolvers<void>();
    const mine = Promise.all([before, turn.promise]);
    this.#last.set(key, mine);
    try {
      if (before !== undefined) await orAborted(before, signal);
      return await work();
    } finally {
      turn.resolve();
      void mine.then(() => this.#last.get(key) === mine && this.#last.delete(key));
    }
  }
}

/** Waits for a promise, or rejects with the signal's reason as soon as it aborts. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const end = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
