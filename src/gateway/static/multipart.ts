import type { ByteRange } from './byte-range.ts';
import type { Part } from './send-parts.ts';

/** A body of several parts of one file (RFC 9110, 14.6). */
export interface Multipart {
  readonly contentType: string;
  readonly length: number;
  readonly parts: readonly Part[];
}

/** The body for these parts of a file. The boundary must be one that nobody can foresee, so that no file can hold it. */
export function multipartBody(
  ranges: readonly ByteRange[],
  { type, size, boundary }: { readonly type: string; readonly size: number; readonly boundary: string },
): Multipart {
  const heads = ranges.map(({ start, end }, at) =>
    Buffer.from(
      `${at === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
    ),
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const parts = [...ranges.flatMap((range, at) => [heads[at] ?? tail, range]), tail];
  return {
    contentType: `multipart/byteranges; boundary=${boundary}`,
    length: parts.reduce((sum, part) => sum + (Buffer.isBuffer(part) ? part.length : part.end - part.start + 1), 0),
    parts,
  };
}
