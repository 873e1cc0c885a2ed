// Words that change what a message means. Any other word is a name, and as good as any other.
const WORDS = new Set(
  (
    'get post put head delete options trace connect propfind m-search pri frob getx describe http icy rtsp https ftp ' +
    'host content-length transfer-encoding connection upgrade expect te trailer via max-forwards range if-range if-match if-none-match ' +
    'if-unmodified-since authorization www-authenticate cookie set-cookie location date etag content-range keep-alive proxy-connection ' +
    'http2-settings forwarded x-forwarded-for x-forwarded-host x-real-ip remote-user remote_user transfer_encoding content_length ' +
    'chunked identity gzip x-chunked xchunked chunkedx close closed websocket h2c accept bytes admin switch'
  ).split(' '),
);

/**
 * What is left of raw bytes when names and numbers are replaced by others, the same by the same: two cases that differ only in these
 * are one. Versions, statuses and percent-encodings stay.
 */
export function skeleton(sends: string | readonly string[]): string {
  const text = typeof sends === 'string' ? sends : sends.join('⏎');
  const names = new Map<string, string>();
  const rename = (kind: string, word: string) => {
    const known = names.get(word) ?? `${kind}${names.size}${sizeOf(word)}`;
    names.set(word, known);
    return known;
  };
  return text
    .replace(/%[0-9a-f]{2}|HTTP\/[\d.]+(?: \d{3})?|\d{12,}|\d+|[a-z][\w-]*/gi, (found) => {
      if (/^(?:%|HTTP\/|0$|\d{12})/i.test(found) || WORDS.has(found.toLowerCase())) return found;
      return rename(/^\d/.test(found) ? 'n' : 'w', found);
    })
    .replace(/(.{1,12})\1{9,}/gs, '$1…');
}

/** Length doesn't matter, but for words that are endless. */
function sizeOf(word: string): string {
  return '…'.repeat([5_000, 8_000, 30_000].filter((size) => word.length > size).length);
}
