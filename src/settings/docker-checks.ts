import { parsedText, wrong } from './checks.ts';

/** A Linux capability, without `CAP_` and in capitals. */
export const capability = parsedText('a capability such as "SYS_PTRACE"', (text) => {
  const name = text.toUpperCase().replace(/^CAP_/, '');
  if (name === 'ALL') return wrong('the name of one capability, not "ALL"');
  return /^[A-Z][A-Z_]{2,30}$/.test(name) ? name : undefined;
});

const RANGE_FORM = 'a range of private IPv4 addresses such as "10.213.0.0/16", from /8 to /24';

/** The range that networks are taken from. */
export const ipv4Range = parsedText(RANGE_FORM, (text) => {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match?.slice(1).map(Number) ?? [];
  const isAddress = match !== null && [a, b, c, d].every((part) => part <= 255) && bits >= 8 && bits <= 24;
  const isPrivate =
    a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168) || (a === 100 && b >= 64 && b <= 127);
  if (!isAddress || !isPrivate) return undefined;
  const address = ((a * 256 + b) * 256 + c) * 256 + d;
  return address % 2 ** (32 - bits) === 0 ? text : wrong(`${RANGE_FORM}, without bits after the first ${bits}`);
});

/** The URL of a proxy. One with a password is not repeated in messages. */
export const httpUrl = parsedText('the URL of a proxy such as "http://proxy.internal:3128"', (text) => {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  if (url.username !== '' || url.password !== '') {
    return wrong('the URL of a proxy without user name and password: it is seen by every build', { isSecret: true });
  }
  return text;
});

/** Hosts that are reached without a proxy. */
export const noProxy = parsedText('hosts such as "localhost,.internal"', (text) =>
  /^[A-Za-z0-9.,:*/_-]+$/.test(text) ? text : undefined,
);

/** The host of a registry, as names of images begin with. */
export const registryHost = parsedText('a host such as "ghcr.io" or "registry.internal:5000"', (text) => {
  const host = text.toLowerCase();
  return /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/.test(host) ? host : undefined;
});
