import { readBody } from './body.ts';
import { type FieldLines, Objection, readFields, readFraming, valuesOf } from './fields.ts';

/** A request as a strict reader of RFC 9112 understands it. */
export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  readonly fields: FieldLines;
  readonly body: string;
  readonly trailers: FieldLines;
  /** Where in the text it ended. */
  readonly end: number;
}

/** A request that has not ended: nothing of it, a part of its head, or its whole head (lower-case names) and a part of its body. */
export interface UnfinishedRequest {
  readonly end: undefined;
  readonly fields: FieldLines;
}

const LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) (HTTP\/1\.[01])$/;

/** Reads the request at the beginning of the text (bytes as Latin-1). Throws an `Objection` to what no sender may send. */
export function readRequest(text: string): StrictRequest | UnfinishedRequest {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return { end: undefined, fields: [] };
  const lineEnd = text.indexOf('\r\n');
  const line = LINE.exec(text.slice(0, lineEnd));
  if (line === null) throw new Objection(`request line ${JSON.stringify(text.slice(0, lineEnd).slice(0, 80))}`);
  const [, method = '', target = '', version = ''] = line;
  if (!/^(?:\/|\*$|[a-z][a-z0-9+.-]*:\/\/)/i.test(target) || target.includes('#'))
    throw new Objection(`request target ${target.slice(0, 80)}`);
  const fields = readFields(text.slice(lineEnd + 2, Math.max(lineEnd + 2, headEnd)));
  const hosts = valuesOf(fields, 'host');
  if (hosts.length !== 1) throw new Objection(`${hosts.length} Host lines`);
  const body = readBody(text, headEnd + 4, readFraming(fields));
  if (body.end === undefined) return { end: undefined, fields };
  return { method, target, version, fields, body: body.content, trailers: body.trailers, end: body.end };
}
