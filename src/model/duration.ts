const DURATION_UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** How durations are written, for error messages. */
export const DURATION_FORM = 'a duration such as "300ms", "5s", "10m", "2h" or "14d"';
/** How sizes are written, for error messages. */
export const SIZE_FORM = 'a size such as "512m" or "2g"';

/** A hundred years: added to any date of today, it still is a date. */
const LONGEST_MS = 36_500 * 86_400_000;

/** Milliseconds of `300ms`, `5s`, `10m`, `2h`, `14d`; `undefined` if the text is none, or means more than a hundred years. */
export function parseDurationMs(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text);
  const ms = match ? Number(match[1]) * (DURATION_UNITS[match[2] ?? ''] ?? Number.NaN) : undefined;
  return ms === undefined || ms > LONGEST_MS ? undefined : ms;
}

/** Bytes of `512m`, `2g`, `64k`, `1048576` (powers of 1024); `undefined` if the text is none. */
export function parseSizeBytes(text: string): number | undefined {
  const match = /^(\d{1,9})([kmg]?)$/.exec(text.toLowerCase());
  return match ? Number(match[1]) * (SIZE_UNITS[match[2] ?? ''] ?? Number.NaN) : undefined;
}

/** A duration as a person writes it, in the largest unit that loses nothing. */
export function formatDuration(ms: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    const size = DURATION_UNITS[unit] ?? 1;
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
