/** The first path segment that no app can have: health, readiness and hooks live below it on every host. */
export const RESERVED_PREFIX = '/_mainspring';

/**
 * Where an app is reached, as declared. `host` is `""` for the default domain, `"reports."` for a subdomain of it, else a full
 * host name in lower case. `path` is `/` or `/seg/seg` without a slash at the end.
 */
export interface Route {
  readonly host: string;
  readonly path: string;
}

/** What is wrong with a route, in words that finish "route "…": …". */
export interface RouteFault {
  readonly expected: string;
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Parses `[domain:]path`. Domain `name.` means a subdomain of the default domain. Host names become lower case. */
export function parseRoute(text: string): Route | RouteFault {
  const colon = text.indexOf(':');
  const host = colon < 0 ? '' : text.slice(0, colon).toLowerCase();
  const path = colon < 0 ? text : text.slice(colon + 1);
  const fault = hostFault(host, colon >= 0) ?? pathFault(path);
  return fault === undefined ? { host, path } : { expected: fault };
}

/** Whether parsing gave a route. */
export function isRoute(parsed: Route | RouteFault): parsed is Route {
  return 'path' in parsed;
}

function hostFault(host: string, given: boolean): string | undefined {
  if (!given) return undefined;
  const name = host.endsWith('.') ? host.slice(0, -1) : host;
  if (name === '' || name.length > 253 || !name.split('.').every((label) => LABEL.test(label))) {
    return 'expected a host name such as "wiki.example.com:" or "reports.:" (a subdomain of the default domain) before the colon';
  }
  return undefined;
}

function pathFault(path: string): string | undefined {
  if (!path.startsWith('/')) return 'expected a path that starts with "/"';
  if (path === '/') return undefined;
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'empty segments and a slash at the end are not allowed';
    if (segment === '.' || segment === '..') return '"." and ".." are not allowed as segments';
    if (!/^[A-Za-z0-9._~!$&'()*+,;=@-]+$/.test(segment)) {
      return "a segment may hold letters, digits and ._~!$&'()*+,;=@- only (nothing percent-encoded)";
    }
  }
  if (isUnder(path, RESERVED_PREFIX)) return `"${RESERVED_PREFIX}" is reserved`;
  return undefined;
}

/** The route as it is declared; the inverse of `parseRoute`. */
export function formatRoute(route: Route): string {
  return route.host === '' ? route.path : `${route.host}:${route.path}`;
}

/** The full host name that serves a route in production. */
export function prodHost(route: Route, domain: string): string {
  if (route.host === '') return domain;
  return route.host.endsWith('.') ? `${route.host}${domain}` : route.host;
}

/** Whether `path` is `prefix` or below it, by whole segments: `/te` is not below `/test`, all is below `/`. */
export function isUnder(path: string, prefix: string): boolean {
  return prefix === '/' || path === prefix || (path.startsWith(prefix) && path[prefix.length] === '/');
}
