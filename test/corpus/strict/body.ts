import { type FieldLines, type Framing, Objection, readFields } from './fields.ts';

/** A body as far as it was read, and where it ended; `end` is undefined if it has not come to its end. */
export interface ReadBody {
  readonly content: string;
  readonly trailers: FieldLines;
  readonly end: number | undefined;
}

/** Reads a body that begins at `from`. Text is bytes as Latin-1. */
export function readBody(text: string, from: number, framing: Framing): ReadBody {
  if (framing === 'unsaid') return { content: '', trailers: [], end: from };
  if (framing === 'chunked') return readChunks(text, from);
  const end = from + framing.length;
  return { content: text.slice(from, end), trailers: [], end: text.length < end ? undefined : end };
}

// RFC 9112, 7.1 and 7.1.1, as a sender has to write it: no white space, extensions as tokens or quoted strings.
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[^"\\\\\\r\\n]|\\\\[^\\r\\n])*"';
const CHUNK_LINE = new RegExp(`^([0-9A-Fa-f]{1,13})(?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*$`);

function readChunks(text: string, from: number): ReadBody {
  let at = from;
  let content = '';
  for (;;) {
    const lineEnd = endOfLine(text, at);
    if (lineEnd === undefined) return { content, trailers: [], end: undefined };
    const size = CHUNK_LINE.exec(text.slice(at, lineEnd))?.[1];
    if (size === undefined) throw new Objection(`chunk line ${JSON.stringify(text.slice(at, lineEnd).slice(0, 40))}`);
    const start = lineEnd + 2;
    const length = Number.parseInt(size, 16);
    if (length === 0) return readTrailers(text, start, content);
    if (text.length >= start + length + 2 && text.slice(start + length, start + length + 2) !== '\r\n') {
      throw new Objection('a chunk that is longer than its size');
    }
    content += text.slice(start, start + length);
    if (text.length < start + length + 2) return { content, trailers: [], end: undefined };
    at = start + length + 2;
  }
}

function readTrailers(text: string, from: number, content: string): ReadBody {
  if (text.startsWith('\r\n', from)) return { content, trailers: [], end: from + 2 };
  const end = text.indexOf('\r\n\r\n', from);
  if (end < 0) return { content, trailers: [], end: undefined };
  return { content, trailers: readFields(text.slice(from, end)), end: end + 4 };
}

/** Where the CRLF of the line is. A bare LF before it is objected to at once. */
function endOfLine(text: string, from: number): number | undefined {
  const feed = text.indexOf('\n', from);
  if (feed < 0) return undefined;
  if (text[feed - 1] !== '\r') throw new Objection('a line of a chunked body that ends in a bare LF');
  return feed - 1;
}
