/** How many of those whose predecessor is asleep are verified at a time: each has to run for that, and nobody waits for it. */
const AT_ONCE = 8;

/** Turns at being verified, in the order of coming. */
export class VerifyTurns {
  readonly #holders = new Set<string>();
  readonly #waiting = new Map<string, () => void>();

  /** Resolves when it is the deployment's turn, at once if it has one already. Rejects when the signal aborts before. */
  async take(key: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#holders.has(key)) return;
    if (this.#holders.size < AT_ONCE) {
      this.#holders.add(key);
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const leave = () => {
        this.#waiting.delete(key);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.#waiting.set(key, () => {
        signal.removeEventListener('abort', leave);
        resolve();
      });
    });
  }

  /** It is not being verified any more, in whatever way: the next one's turn. */
  leave(key: string): void {
    if (!this.#holders.delete(key)) return;
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [name, go] = next;
    this.#waiting.delete(name);
    this.#holders.add(name);
    go();
  }
}
