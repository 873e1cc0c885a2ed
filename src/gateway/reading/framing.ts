import { METHODS } from 'node:http';

/** Why a request is refused before anything else is looked at. */
export interface Refusal {
  readonly status: 400 | 405 | 414 | 417 | 501 | 505;
  readonly reason: string;
}

/** The parts of a request head that decide its framing. */
export interface RequestHead {
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly rawHeaders: readonly string[];
  readonly headers: { readonly expect?: string | undefined };
}

// The parser also knows the methods of RTSP and ICE. CONNECT asks for a forward proxy, TRACE mirrors headers that we add.
const KNOWN = new Set(METHODS.filter((method) => method !== 'SOURCE'));
const REFUSED = new Set(['CONNECT', 'TRACE']);

/**
 * What Node's strict parser lets through and a proxy must not: other versions than 1.0 and 1.1, a target of more than
 * `targetBytes` (RFC 9112, 3), a transfer coding that is not exactly `chunked` (6.1 and 6.3), several Host headers or none (3.2),
 * an expectation that nobody knows (RFC 9110, 10.1.1). Undefined when all is well.
 */
export function framingFault(head: RequestHead, targetBytes: number): Refusal | undefined {
  const { httpVersion, method = '', url = '', headers } = head;
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return { status: 505, reason: 'another version than HTTP/1.1 or HTTP/1.0' };
  if (url.length > targetBytes) return { status: 414, reason: 'a longer address than is allowed' };
  if (REFUSED.has(method)) return { status: 405, reason: 'a method that is not for this server' };
  if (!KNOWN.has(method)) return { status: 501, reason: 'an unknown method' };
  const { hosts, codings, lengths } = countFraming(head.rawHeaders);
  if (hosts > 1) return { status: 400, reason: 'more than one Host' };
  // HTTP/1.0 has no Host, and with an absolute target needs none.
  if (hosts === 0 && (httpVersion === '1.1' || url.startsWith('/'))) return { status: 400, reason: 'no Host' };
  const fault = codings.length === 0 ? faultOfLengths(lengths) : faultOfCodings(head, codings, lengths);
  return fault ?? (headers.expect === undefined ? undefined : faultOfExpectation(httpVersion, headers.expect));
}

function faultOfLengths(lengths: number): Refusal | undefined {
  return lengths > 1 ? { status: 400, reason: 'more than one Content-Length' } : undefined;
}

function faultOfCodings(
  { httpVersion }: RequestHead,
  codings: readonly string[],
  lengths: number,
): Refusal | undefined {
  if (httpVersion === '1.0') return { status: 400, reason: 'Transfer-Encoding in HTTP/1.0' };
  if (lengths > 0) return { status: 400, reason: 'both Transfer-Encoding and Content-Length' };
  if (codings.length > 1) return { status: 400, reason: 'more than one Transfer-Encoding' };
  if (codings[0] === 'chunked') return undefined;
  const names = codings[0]?.split(',').map((name) => name.trim()) ?? [];
  // Without it as the last, and once, nobody can tell where the body ends.
  const isFramed = names.indexOf('chunked') === names.length - 1;
  if (isFramed) return { status: 501, reason: 'a transfer coding other than chunked' };
  return { status: 400, reason: 'a transfer coding that does not end in chunked' };
}

/** HTTP/1.0 knows no expectations: they are ignored. */
function faultOfExpectation(httpVersion: string, expect: string): Refusal | undefined {
  if (httpVersion === '1.0' || /^100-continue$/i.test(expect)) return undefined;
  return { status: 417, reason: 'an expectation other than 100-continue' };
}

function countFraming(raw: readonly string[]) {
  let hosts = 0;
  let lengths = 0;
  const codings: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    // Lengths first: this runs for every header of every request.
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
    else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths += 1;
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding')
      codings.push((raw[at + 1] ?? '').toLowerCase());
  }
  return { hosts, lengths, codings };
}
