import { isInZone } from '../reading/zone.ts';
import { domainOf, trimmed } from './cookie-rule.ts';
import { isBelow, type LocationMap } from './target-path.ts';

const HAS_PLACE = /;[ \t]*(?:path|domain)/i;

/**
 * Makes a `Set-Cookie` of an app fit the address that its client sees: a `Path` gets the prefix that was taken off, unless the app
 * knows it already; the `Domain` of somebody else's server goes, because browsers refuse it from us. Only browsers that see
 * `Path=/` take a `__Host-` cookie, so that stays.
 */
export function mapCookie(value: string, map: LocationMap): string {
  if (!HAS_PLACE.test(value)) return value;
  const [pair = '', ...attributes] = value.split(';');
  const keepsPath = /^[ \t]*__Host-/i.test(pair);
  const mapped = attributes
    .filter((attribute) => !isForeign(domainOf(attribute), map))
    .map((attribute) => (keepsPath ? attribute : mapPath(attribute, map)));
  return [pair, ...mapped].join(';');
}

function isForeign(domain: string, { hosts }: LocationMap): boolean {
  return domain !== '' && hosts !== undefined && isInZone(hosts.upstream, domain) && !isInZone(hosts.client, domain);
}

function mapPath(attribute: string, { base, prefix }: LocationMap): string {
  const equals = attribute.indexOf('=');
  if (equals < 0 || trimmed(attribute.slice(0, equals)).toLowerCase() !== 'path') return attribute;
  const path = trimmed(attribute.slice(equals + 1));
  // Anything else means the folder of the request, as the client sees it (RFC 6265, 5.2.4).
  if (!path.startsWith('/')) return attribute;
  const own = base !== '' && isBelow(path, base) ? path.slice(base.length) || '/' : path;
  if (prefix === '' || isBelow(own, prefix)) return `${attribute.slice(0, equals)}=${own}`;
  // With a slash at the end it would not be sent to the bare path, which reaches the app too.
  return `${attribute.slice(0, equals)}=${prefix}${own === '/' ? '' : own}`;
}
