/** How much a cache may hold. */
export interface CacheLimits {
  readonly entries: number;
  /** Of what was said to be the size of the entries; keys and bookkeeping come on top. */
  readonly bytes: number;
}

interface Kept<V> {
  readonly value: V;
  readonly bytes: number;
}

/**
 * A map that forgets what was not used for a while once it is full. Two generations: what is found in the older one moves to the
 * younger, and when the younger holds half of the limits the older is dropped. So a hit costs a look-up and nothing else.
 */
export class BoundedCache<V> {
  readonly #half: CacheLimits;
  #young = new Map<string, Kept<V>>();
  #old = new Map<string, Kept<V>>();
  #youngBytes = 0;

  constructor({ entries, bytes }: CacheLimits) {
    this.#half = { entries: Math.floor(entries / 2), bytes: Math.floor(bytes / 2) };
  }

  get(key: string): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young.value;
    const old = this.#old.get(key);
    if (old === undefined) return undefined;
    this.#old.delete(key);
    this.#keep(key, old);
    return old.value;
  }

  /** Keeps a value, in place of what was there. One larger than half of the cache is not kept. */
  set(key: string, value: V, bytes: number): void {
    this.delete(key);
    if (bytes <= this.#half.bytes) this.#keep(key, { value, bytes });
  }

  delete(key: string): void {
    this.#youngBytes -= this.#young.get(key)?.bytes ?? 0;
    this.#young.delete(key);
    this.#old.delete(key);
  }

  #keep(key: string, kept: Kept<V>): void {
    if (this.#young.size >= this.#half.entries || this.#youngBytes + kept.bytes > this.#half.bytes) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#youngBytes = 0;
    }
    this.#young.set(key, kept);
    this.#youngBytes += kept.bytes;
  }
}
