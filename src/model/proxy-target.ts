import { isUnder } from './route.ts';
import { openedPath, unixTargetFault } from './unix-target.ts';

/** What `[proxy] allow` opens: networks and host names, each with an optional port, and Unix sockets. */
export interface ProxyAllow {
  readonly networks: readonly { readonly network: Network; readonly port: number | null }[];
  readonly names: readonly { readonly name: string; readonly port: number | null }[];
  /** Paths of sockets, and of folders above them. */
  readonly sockets: readonly string[];
  /** Folders whose sockets stay closed, whatever is opened: our own. */
  readonly closed: readonly string[];
}

interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** Nothing is opened: public addresses only. */
export const ALLOW_NOTHING: ProxyAllow = { networks: [], names: [], sockets: [], closed: [] };

const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

// IANA's special-purpose registries: everything that is not somebody's public address. What carries an IPv4 address inside
// (mapped, NAT64, 6to4) is judged by that address, see `embedded`.
const NOT_PUBLIC_V4 = networksOf(
  '0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24',
  '192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4',
);
const GLOBAL_V6 = networksOf('2000::/3');
const NOT_PUBLIC_V6 = networksOf('2001::/23 2001:db8::/32 3fff::/20');

/**
 * Reads `[proxy] allow`. Entries with a fault (see `allowEntryFault`) open nothing. `closed`: real paths of folders whose
 * sockets nobody gets to.
 */
export function parseAllow(entries: readonly string[], closed: readonly string[] = []): ProxyAllow {
  const parsed = entries.map(parseEntry);
  return {
    networks: parsed.flatMap((entry) => (entry?.network === undefined ? [] : [entry])),
    names: parsed.flatMap((entry) => (entry?.name === undefined ? [] : [entry])),
    sockets: parsed.flatMap((entry) => (entry?.socket === undefined ? [] : [entry.socket])),
    closed,
  };
}

/** What is wrong with one entry of `[proxy] allow`, in words that finish "…: expected …"; undefined when it is fine. */
export function allowEntryFault(entry: string): string | undefined {
  if (parseEntry(entry) !== undefined) return undefined;
  if (entry.startsWith('unix:'))
    return 'expected the absolute path of a Unix socket, or of a folder above it, such as "unix:/run/grafana/"';
  return 'expected an address, a network such as "10.0.0.0/8", a host name, one of these with ":PORT", or a Unix socket or a folder of them such as "unix:/run/grafana/"';
}

/**
 * What is wrong with the declared URL of a proxy app, as far as the text alone tells; undefined when it is fine. A name is
 * judged by the addresses it has when the gateway connects, a Unix socket by where its path really leads then.
 */
export function judgeTarget(url: string, allow: ProxyAllow): string | undefined {
  if (url.startsWith('unix:')) return unixTargetFault(url);
  if (/^https?:\/\/unix:/i.test(url))
    return 'expected a Unix socket without "http://", as "unix:/run/grafana/http.sock"';
  if (!URL.canParse(url)) return 'expected an absolute URL such as "https://docs.example.com"';
  const target = new URL(url);
  if (target.protocol !== 'http:' && target.protocol !== 'https:')
    return 'expected a URL with http://, https:// or unix:';
  if (target.username !== '' || target.password !== '') return 'expected a URL without user name and password';
  if (target.search !== '' || target.hash !== '') return 'expected a URL without "?" and "#"';
  const address = addressBytes(target.hostname);
  if (address === undefined) return NAME.test(target.hostname) ? undefined : 'expected a host name or an address';
  if (isAllowedAddress(target.hostname, targetPort(target), allow)) return undefined;
  return 'expected a public address; loopback, private, link-local and metadata addresses need an entry in [proxy] allow';
}

/** The port a URL leads to. */
export function targetPort(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

/** Whether a connection to this address is fine: it is a public one, or the settings allow it. What is no address is not. */
export function isAllowedAddress(ip: string, port: number, allow: ProxyAllow): boolean {
  const bytes = addressBytes(ip);
  if (bytes === undefined) return false;
  const named = allow.networks.some((entry) => (entry.port ?? port) === port && contains(entry.network, bytes));
  return named || isPublic(bytes);
}

/** Whether the settings allow this host by name, whatever addresses it has. */
export function isAllowedName(host: string, port: number, allow: ProxyAllow): boolean {
  const name = host.toLowerCase().replace(/\.$/, '');
  return allow.names.some((entry) => entry.name === name && (entry.port ?? port) === port);
}

/** Whether a connection to this socket is fine. Its path has to be a real one, on which no link lies. */
export function isAllowedSocket(path: string, allow: ProxyAllow): boolean {
  return allow.sockets.some((opened) => isUnder(path, opened)) && !allow.closed.some((folder) => isUnder(path, folder));
}

function parseEntry(text: string) {
  const socket = openedPath(text);
  if (socket !== undefined) return { socket };
  const withPort = /^(\[[^\]]+\]|[^:]+):(\d{1,5})$/.exec(text);
  const port = withPort === null ? null : Number(withPort[2]);
  if (port !== null && (port < 1 || port > 65_535)) return undefined;
  const host = (withPort?.[1] ?? text).toLowerCase();
  const network = parseNetwork(host);
  if (network !== undefined) return { network, port };
  return NAME.test(host) && !/^[\d.]+$/.test(host) ? { name: host, port } : undefined;
}

function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const bytes = addressBytes(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const whole = bytes.length * 8;
  if (length === undefined) return { bytes, bits: whole };
  const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  return bits >= 0 && bits <= whole ? { bytes, bits } : undefined;
}

function networksOf(...texts: string[]): Network[] {
  return texts.flatMap((text) => text.split(' ')).flatMap((text) => parseNetwork(text) ?? []);
}

function contains(network: Network, bytes: readonly number[]): boolean {
  if (network.bytes.length !== bytes.length) return false;
  return network.bytes.every((byte, index) => {
    const kept = Math.min(8, Math.max(0, network.bits - index * 8));
    const shift = 8 - kept;
    return byte >> shift === (bytes[index] ?? 0) >> shift;
  });
}

function isPublic(bytes: readonly number[]): boolean {
  if (bytes.length === 4) return !NOT_PUBLIC_V4.some((network) => contains(network, bytes));
  const inner = embedded(bytes);
  if (inner !== undefined) return isPublic(inner);
  return GLOBAL_V6.some((n) => contains(n, bytes)) && !NOT_PUBLIC_V6.some((n) => contains(n, bytes));
}

const NAT64 = networksOf('64:ff9b::/96');
const SIX_TO_FOUR = networksOf('2002::/16');

/** The IPv4 address that a translated or tunnelled IPv6 address leads to. */
function embedded(bytes: readonly number[]): readonly number[] | undefined {
  if (NAT64.some((network) => contains(network, bytes))) return bytes.slice(12);
  if (SIX_TO_FOUR.some((network) => contains(network, bytes))) return bytes.slice(2, 6);
  return undefined;
}

/** 4 or 16 bytes; an IPv4 address mapped into IPv6 becomes the IPv4 address it is. */
function addressBytes(text: string): readonly number[] | undefined {
  const plain = text.replace(/^\[(.*)\]$/, '$1').replace(/%.*$/, '');
  const bytes = plain.includes(':') ? ipv6Bytes(plain) : ipv4Bytes(plain);
  const isMapped =
    bytes?.length === 16 && bytes.slice(0, 10).every((b) => b === 0) && bytes[10] === 255 && bytes[11] === 255;
  return isMapped ? bytes.slice(12) : bytes;
}

function ipv4Bytes(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.map(Number);
}

function ipv6Bytes(text: string): readonly number[] | undefined {
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return undefined;
  const before = groupBytes(head);
  const after = tail === undefined ? [] : groupBytes(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = 16 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 2) return undefined;
  return [...before, ...new Array<number>(missing).fill(0), ...after];
}

function groupBytes(text: string): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  for (const [index, group] of text.split(':').entries()) {
    const last = index === text.split(':').length - 1;
    const inner = last && group.includes('.') ? ipv4Bytes(group) : undefined;
    if (inner !== undefined) bytes.push(...inner);
    else if (/^[0-9a-f]{1,4}$/i.test(group))
      bytes.push(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255);
    else return undefined;
  }
  return bytes;
}
