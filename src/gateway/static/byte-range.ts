/** A part of a file, both ends included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** A request that names more parts than this gets the whole: nobody needs them, and each costs a head (RFC 9110, 14.2). */
export const MOST_RANGES = 16;

const RANGE = /^(\d*)-(\d*)$/;

/**
 * Which parts a Range header asks for, in its order, those that touch as one (RFC 9110, 14.1.2 and 14.2). Undefined means all of
 * it: there is no header, it is malformed or of another unit, or it asks for overlapping or too many parts, or for everything
 * anyway. `unsatisfiable` means 416.
 */
export function parseRanges(
  header: string | undefined,
  size: number,
): readonly ByteRange[] | 'unsatisfiable' | undefined {
  if (header === undefined || !/^bytes=/i.test(header)) return undefined;
  // Empty elements of a list are nothing (RFC 9110, 5.6.1.2).
  const specs = header
    .slice('bytes='.length)
    .split(',')
    .flatMap((text) => text.trim() || []);
  if (specs.length === 0 || specs.length > MOST_RANGES) return undefined;
  const ranges = specs.map((spec) => parseRange(spec, size));
  if (ranges.includes('malformed')) return undefined;
  const there = ranges.filter((range) => typeof range === 'object');
  if (there.length === 0) return 'unsatisfiable';
  return hasOverlap(there) ? undefined : joined(there);
}

function parseRange(spec: string, size: number): ByteRange | 'malformed' | 'beyond' {
  const [, from = '', to = ''] = RANGE.exec(spec) ?? [];
  if (from === '' && to === '') return 'malformed';
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'beyond' : { start: size - length, end: size - 1 };
  }
  const start = Number(from);
  if (to !== '' && Number(to) < start) return 'malformed';
  return start >= size ? 'beyond' : { start, end: to === '' ? size - 1 : Math.min(Number(to), size - 1) };
}

function hasOverlap(ranges: readonly ByteRange[]): boolean {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  return sorted.some(({ start }, at) => at > 0 && start <= (sorted[at - 1]?.end ?? -1));
}

function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const found: ByteRange[] = [];
  for (const range of ranges) {
    const last = found.at(-1);
    if (last !== undefined && last.end + 1 === range.start)
      found[found.length - 1] = { start: last.start, end: range.end };
    else found.push(range);
  }
  return found;
}
