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

/** What is left of raw bytes when names and numbers are taken for one another: two cases that differ only in these are one. */
export function skeleton(sends: string | readonly string[]): string {
  const text = typeof sends === 'string' ? sends : sends.join('⏎');
  return text
    .replace(/%[0-9a-f]{2}|[A-Za-z][\w-]*/gi, (word) => (word.startsWith('%') || WORDS.has(word.toLowerCase()) ? word : wordOf(word)))
    .replace(/%[0-9a-f]{2}|\d+/gi, (digits) => (digits === '0' || digits.startsWith('%') || digits.length > 12 ? digits : '1'))
    .replace(/(.{1,12})\1{9,}/gs, '$1…');
}

/** Letter case and length don't matter, but for words that are endless. */
function wordOf(word: string): string {
  return word.length < 5_000 ? 'w' : 'w…'.repeat(word.length > 30_000 ? 3 : word.length > 8_000 ? 2 : 1);
}
