import type { ErrorCode } from '../model/errors.ts';
import { isLoopback, OWNER } from '../model/peer.ts';

/** What of a request decides whether it is answered. */
export interface Asker {
  readonly path: string;
  readonly host: string | undefined;
  readonly peer: string | undefined;
  readonly fetchSite: string | undefined;
  readonly fetchMode: string | undefined;
  readonly hasToken: boolean;
}

/** Whom the settings let in. */
export interface Doorkeeping {
  readonly statusHost: string;
  /** Behind a proxy everybody comes from its address, so being on loopback says nothing. */
  readonly isBehindProxy: boolean;
  /** Whether there is a token at all. */
  readonly isTokenSet: boolean;
}

/** Why a request is not answered, and with which status. */
export interface Refusal {
  readonly status: 401 | 403 | 421;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | null;
}

/** Why this request is not answered; null if it is. */
export function refusalOf(asker: Asker, door: Doorkeeping): Refusal | null {
  if (hostName(asker.host) !== door.statusHost) {
    const hint = `The status host is "${door.statusHost}".`;
    return { status: 421, code: 'not-permitted', message: 'this is not the host of the status pages', hint };
  }
  if (!isOwnSite(asker)) {
    const message = 'pages of other sites may not read this';
    return { status: 403, code: 'not-permitted', message, hint: null };
  }
  if (asker.peer === OWNER) return null;
  if (asker.hasToken || (isLoopback(asker.peer) && !door.isBehindProxy)) return null;
  const hint = door.isTokenSet
    ? 'Send the token: "Authorization: Bearer …", or --token-file.'
    : 'Only clients on this machine are answered, unless [status] token_file is set.';
  return { status: 401, code: 'not-permitted', message: 'a token is needed from here', hint };
}

/** The name in a Host header: lower case, without port and final dot. Undefined where there is none or it is malformed. */
function hostName(header: string | undefined): string | undefined {
  return /^([a-z0-9.-]+?)\.?(?::\d{1,5})?$/.exec(header?.toLowerCase() ?? '')?.[1];
}

// Browsers say where a request comes from; others (curl, the CLI) say nothing. A link to the first page may stand anywhere.
function isOwnSite({ path, fetchSite, fetchMode }: Asker): boolean {
  if (fetchSite === undefined || fetchSite === 'same-origin' || fetchSite === 'none') return true;
  return path === '/' && fetchMode === 'navigate';
}
