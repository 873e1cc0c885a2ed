/** What a PROXY header (v1 or v2 of HAProxy's protocol, 2020/03/05) says of the connection. */
export type ProxyHeader =
  /** Not all of it is there yet. */
  | { readonly kind: 'partial' }
  /** It is none, or malformed. */
  | { readonly kind: 'invalid' }
  /** `bytes` long. `address` is the client's; null where the proxy speaks for itself (LOCAL) or can't tell (UNKNOWN, Unix sockets). */
  | { readonly kind: 'complete'; readonly bytes: number; readonly address: string | null };

/** Which versions are taken. */
export type ProxyVersions = 'v1' | 'v2' | 'any';

// "The receiver must be prepared to skip" up to 107 characters of v1, with its CRLF. The lengths of v2 are bounded here, not there.
const MOST_V1_BYTES = 107;
const MOST_V2_BYTES = 2_048;
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V1_START = Buffer.from('PROXY ');
const PARTIAL = { kind: 'partial' } as const;
const INVALID = { kind: 'invalid' } as const;

/** Reads the header at the front of what has come. Pure: the same bytes in whatever pieces give the same result. */
export function parseProxyHeader(bytes: Buffer, versions: ProxyVersions): ProxyHeader {
  if (versions !== 'v1' && startsAs(bytes, SIGNATURE)) return bytes.length < 16 ? checkStart(bytes) : parseV2(bytes);
  if (versions !== 'v2' && startsAs(bytes, V1_START)) return bytes.length < V1_START.length ? PARTIAL : parseV1(bytes);
  return bytes.length === 0 ? PARTIAL : INVALID;
}

/** Whether the bytes are the start of the mark, or begin with it. */
function startsAs(bytes: Buffer, mark: Buffer): boolean {
  const length = Math.min(bytes.length, mark.length);
  return length > 0 && bytes.compare(mark, 0, length, 0, length) === 0;
}

const V1 = /^PROXY (?:UNKNOWN(?: [^\r\n]*)?|(TCP4|TCP6) ([^ ]+) ([^ ]+) (\d{1,5}) (\d{1,5}))$/;

function parseV1(bytes: Buffer): ProxyHeader {
  const end = bytes.indexOf('\r\n');
  if (end < 0) return bytes.length >= MOST_V1_BYTES || bytes.subarray(0, -1).includes(13) ? INVALID : PARTIAL;
  if (end + 2 > MOST_V1_BYTES) return INVALID;
  const line = V1.exec(bytes.toString('latin1', 0, end));
  if (line === null) return INVALID;
  const [, family, source = '', target = '', ...ports] = line;
  if (family === undefined) return { kind: 'complete', bytes: end + 2, address: null };
  const isOfFamily = family === 'TCP4' ? isDotted : isColoned;
  if (!isOfFamily(source) || !isOfFamily(target) || ports.some((port) => Number(port) > 65_535)) return INVALID;
  return { kind: 'complete', bytes: end + 2, address: source };
}

function isDotted(address: string): boolean {
  const parts = address.split('.');
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}

function isColoned(address: string): boolean {
  return /^[0-9a-fA-F:.]{2,45}$/.test(address) && URL.canParse(`http://[${address}]/`);
}

/** Version and command, family and protocol: as far as they are there. */
function checkStart(bytes: Buffer): ProxyHeader {
  const [command, family] = [bytes[12], bytes[13]];
  if (command !== undefined && command !== 0x20 && command !== 0x21) return INVALID;
  return family !== undefined && (family >> 4 > 3 || (family & 15) > 2) ? INVALID : PARTIAL;
}

function parseV2(bytes: Buffer): ProxyHeader {
  if (checkStart(bytes) === INVALID) return INVALID;
  const length = 16 + bytes.readUInt16BE(14);
  if (length > MOST_V2_BYTES) return INVALID;
  const isLocal = bytes[12] === 0x20;
  const family = (bytes[13] ?? 0) >> 4;
  // Source, target and two ports; for Unix sockets two paths. What follows are TLVs, which nobody here asks for.
  const least = isLocal ? 0 : ([0, 12, 36, 216][family] ?? 0);
  if (length - 16 < least) return INVALID;
  if (bytes.length < length) return PARTIAL;
  return { kind: 'complete', bytes: length, address: isLocal ? null : addressOf(bytes, family) };
}

function addressOf(bytes: Buffer, family: number): string | null {
  if (family === 1) return bytes.subarray(16, 20).join('.');
  if (family !== 2) return null;
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(16 + 2 * at).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
