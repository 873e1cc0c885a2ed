/** What `git cat-file` says about one object; null: it is not there. `content` is null in mode `check`. */
export type CatFileAnswer = {
  readonly type: string;
  readonly size: number;
  readonly content: Buffer | null;
} | null;

const NEWLINE = 10;

/** Reads the answers of `git cat-file --batch` and `--batch-check` out of chunks that are cut anywhere. */
export class AnswerParser {
  readonly #mode: 'check' | 'contents';
  readonly #onAnswer: (answer: CatFileAnswer) => void;
  #header = '';
  /** The object being received; null while a header is. */
  #body: { readonly type: string; readonly content: Buffer; filled: number } | null = null;

  constructor(mode: 'check' | 'contents', onAnswer: (answer: CatFileAnswer) => void) {
    this.#mode = mode;
    this.#onAnswer = onAnswer;
  }

  /** Takes the next chunk; calls back for every answer that it completes. Throws at what is no answer. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.#body === null ? this.#takeHeader(chunk, at) : this.#takeBody(chunk, at);
  }

  #takeHeader(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(NEWLINE, from);
    this.#header += chunk.toString('latin1', from, end < 0 ? chunk.length : end);
    if (end < 0) return chunk.length;
    const header = this.#header;
    this.#header = '';
    this.#open(header);
    return end + 1;
  }

  #open(header: string): void {
    if (header.endsWith(' missing')) {
      this.#onAnswer(null);
      return;
    }
    const [, type, digits] = /^[0-9a-f]+ (\w+) (\d+)$/.exec(header) ?? [];
    if (type === undefined || digits === undefined) throw new Error(`git cat-file said ${JSON.stringify(header)}`);
    const size = Number(digits);
    if (this.#mode === 'check') this.#onAnswer({ type, size, content: null });
    else this.#body = { type, content: Buffer.allocUnsafe(size), filled: 0 };
  }

  #takeBody(chunk: Buffer, from: number): number {
    const body = this.#body;
    if (body === null) return from;
    const { content } = body;
    if (body.filled < content.length) {
      const copied = chunk.copy(content, body.filled, from);
      body.filled += copied;
      return from + copied;
    }
    // The newline after the content.
    this.#body = null;
    this.#onAnswer({ type: body.type, size: content.length, content });
    return from + 1;
  }
}
