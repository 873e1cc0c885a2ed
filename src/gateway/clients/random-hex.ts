import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 8_192;

/** Random hexadecimal text, from a pool that is filled once for many: a call for each would cost more than all else of a name. */
export class RandomHex {
  readonly #pool = Buffer.alloc(POOL_BYTES);
  #at = POOL_BYTES;

  /** The text of as many random bytes, at most 64. */
  take(bytes: number): string {
    if (this.#at + bytes > POOL_BYTES) {
      randomFillSync(this.#pool);
      this.#at = 0;
    }
    const from = this.#at;
    this.#at += bytes;
    return this.#pool.toString('hex', from, this.#at);
  }
}
