import { isIPv6 } from 'node:net';

/** Where a request wants to go, as its first line and Host say. */
export interface RequestTarget {
  /** Lower case, without port and final dot. */
  readonly host: string;
  /** The Host as sent (or the authority of an absolute request target): what the upstream is told. */
  readonly authority: string;
  readonly path: TargetPath;
  /** With the `?`, or empty. */
  readonly query: string;
  /** Whether it asks for an `https` URI by an absolute target, which needs a connection that is (RFC 9110, 7.4). */
  readonly isHttps: boolean;
}

/** A path in the readings that matter. */
export interface TargetPath {
  /** What is passed on: as sent, with dot segments resolved. */
  readonly sent: string;
  /** Percent-decoded by segment: decides the route. */
  readonly decoded: string;
  /**
   * As an upstream could read it that also decodes slashes and takes `\` for one, dot segments resolved after that. It has to
   * lead to the same app as `decoded`, else the request crosses an app's border.
   */
  readonly deepest: string;
}

const AUTHORITY = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{0,5})?$/i;
const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)$/i;

/** Reads request target and Host; undefined when they are malformed (400). `*` and authority form are no targets of ours. */
export function parseTarget(url: string, hostHeader: string): RequestTarget | undefined {
  const absolute = url.startsWith('/') ? null : ABSOLUTE.exec(url);
  if (absolute === null && !url.startsWith('/')) return undefined;
  // It does not count then (RFC 9112, 3.2.2), but has to be one: others may look at it (3.2).
  if (absolute !== null && hostHeader !== '' && parseHost(hostHeader) === undefined) return undefined;
  const authority = absolute?.[1] ?? hostHeader;
  const rest = absolute?.[2] ?? url;
  if (rest.includes('#')) return undefined;
  const host = parseHost(authority);
  const mark = rest.indexOf('?');
  const path = parsePath((mark < 0 ? rest : rest.slice(0, mark)) || '/');
  if (host === undefined || path === undefined) return undefined;
  return {
    host,
    authority,
    path,
    query: mark < 0 ? '' : rest.slice(mark),
    isHttps: absolute !== null && /^https/i.test(url),
  };
}

/** The host name of a Host header: lower case, without port and final dot; undefined when malformed. */
export function parseHost(authority: string): string | undefined {
  const name = AUTHORITY.exec(authority)?.[1]?.toLowerCase();
  if (name?.startsWith('[')) return isIPv6(name.slice(1, -1)) ? name : undefined;
  return name?.endsWith('.') ? name.slice(0, -1) || undefined : name;
}

/** Reads a path; undefined when it is malformed: a bad percent-encoding, or behind one a control character or a way out of the root. */
export function parsePath(path: string): TargetPath | undefined {
  // The common case, decided by one scan: nothing encoded, nothing that any reading would change.
  if (!/%|\\|\/\./.test(path)) return { sent: path, decoded: path, deepest: path };
  const segments: Segment[] = [];
  for (const sent of path.slice(1).split('/')) {
    const decoded = decodeSegment(sent);
    if (decoded === undefined) return undefined;
    segments.push({ sent, decoded });
  }
  const resolved = resolveDots(segments);
  const parts = resolved
    .flatMap(({ decoded }) => decoded.split(/[/\\]/))
    .map((part) => ({ sent: part, decoded: part }));
  const deep = climbsOut(parts) ? undefined : resolveDots(parts);
  if (deep === undefined) return undefined;
  return {
    sent: `/${resolved.map(({ sent }) => sent).join('/')}`,
    // An encoded slash is part of its segment, so it must not come to look like one between segments.
    decoded: `/${resolved.map(({ decoded }) => decoded.replaceAll('/', '%2F')).join('/')}`,
    deepest: `/${deep.map(({ decoded }) => decoded).join('/')}`,
  };
}

interface Segment {
  readonly sent: string;
  readonly decoded: string;
}

function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment;
  if (/%(?![0-9a-f]{2})/i.test(segment) || /%(?:[01][0-9a-f]|7f)/i.test(segment)) return undefined;
  try {
    return decodeURIComponent(segment);
  } catch {
    // Bytes that are no UTF-8 name no app, but an app may want them. Read byte by byte, so that slashes and dots still show.
    return segment.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  }
}

/** Whether dots behind encoded slashes lead above the root, which no browser asks for. */
function climbsOut(segments: readonly Segment[]): boolean {
  let depth = 0;
  for (const { decoded } of segments) {
    if (decoded !== '.' && decoded !== '') depth += decoded === '..' ? -1 : 1;
    if (depth < 0) return true;
  }
  return false;
}

/** RFC 3986, 5.2.4, on segments. `%2e` is a dot there too, as browsers have it. */
function resolveDots(segments: readonly Segment[]): readonly Segment[] {
  const kept: Segment[] = [];
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment.decoded !== '.' && segment.decoded !== '..') kept.push(segment);
    else {
      if (segment.decoded === '..') kept.pop();
      if (isLast) kept.push({ sent: '', decoded: '' });
    }
  }
  return kept.length === 0 ? [{ sent: '', decoded: '' }] : kept;
}
