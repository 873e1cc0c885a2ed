/** A range of IPv4 addresses: the first one as a number, and how many bits are fixed. */
export interface Range {
  readonly first: number;
  readonly bits: number;
}

/** Parses `10.213.0.0/16`; undefined for anything else, IPv6 included. A host part is cut off. */
export function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  const numbers = match?.slice(1).map(Number) ?? [];
  const [bits, parts] = [numbers[4], numbers.slice(0, 4)];
  if (bits === undefined || bits > 32 || parts.some((part) => part > 255)) return undefined;
  const address = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { first: address - (address % sizeOf(bits)), bits };
}

/** As it is written. */
export function formatRange({ first, bits }: Range): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join('.')}/${bits}`;
}

/** Whether two ranges have an address in common. */
export function overlaps(a: Range, b: Range): boolean {
  return a.first < b.first + sizeOf(b.bits) && b.first < a.first + sizeOf(a.bits);
}

/** The parts of a range that nothing of `taken` touches, in order. */
export function* freeRanges(within: Range, bits: number, taken: readonly Range[]): Generator<Range> {
  const end = within.first + sizeOf(within.bits);
  for (let first = within.first; first + sizeOf(bits) <= end; first += sizeOf(bits)) {
    const range = { first, bits };
    if (!taken.some((other) => overlaps(range, other))) yield range;
  }
}

/** What is known of a range when a part of it is looked for. */
export interface KnownRanges {
  readonly taken: readonly Range[];
  /** What the engine refused: it lies in something that is not shown, yet or at all. */
  readonly refused: readonly Range[];
  /** How large what is not shown may be, in fixed bits: as long as there is something farther away, that is tried first. */
  readonly hiddenBits: number;
}

/** The part of a range to try next; undefined: there is none. */
export function nextFreeRange(within: Range, bits: number, known: KnownRanges): Range | undefined {
  const { taken, refused, hiddenBits } = known;
  const size = sizeOf(Math.min(bits, hiddenBits));
  const around = refused.map(({ first }) => ({ first: first - (first % size), bits: Math.min(bits, hiddenBits) }));
  const firstOf = (all: readonly Range[]) => freeRanges(within, bits, all).next().value as Range | undefined;
  return firstOf([...taken, ...around]) ?? firstOf([...taken, ...refused]);
}

function sizeOf(bits: number): number {
  return 2 ** (32 - bits);
}
