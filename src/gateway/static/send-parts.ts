import type { ServerResponse } from 'node:http';
import type { ByteRange } from './byte-range.ts';
import type { OpenFile } from './open-files.ts';

/** What a body is made of, in order: bytes at hand, and parts of the open file. */
export type Part = Buffer | ByteRange;

const PIECE_BYTES = 128 * 1024;

/**
 * Sends a body from a file, a piece at a time: the next is read when the client has taken the one before, so a download needs one
 * piece of memory however large it is. The head must be written. Gives the file back. What goes wrong on the way cuts the
 * connection, which is all that can be said at that point.
 */
export async function sendParts(response: ServerResponse, file: OpenFile, parts: readonly Part[]): Promise<void> {
  const sender = new PieceSender(response);
  try {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) await sender.send(part);
      else await sendRange(sender, file, part);
    }
    if (!response.destroyed) response.end();
  } catch {
    response.destroy();
  } finally {
    file.close();
  }
}

async function sendRange(sender: PieceSender, file: OpenFile, { start, end }: ByteRange): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(PIECE_BYTES, end - start + 1));
  for (let at = start; at <= end; ) {
    const length = await file.read(buffer, Math.min(buffer.length, end - at + 1), at);
    if (length === 0) throw new Error('the file is shorter than it was');
    await sender.send(buffer.subarray(0, length));
    at += length;
  }
}

/** Hands pieces over one by one. */
class PieceSender {
  readonly #response: ServerResponse;
  #onGone = (_error: Error) => {};

  constructor(response: ServerResponse) {
    this.#response = response;
    // A response whose connection went before its turn came never says what became of what was written to it.
    response.once('close', () => this.#onGone(new Error('the client has left')));
  }

  /** Resolves when the piece was handed over, and its memory can be used again. Rejects when the client has left. */
  send(piece: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#response.destroyed) return reject(new Error('the client has left'));
      this.#onGone = reject;
      this.#response.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }
}
