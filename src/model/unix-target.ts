/** A server on a Unix socket of this machine, as the URL of a proxy app names it. */
export interface UnixTarget {
  /** The absolute path of the socket, as declared. */
  readonly socket: string;
  /** The path that goes before that of requests, without a slash at the end: empty for most. */
  readonly base: string;
}

const SCHEME = 'unix:';
// What sun_path of Linux holds, without its final zero.
const MOST_BYTES = 107;
const EXAMPLE = 'such as "unix:/run/grafana/http.sock"';

/** Takes `unix:/path/of.sock` and `unix:/path/of.sock:/base` apart, as nginx writes them; undefined for any other URL. */
export function unixTarget(url: string): UnixTarget | undefined {
  if (!url.startsWith(SCHEME)) return undefined;
  const [socket, base = ''] = split(url);
  return { socket, base: base.replace(/\/$/, '') };
}

/** What is wrong with the URL of a Unix socket, as far as the text alone tells; undefined when it is fine. */
export function unixTargetFault(url: string): string | undefined {
  const [socket, base] = split(url);
  if (!isPlainPath(socket)) {
    return `expected the absolute path of a socket, without ":", empty, "." and ".." segments, ${EXAMPLE}`;
  }
  const bytes = new TextEncoder().encode(socket).length;
  if (bytes > MOST_BYTES) return `expected the path of a socket, of at most ${MOST_BYTES} bytes (it has ${bytes})`;
  if (base === undefined || isBase(base)) return undefined;
  return 'expected a plain path behind the second ":", without "?" and "#", such as "unix:/run/grafana/http.sock:/base"';
}

/** The path of a socket, or of a folder above sockets, that an entry of `[proxy] allow` opens; undefined where it names none. */
export function openedPath(entry: string): string | undefined {
  if (!entry.startsWith(SCHEME)) return undefined;
  const path = entry.slice(SCHEME.length);
  const plain = path.length > 1 ? path.replace(/\/$/, '') : path;
  return plain === '/' || isPlainPath(plain) ? plain : undefined;
}

function split(url: string): [socket: string, base?: string] {
  const path = url.slice(SCHEME.length);
  const colon = path.indexOf(':');
  return colon < 0 ? [path] : [path.slice(0, colon), path.slice(colon + 1)];
}

function isPlainPath(path: string): boolean {
  const [root, ...segments] = path.split('/');
  const isOdd = (segment: string) => segment === '' || segment === '.' || segment === '..' || hasOddCharacter(segment);
  return root === '' && segments.length > 0 && !segments.some(isOdd);
}

function hasOddCharacter(text: string): boolean {
  return [...text].some((character) => character === ':' || character < ' ' || character === '\x7f');
}

/** It goes into the request line as it is: whatever a URL would write in another way is refused. */
function isBase(base: string): boolean {
  const url = `http://unix${base}`;
  return base.startsWith('/') && !base.includes('//') && URL.canParse(url) && new URL(url).pathname === base;
}
