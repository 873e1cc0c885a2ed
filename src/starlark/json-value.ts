import type { Value } from 'starlark-wasm';
import type { Json } from '../model/json.ts';

/** The value with the keys of all its dicts in order and no negative zero: equal values are equal to the byte. */
export function plainJson(value: Value): Json {
  if (typeof value === 'number') return value === 0 ? 0 : value;
  if (typeof value !== 'object' || value === null) return value;
  if (isList(value)) return value.map(plainJson);
  const keys = Object.keys(value).sort();
  return Object.fromEntries(keys.map((key) => [key, plainJson(value[key] ?? null)]));
}

function isList(value: object): value is readonly Value[] {
  return Array.isArray(value);
}

/** Freezes a value and all in it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) deepFreeze(part);
  return Object.freeze(value);
}
