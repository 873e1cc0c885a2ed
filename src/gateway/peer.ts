import { BlockList, isIP } from 'node:net';

/** Who asks, and what the upstream is told about it. */
export interface Peer {
  /** The client's own address, as far as trusted proxies vouch for it. */
  readonly address: string;
  readonly forwardedFor: string;
  readonly proto: 'http' | 'https';
  readonly host: string;
  /** The `Forwarded` of trusted proxies, which ours is added to; empty if there is none. */
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

/** Judges what is said about the client: only a trusted proxy is believed, and only as far back as the chain is trusted. */
export function judgePeer(claims: PeerClaims, isTrusted: Trust): Peer {
  const direct = plainAddress(claims.remoteAddress);
  if (!isTrusted(direct)) {
    return { address: direct, forwardedFor: direct, proto: 'http', host: claims.authority, forwarded: '' };
  }
  const chain = textOf(claims.headers['x-forwarded-for'])
    .split(',')
    .map((hop) => hop.trim())
    .filter((hop) => isIP(hop) !== 0);
  const host = textOf(claims.headers['x-forwarded-host']).split(',')[0]?.trim() ?? '';
  const proto = textOf(claims.headers['x-forwarded-proto']).split(',')[0]?.trim().toLowerCase();
  return {
    address: [...chain, direct].findLast((hop) => !isTrusted(hop)) ?? chain[0] ?? direct,
    forwardedFor: [...chain, direct].join(', '),
    proto: proto === 'https' ? 'https' : 'http',
    host: /^[\w.:[\]-]+$/.test(host) ? host : claims.authority,
    forwarded: textOf(claims.headers.forwarded),
  };
}

/** An IPv4 address that a dual-stack listener shows as IPv6 becomes what it is. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}
