import { randomBytes } from 'node:crypto';

// Whoever keeps a piece keeps all of the text, so it is not long.
const POOL_BYTES = 1_024;

/** Random hexadecimal text, of which much is made at once: a call for each piece would cost more than all else of a name. */
export class RandomHex {
  #text = '';
  #at = 0;

  /** The text of as many random bytes, at most 64. */
  take(bytes: number): string {
    const from = this.#at;
    const end = from + 2 * bytes;
    if (end > this.#text.length) {
      this.#text = randomBytes(POOL_BYTES).toString('hex');
      this.#at = 2 * bytes;
      return this.#text.slice(0, this.#at);
    }
    this.#at = end;
    return this.#text.slice(from, end);
  }
}
