import { sha256Hex } from './canonical.ts';
import { type EnvName, PROD, STAGE } from './ids.ts';
import { prodHost, type Route } from './route.ts';

/** What an environment is derived from: the followed branch, live or staged, or a branch. */
export type EnvKind = 'prod' | 'stage' | 'preview';

/** What an environment is: two of the same identity are the same one, whatever it is called. Its name is only computed from it. */
export type EnvIdentity = string & { readonly brand: 'EnvIdentity' };

/** The identity of a preview of a branch: the branch's name, in whichever repos it is. */
export function branchIdentity(branch: string): EnvIdentity {
  return `branch:${branch}` as EnvIdentity;
}

/** The branch that an identity names; null for any other identity. */
export function branchOf(identity: string): string | null {
  return identity.startsWith('branch:') ? identity.slice('branch:'.length) : null;
}

const PLAIN_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
/** What a label of a pull request looks like: `pr-12`, `pr-12-REPO`. */
const PULL_LABEL = /^pr-\d+(?:-|$)/;
const HASHED_LABEL = /-[0-9a-f]{8}$/;
/** `xn--NAME` is how DNS says that a name is encoded (RFC 3490): a host beside a label must not look like that. */
const ENCODED_PREFIX = 'xn';
const HASH_LENGTH = 8;
/** As long as a plain label may be, so that a host beside it fits into one DNS label (63 characters, RFC 1035, 2.3.4). */
const MOST_LABEL = 40;
const MOST_DNS_LABEL = 63;

/**
 * The label of a branch's preview, which is its name and its part of the host: the branch's own name where that is a plain
 * label, else its slug, `-` and 8 characters of a SHA-256. Two branches never have the same: no plain label ends like a hashed one.
 */
export function branchLabel(branch: string): EnvName {
  return (isPlainLabel(branch) ? branch : hashedLabel(branch, MOST_LABEL)) as EnvName;
}

function isPlainLabel(name: string): boolean {
  if (name === PROD || name === STAGE || name === ENCODED_PREFIX || PULL_LABEL.test(name)) return false;
  return PLAIN_LABEL.test(name) && !name.includes('--') && !HASHED_LABEL.test(name);
}

function hashedLabel(text: string, most: number): string {
  const hash = sha256Hex(text).slice(0, HASH_LENGTH);
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, most - HASH_LENGTH - 1)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? `x-${hash}` : `${slug}-${hash}`;
}

/** The settings that decide about hosts. */
export interface Domains {
  readonly domain: string;
  readonly envDomain: string;
}

/**
 * The host that serves a route in an environment: `DOMAIN` in production; `LABEL.ENV_DOMAIN` elsewhere, and for an app of
 * another host `LABEL--HOST.ENV_DOMAIN`, one DNS label, so that one wildcard record and certificate serve them all. Labels hold no `--`.
 */
export function envHost(env: EnvName, route: Route, domains: Domains): string {
  if (env === PROD) return prodHost(route, domains.domain);
  const label = route.host === '' ? env : `${env}--${hostLabel(route.host, MOST_DNS_LABEL - env.length - 2)}`;
  return `${label}.${domains.envDomain}`;
}

/** A host as a part of a DNS label: `reports` for `reports.`, a subdomain of the default domain; a hashed slug for any other. */
function hostLabel(host: string, most: number): string {
  const name = host.endsWith('.') ? host.slice(0, -1) : '';
  const isPlain = name !== '' && name.length <= most && !name.includes('.') && !HASHED_LABEL.test(name);
  return isPlain ? name : hashedLabel(host, most);
}
