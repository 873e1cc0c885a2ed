import type { Value } from 'starlark-wasm';
import { DURATION_FORM, formatDuration, parseDurationMs, parseSizeBytes, SIZE_FORM } from '../model/duration.ts';
import { describe, type Field, isDict, isSecret } from './field.ts';
import { nameHint } from './nearest.ts';

/** Turns a value into what it means, or reports what was expected and returns `undefined`. */
export type Shape<T> = (value: Value, field: Field) => T | undefined;

function unexpected(what: string, value: Value, field: Field, hint?: string): undefined {
  return field.fail(`expected ${what}, got ${describe(value)}`, hint);
}

/** A string that passes a test; `what` says which. */
export function text(what: string, fits: (text: string) => boolean): Shape<string> {
  return (value, field) => (typeof value === 'string' && fits(value) ? value : unexpected(what, value, field));
}

/** True or False. */
export const flag: Shape<boolean> = (value, field) =>
  typeof value === 'boolean' ? value : unexpected('True or False', value, field);

/** A number within bounds. */
export function number(bounds: {
  readonly min?: number;
  readonly max?: number;
  readonly whole?: boolean;
}): Shape<number> {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole = false } = bounds;
  const what = `${whole ? 'a whole number' : 'a number'}${rangeText(bounds)}`;
  return (value, field) => {
    const fits = typeof value === 'number' && value >= min && value <= max && (!whole || Number.isSafeInteger(value));
    if (fits) return value;
    const quoted = typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value));
    return unexpected(what, value, field, quoted ? 'Write it without quotes.' : undefined);
  };
}

function rangeText({ min, max }: { readonly min?: number; readonly max?: number }): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  return max === undefined ? '' : ` of at most ${max}`;
}

/** One of some strings. */
export function oneOf<const T extends string>(names: readonly T[]): Shape<T> {
  const what = names.map((name) => `"${name}"`).join(' or ');
  return (value, field) => {
    const found = names.find((name) => name === value);
    if (found !== undefined) return found;
    return unexpected(what, value, field, typeof value === 'string' ? nameHint(value, names, 'It') : undefined);
  };
}

/** A duration, in milliseconds. */
export function duration({ minMs, maxMs }: { readonly minMs: number; readonly maxMs?: number }): Shape<number> {
  return (value, field) => {
    const ms = typeof value === 'string' ? parseDurationMs(value) : undefined;
    if (ms === undefined) return unexpected(DURATION_FORM, value, field);
    if (maxMs !== undefined && ms > maxMs)
      return field.fail(`expected at most "${formatDuration(maxMs)}", got ${describe(value)}`);
    return ms >= minMs ? ms : field.fail(`expected at least "${formatDuration(minMs)}", got ${describe(value)}`);
  };
}

const MIN_SIZE_BYTES = 4 * 1024 ** 2;

/** A size, kept as it is written. */
export const size: Shape<string> = (value, field) => {
  const bytes = typeof value === 'string' ? parseSizeBytes(value) : undefined;
  if (typeof value !== 'string' || bytes === undefined) return unexpected(SIZE_FORM, value, field);
  return bytes >= MIN_SIZE_BYTES
    ? value
    : field.fail(`expected at least "4m", got ${describe(value)}`, 'Units are k, m and g.');
};

/** A size in bytes. */
export function byteSize({ min, max }: { readonly min: string; readonly max: string }): Shape<number> {
  return (value, field) => {
    const bytes = typeof value === 'string' ? parseSizeBytes(value) : undefined;
    if (bytes === undefined) return unexpected(SIZE_FORM, value, field);
    const fits = bytes >= (parseSizeBytes(min) ?? 0) && bytes <= (parseSizeBytes(max) ?? 0);
    return fits ? bytes : field.fail(`expected "${min}" to "${max}", got ${describe(value)}`);
  };
}

/** A list whose elements have one shape. Elements that don't fit are reported and left out. */
export function listOf<T>(what: string, element: Shape<T>): Shape<readonly T[]> {
  return (value, field) => {
    if (!Array.isArray(value)) return unexpected(what, value, field);
    return value.flatMap((item: Value, index) => {
      const kept = element(item, field.part(index));
      return kept === undefined ? [] : [kept];
    });
  };
}

/** What `fields` makes of its shapes. */
export type Fields<S> = { readonly [K in keyof S]?: S[K] extends Shape<infer T> ? T : never };

/** A dict with known keys, all optional. Unknown keys are reported with the nearest valid one. */
export function fields<const S extends Readonly<Record<string, Shape<unknown>>>>(
  what: string,
  shapes: S,
): Shape<Fields<S>> {
  return (value, field) => {
    const entries = dictEntries(what, value, field);
    if (entries === undefined) return undefined;
    const known = entries.flatMap(([key, item]) => {
      const shape = Object.hasOwn(shapes, key) ? shapes[key] : undefined;
      if (shape === undefined) field.fail(`unknown key "${key}"`, nameHint(key, Object.keys(shapes), 'It'));
      const kept = shape?.(item, field.part(key));
      return kept === undefined ? [] : [[key, kept] as const];
    });
    return Object.fromEntries(known) as Fields<S>;
  };
}

/** The entries of a dict in order of their keys, so that how it was written makes no difference. */
export function dictEntries(
  what: string,
  value: Value,
  field: Field,
): readonly (readonly [string, Value])[] | undefined {
  if (!isDict(value) || isSecret(value)) return unexpected(what, value, field);
  const byKey = ([a]: readonly [string, Value], [b]: readonly [string, Value]) => (a < b ? -1 : 1);
  return Object.entries(value).sort(byKey);
}

/** A path of a request: it begins with a slash and holds neither white space nor a fragment. */
export const requestPath = text(
  'a path such as "/healthz"',
  (path) => /^\/[^\s#\\]*$/.test(path) && path.length <= 1_024 && !path.startsWith('//'),
);
