import { malformed, parseFields } from './response-head.ts';

const MAX_SIZE_LINE = 4_096;
const MAX_TRAILERS = 16_384;

/** Takes the framing off a chunked body (RFC 9112, 7.1), as it arrives. */
export class ChunkedDecoder {
  #state: 'size' | 'data' | 'data-end' | 'trailers' | 'done' = 'size';
  #line = '';
  #left = 0;
  readonly #trailerLines: string[] = [];
  #trailerBytes = 0;

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** The trailer fields, once done. */
  get trailers(): readonly string[] {
    return parseFields(this.#trailerLines.join('\r\n'), 0);
  }

  /** Hands on the content and returns how many bytes belonged to this body. Throws an `UpstreamFault` for bad framing. */
  decode(bytes: Buffer, onContent: (content: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      at = this.#state === 'data' ? this.#takeContent(bytes, at, onContent) : this.#takeLine(bytes, at);
    }
    return at;
  }

  #takeContent(bytes: Buffer, at: number, onContent: (content: Buffer) => void): number {
    const end = Math.min(bytes.length, at + this.#left);
    onContent(bytes.subarray(at, end));
    this.#left -= end - at;
    if (this.#left === 0) this.#state = 'data-end';
    return end;
  }

  #takeLine(bytes: Buffer, at: number): number {
    const feed = bytes.indexOf(10, at);
    const end = feed < 0 ? bytes.length : feed + 1;
    this.#line += bytes.toString('latin1', at, end);
    if (this.#line.length > MAX_SIZE_LINE) throw malformed('chunk framing too long');
    if (feed < 0) return end;
    const line = this.#line;
    this.#line = '';
    if (!line.endsWith('\r\n') || line.indexOf('\r') !== line.length - 2) throw malformed('line end in chunk framing');
    this.#endLine(line.slice(0, -2));
    return end;
  }

  #endLine(line: string): void {
    if (this.#state === 'size') this.#startChunk(line);
    else if (this.#state === 'data-end') {
      if (line !== '') throw malformed('chunk longer than its size');
      this.#state = 'size';
    } else if (line === '') this.#state = 'done';
    else this.#addTrailer(line);
  }

  #startChunk(line: string): void {
    // The extension is dropped, as every recipient may; what must not hide in it are line ends, see takeLine.
    const size = /^([0-9a-f]{1,12})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw malformed('chunk size');
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'data';
  }

  #addTrailer(line: string): void {
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > MAX_TRAILERS) throw malformed('trailers too long');
    this.#trailerLines.push(line);
  }
}
