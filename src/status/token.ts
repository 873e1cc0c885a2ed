import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** Compares what a client sent with the token of a file, which is read again when it changes. */
export class TokenFile {
  readonly #onFault: (error: unknown) => void;
  #file: string | null = null;
  #stamp = '';
  #digest: Buffer | null = null;

  /** `onFault` hears of a file that can't be read, once for each change of it. */
  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  /** Whether an Authorization header carries the token of the file. Takes the same time for every wrong one. */
  async matches(file: string | null, authorization: string | undefined): Promise<boolean> {
    const sent = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (file === null || sent === undefined) return false;
    await this.#refresh(file);
    return this.#digest !== null && timingSafeEqual(this.#digest, digestOf(sent));
  }

  async #refresh(file: string): Promise<void> {
    const stamp = await stampOf(file);
    if (file === this.#file && stamp === this.#stamp) return;
    this.#file = file;
    this.#stamp = stamp;
    this.#digest = null;
    try {
      const token = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
      // An empty file must not let in who sends an empty token.
      if (token === '') throw new Error(`the token file "${file}" is empty`);
      this.#digest = digestOf(token);
    } catch (error) {
      this.#onFault(error);
    }
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

async function stampOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => null);
  return found === null ? 'missing' : [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join();
}
