import { COPIED_BYTES } from '../clients/client-response.ts';
import { giveBack } from '../clients/give-back.ts';

const READ_BYTES = 65_536;
// Reads of fewer bytes than this are not worth memory of their own.
const WORTH_BYTES = 16_384;
// For all connections: what one has read is dealt with before another one reads.
const SHARED = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Where one connection reads to. Heads and short answers go to memory that all connections share, which costs next to nothing; what
 * comes in large reads goes to memory of its own, so that it is passed on without a copy.
 */
export class ReadBuffers {
  #current = SHARED;
  #lastBytes = 0;
  /** Whether content is being passed on from here: what breaks off then, nobody may overwrite. */
  #isPassing = false;
  /** Memory of content that waits until the client has taken it. */
  #unwritten: Buffer[] = [];

  /** Where the next bytes go. `isStreaming`: they are content that is passed on as it comes. */
  next(isStreaming: boolean): Buffer {
    const isOwnWorth = isStreaming && this.#lastBytes >= WORTH_BYTES;
    if (this.#isPassing) this.#current = SHARED;
    this.#isPassing = false;
    if (isOwnWorth && this.#current === SHARED) this.#current = Buffer.allocUnsafeSlow(READ_BYTES);
    else if (!isOwnWorth && this.#current !== SHARED) {
      giveBack(this.#current);
      this.#current = SHARED;
    }
    return this.#current;
  }

  /** Content that was read, fit to be passed on: beyond `COPIED_BYTES` it stays as it is until it is written. `passed` has to follow. */
  contentOf(bytes: Buffer): Buffer {
    this.#lastBytes = bytes.length;
    this.#isPassing = true;
    if (bytes.length <= COPIED_BYTES || bytes.buffer !== this.#current.buffer) return bytes;
    return this.#current !== SHARED && bytes.length >= WORTH_BYTES ? bytes : Buffer.from(bytes);
  }

  /** All of this content was passed on, and has been written or not. */
  passed(content: Buffer, { isWritten, isLast }: { readonly isWritten: boolean; readonly isLast: boolean }): void {
    this.#isPassing = false;
    const isCurrent = content.buffer === this.#current.buffer;
    if (isWritten) {
      this.written();
      if (!isCurrent) giveBack(content);
    } else if (!isCurrent) this.#unwritten.push(content);
    else if (this.#current !== SHARED) {
      this.#unwritten.push(this.#current);
      this.#current = SHARED;
    }
    // What is still to be written then belongs to whoever writes it.
    if (isLast) this.#unwritten = [];
  }

  /** Everything that was passed on has been written. */
  written(): void {
    if (this.#unwritten.length === 0) return;
    for (const memory of this.#unwritten) giveBack(memory);
    this.#unwritten = [];
  }
}
