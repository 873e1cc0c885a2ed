import type { Peer } from '../clients/peer.ts';
import type { RequestBody } from '../reading/request-body.ts';
import { viaLine } from '../reading/via.ts';

/** What decides the head that an upstream gets. */
export interface UpstreamRequest {
  readonly method: string;
  /** Of the request that is passed on. */
  readonly httpVersion: string;
  /** Path and query as the upstream sees them. */
  readonly path: string;
  readonly host: string;
  readonly rawHeaders: readonly string[];
  readonly peer: Peer;
  /** The path that was taken off, empty if none was. */
  readonly prefix: string;
  readonly body: RequestBody;
  /** Whether the client waits for `100 (Continue)` before it sends its content. */
  readonly expects?: boolean;
  /** The protocol that the client asks to switch to. */
  readonly upgrade?: string | undefined;
  /** More headers, which the gateway vouches for. */
  readonly extra?: string | undefined;
}

// What holds for one hop only (RFC 9110, 7.6.1), and framing: written anew, never copied.
const HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
  'host',
  'expect',
];
const FORWARDING = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-forwarded-scheme',
  'x-forwarded-by',
  'x-real-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-original-uri',
  'x-original-host',
  'x-request-id',
  'traceparent',
  'tracestate',
];
// Names by which sign-in proxies tell an app who the user is: apps trust them, so they can come from nobody but us.
const IDENTITY = [
  'remote-user',
  'remote-email',
  'remote-name',
  'remote-groups',
  'x-remote-user',
  'x-remote-email',
  'x-remote-name',
  'x-remote-group',
  'x-remote-groups',
  'x-forwarded-user',
  'x-forwarded-email',
  'x-forwarded-groups',
  'x-forwarded-preferred-username',
  'x-forwarded-access-token',
  'x-forwarded-client-cert',
  'x-webauth-user',
  'x-webauth-email',
  'x-webauth-name',
  'x-webauth-groups',
  'x-authenticated-user',
  'x-token-subject',
  'x-ssl-client-dn',
  'x-ssl-client-verify',
];
const IDENTITY_PREFIXES = [
  'x-mainspring-',
  'x-auth-request-',
  'x-goog-authenticated-user-',
  'x-ms-client-principal',
  'x-remote-extra-',
];
const DROPPED = new Set([...HOP, ...FORWARDING, ...IDENTITY]);

/** `isDroppedName`, remembered. */
export const isDropped = boundedCache(isDroppedName);

/** Whether a header of a client never reaches an app. `_` counts as `-`, because CGI and WSGI make them one. */
export function isDroppedName(name: string): boolean {
  const plain = name.toLowerCase().replaceAll('_', '-');
  return DROPPED.has(plain) || IDENTITY_PREFIXES.some((prefix) => plain.startsWith(prefix));
}

/** The head to send, empty line included. */
export function upstreamHead(request: UpstreamRequest): string {
  const { rawHeaders, peer } = request;
  const named = namedByConnection(rawHeaders);
  let head = `${request.method} ${request.path} HTTP/1.1\r\nHost: ${request.host}\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (isDropped(name) || named?.has(name.toLowerCase()) === true) continue;
    const value = rawHeaders[at + 1] ?? '';
    head += `${name}: ${request.method === 'OPTIONS' ? optionsValue(name, value) : value}\r\n`;
  }
  head += viaLine(request.httpVersion);
  head += forwardingLines(peer, request.prefix);
  head += request.extra ?? '';
  if (request.body.kind === 'chunked') head += chunkedLines(rawHeaders, named);
  else if (request.body.length !== undefined) head += `Content-Length: ${request.body.length}\r\n`;
  if (request.expects === true) head += 'Expect: 100-continue\r\n';
  return request.upgrade === undefined
    ? `${head}\r\n`
    : `${head}Connection: Upgrade\r\nUpgrade: ${request.upgrade}\r\n\r\n`;
}

/** How many more may pass OPTIONS on is counted down by each who does (RFC 9110, 7.6.2); 0 does not come here. */
function optionsValue(name: string, value: string): string {
  return name.toLowerCase() === 'max-forwards' && /^\d{1,9}$/.test(value) ? String(Number(value) - 1) : value;
}

/** The framing of a chunked body, and which trailers are to follow it. */
function chunkedLines(raw: readonly string[], named: ReadonlySet<string> | undefined): string {
  let lines = 'Transfer-Encoding: chunked\r\n';
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (name.length === 7 && name.toLowerCase() === 'trailer' && named?.has('trailer') !== true)
      lines += `Trailer: ${raw[at + 1] ?? ''}\r\n`;
  }
  return lines;
}

function forwardingLines(peer: Peer, prefix: string): string {
  const { address, forwardedFor, proto, host } = peer;
  const lines = `X-Forwarded-For: ${forwardedFor}\r\nX-Forwarded-Proto: ${proto}\r\nX-Forwarded-Host: ${host}\r\nX-Real-IP: ${address}\r\nForwarded: ${peer.forwarded}\r\n`;
  return prefix === '' ? lines : `${lines}X-Forwarded-Prefix: ${prefix}\r\n`;
}

const KEPT_CONNECTION = /^(?:keep-alive|close|upgrade)$/i;

/** The headers that Connection names beside the usual ones: they hold for this hop only. */
export function namedByConnection(raw: readonly string[]): ReadonlySet<string> | undefined {
  let named: Set<string> | undefined;
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue;
    const value = raw[at + 1] ?? '';
    if (KEPT_CONNECTION.test(value)) continue;
    named ??= new Set();
    for (const token of value.split(',')) named.add(token.trim().toLowerCase());
  }
  return named;
}

/** Header names repeat from request to request: what was found for one is kept, bounded because clients choose them. */
export function boundedCache<Verdict>(judge: (name: string) => Verdict): (name: string) => Verdict {
  const known = new Map<string, Verdict>();
  return (name) => {
    const cached = known.get(name);
    if (cached !== undefined) return cached;
    if (known.size >= 1_000) known.clear();
    const verdict = judge(name);
    known.set(name, verdict);
    return verdict;
  };
}
