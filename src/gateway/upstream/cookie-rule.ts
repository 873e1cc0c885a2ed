import { domainToASCII } from 'node:url';
import { isInZone } from '../reading/zone.ts';

/** What the value of a `Set-Cookie` becomes on its way to the client. */
export type CookieRule = (value: string) => string;

/** The environments' zone, and whether cookies may reach it. */
export interface CookieReach {
  /** Lower case. */
  readonly envDomain: string;
  readonly sharedCookies: boolean;
}

const MAY_NAME_DOMAIN = /;[ \t]*domain/i;

/**
 * Production and every preview would share a cookie whose `Domain` reaches the environments' zone: code of any branch could read
 * and plant it. Such an attribute goes, the cookie stays with its own host, the rest of the value stays as it is.
 */
export function cookieRule({ envDomain, sharedCookies }: CookieReach): CookieRule {
  return sharedCookies ? (value) => value : (value) => keepFromZone(value, envDomain);
}

/** Takes the value apart as RFC 6265, 5.2 does. */
function keepFromZone(value: string, zone: string): string {
  if (!MAY_NAME_DOMAIN.test(value)) return value;
  const [pair, ...attributes] = value.split(';');
  return [pair, ...attributes.filter((attribute) => !reaches(domainOf(attribute), zone))].join(';');
}

/** The domain that an attribute names; empty when it names none. */
export function domainOf(attribute: string): string {
  const equals = attribute.indexOf('=');
  if (equals < 0 || trimmed(attribute.slice(0, equals)).toLowerCase() !== 'domain') return '';
  return canonicalDomain(trimmed(attribute.slice(equals + 1)));
}

/**
 * As browsers read it: percent-encoding, Unicode and upper case name the same host, a dot at the front means nothing. One at the
 * end does not either here, because the gateway serves a host spelled so as well.
 */
function canonicalDomain(domain: string): string {
  const plain = /^[\w.-]*$/.test(domain)
    ? domain.toLowerCase()
    : // Heads are read byte by byte.
      domainToASCII(Buffer.from(domain, 'latin1').toString('utf8'));
  return plain.replace(/^\.+|\.+$/g, '');
}

function reaches(domain: string, zone: string): boolean {
  return domain !== '' && (isInZone(domain, zone) || isInZone(zone, domain));
}

/** Without the white space of RFC 6265, which is less than `trim` takes. */
export function trimmed(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}
