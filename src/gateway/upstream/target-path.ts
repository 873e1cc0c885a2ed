import type { LiveRoute } from '../routing/route-table.ts';

/** The rest of the path behind the first `depth` segments, with its slash: `/` at least. */
export function restBelow(path: string, depth: number): string {
  let at = 0;
  for (let step = 0; step < depth && at >= 0; step += 1) at = path.indexOf('/', at + 1);
  return at < 0 ? '/' : path.slice(at);
}

/** The path that the upstream sees: the route's own part taken off if the route says so, the path of the target's URL put before it. */
export function upstreamPath(route: LiveRoute, base: string, sent: string): string {
  const path = route.serve.stripPath ? restBelow(sent, route.depth) : sent;
  return base === '' ? path : `${base}${path}`;
}

/** The path of a target's URL without a slash at the end: empty for most. */
export function basePath(url: URL): string {
  return url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname;
}

/** What is needed to map an address that the upstream names back to the one that the client sees. */
export interface LocationMap {
  /** What the upstream takes itself for: `http://127.0.0.1:41234` and, where it was told so, the public host. */
  readonly upstreamOrigins: readonly string[];
  /** Path of the target's URL, which the client never sees. */
  readonly base: string;
  /** The route's path where it was taken off, else empty. */
  readonly prefix: string;
  /** The host of somebody else's server and the one that the client asked, where they differ. */
  readonly hosts?: { readonly upstream: string; readonly client: string } | undefined;
}

const REFRESH = /^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?(["']?))(.+?)(\2\s*)$/i;

/** Maps the address in a `Refresh` (HTML, 4.2.4.3) as `mapLocation` does; one without an address stays. */
export function mapRefresh(value: string, map: LocationMap): string {
  const [, before = '', , address, after = ''] = REFRESH.exec(value) ?? [];
  return address === undefined ? value : `${before}${mapLocation(address, map)}${after}`;
}

/**
 * Maps `Location` back: an absolute URL of the upstream becomes a path on the public host, a path gets the prefix that was
 * taken off. What already is below the prefix (the app knows it from `APP_PATH`), relative or elsewhere stays.
 */
export function mapLocation(location: string, map: LocationMap): string {
  const origin = map.upstreamOrigins.find((candidate) => isBelowOrigin(location, candidate));
  const path = origin === undefined ? location : location.slice(origin.length) || '/';
  if (!path.startsWith('/') || (origin === undefined && path.startsWith('//'))) return location;
  const own = map.base !== '' && isBelow(path, map.base) ? path.slice(map.base.length) || '/' : path;
  const mapped = map.prefix === '' || isBelow(own, map.prefix) ? own : `${map.prefix}${own}`;
  // A path that began with two slashes would be read as another host.
  return mapped.startsWith('//') ? `/.${mapped}` : mapped;
}

function isBelowOrigin(location: string, origin: string): boolean {
  if (location.length < origin.length || location.slice(0, origin.length).toLowerCase() !== origin) return false;
  return location.length === origin.length || '/?#'.includes(location[origin.length] ?? '');
}

/** Whether a path is this one or below it, by whole segments. */
export function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || '/?#'.includes(path[prefix.length] ?? ''));
}
