/** The head of an upstream's answer. */
export interface ResponseHead {
  readonly status: number;
  readonly reason: string;
  /** Name, value, name, value, as sent. */
  readonly headers: readonly string[];
  readonly framing: BodyFraming;
  /** Whether the connection may carry another request once the body has ended. */
  readonly keepAlive: boolean;
}

/** How the body of an answer ends. */
export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly length: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

/** What went wrong with an upstream: `code` decides the answer and whether it may be tried again. */
export class UpstreamFault extends Error {
  override readonly name = 'UpstreamFault';
  readonly code: 'refused-target' | 'unreachable' | 'closed' | 'malformed' | 'timeout';

  constructor(code: UpstreamFault['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: ([^\r\n]*))?(?:\r\n|$)/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// Every line ends in CRLF exactly; a CR, LF or NUL anywhere else is how answers are split. Other control characters have no
// place in a field either (RFC 9110, 5.5). All lines are looked through at once: one after the other costs several times that.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this looks for
const CLEAN = /^[^\0-\x08\x0a-\x1f\x7f]*(?:\r\n[^\0-\x08\x0a-\x1f\x7f]*)*$/;

/** Parses a head without its empty line. Throws an `UpstreamFault` for whatever two readers could read in two ways. */
export function parseResponseHead(text: string, method: string): ResponseHead {
  const start = STATUS_LINE.exec(text);
  if (start === null) throw malformed('status line');
  const headers = parseFields(text, start[0].length);
  const status = Number(start[2]);
  const fields = framingFields(headers);
  const framing = framingOf(method, status, fields, { isHttp10: start[1] === '0' });
  const keepAlive =
    start[1] === '1' && framing.kind !== 'until-close' && !/(?:^|,)\s*close\s*(?:,|$)/i.test(fields.connection);
  return { status, reason: start[3] ?? '', headers, framing, keepAlive };
}

/** Parses header or trailer lines, which begin at a place of the text, into name, value, name, value. The last one is without its end. */
export function parseFields(text: string, from: number): string[] {
  if (!CLEAN.test(text)) throw malformed('control character');
  const fields: string[] = [];
  for (let at = from; at < text.length; ) {
    const feed = text.indexOf('\r\n', at);
    const end = feed < 0 ? text.length : feed;
    const colon = text.indexOf(':', at);
    const name = text.slice(at, Math.max(colon, at));
    if (colon > end || !TOKEN.test(name)) throw malformed('header line');
    fields.push(name, text.slice(colon + 1, end).trim());
    at = end + 2;
  }
  return fields;
}

interface FramingFields {
  readonly codings: string[];
  readonly lengths: string[];
  connection: string;
}

function framingFields(headers: readonly string[]): FramingFields {
  const fields: FramingFields = { codings: [], lengths: [], connection: '' };
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    const value = headers[at + 1] ?? '';
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') fields.codings.push(value.toLowerCase());
    else if (name.length === 14 && name.toLowerCase() === 'content-length') fields.lengths.push(value);
    else if (name.length === 10 && name.toLowerCase() === 'connection') fields.connection += `,${value}`;
  }
  return fields;
}

function framingOf(
  method: string,
  status: number,
  fields: FramingFields,
  { isHttp10 }: { isHttp10: boolean },
): BodyFraming {
  const { codings, lengths } = fields;
  if (lengths.length > 1 || (lengths.length === 1 && !/^\d{1,15}$/.test(lengths[0] ?? '')))
    throw malformed('Content-Length');
  if (codings.length > 0 && (lengths.length > 0 || isHttp10))
    throw malformed('Transfer-Encoding beside another framing');
  if (codings.length > 1 || (codings.length === 1 && codings[0] !== 'chunked')) throw malformed('Transfer-Encoding');
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return { kind: 'none' };
  if (codings.length === 1) return { kind: 'chunked' };
  return lengths.length === 1 ? { kind: 'length', length: Number(lengths[0]) } : { kind: 'until-close' };
}

/** A fault in what the upstream sent; `what` names the part, never its content. */
export function malformed(what: string): UpstreamFault {
  return new UpstreamFault('malformed', `the upstream's answer is malformed: ${what}`);
}
