import { METHODS } from 'node:http';

/** Why a request is refused before anything else is looked at. */
export interface Refusal {
  readonly status: 400 | 405 | 501 | 505;
  readonly reason: string;
}

/** The parts of a request head that decide its framing. */
export interface RequestHead {
  readonly httpVersion: string;
  readonly method?: string | undefined;
  readonly rawHeaders: readonly string[];
}

// The parser also knows the methods of RTSP and ICE. CONNECT asks for a forward proxy, TRACE mirrors headers that we add.
const KNOWN = new Set(METHODS.filter((method) => method !== 'SOURCE'));
const REFUSED = new Set(['CONNECT', 'TRACE']);

/**
 * What Node's strict parser lets through and a proxy must not: other versions than 1.0 and 1.1, a transfer coding that is not
 * exactly `chunked` (RFC 9112, 6.1 and 6.3), several Host headers or none (RFC 9112, 3.2). Undefined when all is well.
 */
export function framingFault(head: RequestHead): Refusal | undefined {
  if (head.httpVersion !== '1.1' && head.httpVersion !== '1.0')
    return { status: 505, reason: 'another version than HTTP/1.1 or HTTP/1.0' };
  const { method = '' } = head;
  if (REFUSED.has(method)) return { status: 405, reason: 'a method that is not for this server' };
  if (!KNOWN.has(method)) return { status: 501, reason: 'an unknown method' };
  const { hosts, codings, lengths } = countFraming(head.rawHeaders);
  if (hosts !== 1) return { status: 400, reason: hosts === 0 ? 'no Host' : 'more than one Host' };
  if (codings.length === 0) return lengths > 1 ? { status: 400, reason: 'more than one Content-Length' } : undefined;
  if (head.httpVersion === '1.0') return { status: 400, reason: 'Transfer-Encoding in HTTP/1.0' };
  if (lengths > 0) return { status: 400, reason: 'both Transfer-Encoding and Content-Length' };
  if (codings.length > 1) return { status: 400, reason: 'more than one Transfer-Encoding' };
  return codings[0] === 'chunked' ? undefined : { status: 501, reason: 'a transfer coding other than chunked' };
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
