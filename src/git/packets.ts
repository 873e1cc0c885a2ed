/** The packet that ends a section. */
export const FLUSH: Buffer = Buffer.from('0000');

/** One line in the framing of git's protocol (gitprotocol-common, "pkt-line"). */
export function encodePacket(line: string): Buffer {
  const payload = Buffer.from(line);
  return Buffer.concat([Buffer.from((payload.length + 4).toString(16).padStart(4, '0')), payload]);
}

/** The packets of an answer, flushes and delimiters as null; undefined if the framing is broken or the end is missing. */
export function packetsOf(body: Buffer): readonly (string | null)[] | undefined {
  const packets: (string | null)[] = [];
  for (let at = 0; at < body.length; ) {
    const digits = body.toString('latin1', at, at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
    const length = Number.parseInt(digits, 16);
    if (length === 3 || at + length > body.length) return undefined;
    packets.push(length < 4 ? null : body.toString('utf8', at + 4, at + length));
    at += Math.max(length, 4);
  }
  return packets;
}
