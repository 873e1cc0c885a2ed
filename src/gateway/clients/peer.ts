import { BlockList, isIP } from 'node:net';
import { type ForwardedHop, parseForwarded } from './forwarded.ts';

/** Who asks, and what the upstream is told about it. */
export interface Peer {
  /** The client's own address, as far as trusted proxies vouch for it. */
  readonly address: string;
  readonly forwardedFor: string;
  readonly proto: 'http' | 'https';
  readonly host: string;
  /** `Forwarded` for the upstream: the same hops as in `forwardedFor`, made anew. */
  readonly forwarded: string;
}

/** What the connection and its headers say about who asks. */
export interface PeerClaims {
  readonly remoteAddress: string;
  readonly authority: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Says of an address whether it is a trusted proxy's. */
export type Trust = (address: string) => boolean;

/** The networks of `gateway.trusted_proxies` (addresses or CIDR) as one judgement. Entries that are neither trust nobody. */
export function trustOf(networks: readonly string[]): Trust {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', length] = network.split('/');
    const version = isIP(address);
    const family = version === 6 ? 'ipv6' : 'ipv4';
    if (version === 0) continue;
    if (length === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(length), family);
  }
  if (networks.length === 0) return () => false;
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Judges what is said about the client: only a trusted proxy is believed, and only as far back as the chain is trusted and every
 * hop of it names an address. Where a proxy sends both `X-Forwarded-*` and `Forwarded`, the former count: most proxies write
 * only those, and pass on whatever `Forwarded` a client has made up.
 */
export function judgePeer(claims: PeerClaims, isTrusted: Trust): Peer {
  const direct = plainAddress(claims.remoteAddress);
  if (!isTrusted(direct)) return peerOf([direct], direct, 'http', claims.authority);
  const said = saidOf(claims.headers);
  const chain = [...said.chain, direct];
  const address = chain.findLast((hop) => !isTrusted(hop)) ?? chain[0] ?? direct;
  const host = said.host !== undefined && /^[\w.:[\]-]+$/.test(said.host) ? said.host : claims.authority;
  return peerOf(chain, address, said.proto?.toLowerCase() === 'https' ? 'https' : 'http', host);
}

function peerOf(chain: readonly string[], address: string, proto: Peer['proto'], host: string): Peer {
  const [first = address, ...others] = chain;
  let forwarded = `for=${nodeOf(first)};host="${host}";proto=${proto}`;
  for (const hop of others) forwarded += `, for=${nodeOf(hop)}`;
  return { address, forwardedFor: others.length === 0 ? first : chain.join(', '), proto, host, forwarded };
}

function nodeOf(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}

interface Said {
  /** The hops before the proxy, the client first: from the last one on that names no address. */
  readonly chain: readonly string[];
  readonly proto: string | undefined;
  readonly host: string | undefined;
}

const MOST_HOPS = 32;

function saidOf(headers: PeerClaims['headers']): Said {
  const forwardedFor = textOf(headers['x-forwarded-for']);
  const proto = firstOf(headers['x-forwarded-proto']);
  const host = firstOf(headers['x-forwarded-host']);
  if (forwardedFor !== '' || proto !== undefined || host !== undefined)
    return { chain: knownEnd(forwardedFor.split(',').slice(-MOST_HOPS).map(addressOf)), proto, host };
  const hops = headers.forwarded === undefined ? undefined : parseForwarded(textOf(headers.forwarded));
  if (hops === undefined) return { chain: [], proto: undefined, host: undefined };
  return { chain: knownEnd(hops.map(({ for: node }) => addressOf(node ?? ''))), ...firstSaid(hops) };
}

/** What the proxy nearest to the client says of the request that it got. */
function firstSaid(hops: readonly ForwardedHop[]): Pick<Said, 'proto' | 'host'> {
  return {
    proto: hops.find((hop) => hop.proto !== undefined)?.proto,
    host: hops.find((hop) => hop.host !== undefined)?.host,
  };
}

/** Whoever stands left of a hop that hides itself may be made up by it. */
function knownEnd(hops: readonly (string | undefined)[]): readonly string[] {
  const hidden = hops.lastIndexOf(undefined);
  return hops.slice(hidden + 1).flatMap((hop) => hop ?? []);
}

/** An address as hops are written: alone, with a port (some proxies do), or in brackets. */
function addressOf(hop: string): string | undefined {
  const text = hop.trim();
  const [, bracketed, dotted] = /^(?:\[([^\]]+)\]|(\d+\.\d+\.\d+\.\d+))(?::\d{1,5})?$/.exec(text) ?? [];
  const address = bracketed ?? dotted ?? text;
  // A zone means nothing on another machine.
  return isIP(address) === 0 || address.includes('%') ? undefined : plainAddress(address);
}

const MAPPED = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

/** An IPv4 address that is written as IPv6, as dual-stack listeners show it, becomes what it is. */
export function plainAddress(address: string): string {
  if (!address.startsWith('::')) return address;
  const [, dotted, high = '', low = ''] = MAPPED.exec(address) ?? [];
  if (dotted !== undefined || high === '') return dotted ?? address;
  const value = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function firstOf(value: string | string[] | undefined): string | undefined {
  return value === undefined ? undefined : textOf(value).split(',')[0]?.trim();
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** What one peer can take addresses from: an IPv4 address is one, of IPv6 everybody has at least 64 bits. */
export function peerNetwork(address: string): string {
  if (!address.includes(':')) return address;
  const [front = '', back] = address.split('%', 1)[0]?.split('::') ?? [];
  const groups = front === '' ? [] : front.split(':');
  const rest = back === undefined || back === '' ? [] : back.split(':');
  const zeros =
    back === undefined ? [] : Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}
