/** Polls come when the bench says so, not when an interval is over. */
export class Gate {
  #waiting: (() => void) | null = null;

  /** Resolves when the gate is opened; rejects when the signal aborts. */
  next(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** Lets whoever waits go on. */
  open(): void {
    this.#waiting?.();
  }
}
