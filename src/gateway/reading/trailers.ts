import { isDropped } from '../upstream/forward-headers.ts';

// Fields that decide framing, routing, who asks, how a message is processed or cached, or what its content is (RFC 9110, 6.5.1):
// they count only where they are seen before the content. Whoever merges trailers into headers must not be misled through us.
const NO_TRAILERS = new Set([
  ...[
    'age',
    'authorization',
    'cache-control',
    'cookie',
    'date',
    'expires',
    'location',
    'max-forwards',
    'pragma',
    'range',
  ],
  ...['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'retry-after', 'set-cookie'],
  ...['content-encoding', 'content-location', 'content-range', 'content-type', 'vary', 'warning', 'www-authenticate'],
  ...['authentication-info', 'refresh', 'x-robots-tag', 'x-request-id', 'traceparent', 'tracestate'],
]);

function isForbiddenTrailer(name: string): boolean {
  return isDropped(name) || NO_TRAILERS.has(name.toLowerCase().replaceAll('_', '-'));
}

/** The lines of a trailer section, without what must not stand there, and what `Connection` named (RFC 9110, 7.6.1). */
export function trailerLines(raw: readonly string[], named: ReadonlySet<string> | undefined): string {
  let lines = '';
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? '';
    if (!isForbiddenTrailer(name) && named?.has(name.toLowerCase()) !== true)
      lines += `${name}: ${raw[at + 1] ?? ''}\r\n`;
  }
  return lines;
}
