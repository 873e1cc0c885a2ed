import { isConstructed, type Value } from 'starlark-wasm';

/** A value's place within a call, and how to say what is wrong with it. */
export interface Field {
  /** Reports; the result is always `undefined`, to be returned by a shape that does not fit. */
  fail(message: string, hint?: string): undefined;
  /** A part of the value: a key of a dict, an element of a list. */
  part(key: string | number): Field;
}

/** Takes what was reported: the argument it belongs to, the message and a hint. */
export type Report = (argument: string, message: string, hint?: string) => void;

/** The field of an argument. Messages begin with its label: `health.path: expected …`. */
export function fieldOf(report: Report, argument: string, label = argument): Field {
  return {
    fail: (message, hint) => {
      report(argument, `${label}: ${message}`, hint);
      return undefined;
    },
    part: (key) => fieldOf(report, argument, typeof key === 'number' ? `${label}[${key}]` : `${label}.${key}`),
  };
}

const MAX_SHOWN = 60;

/** A value as an error message shows it, in Starlark's words. */
export function describe(value: Value | undefined): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return JSON.stringify(clip(value));
  if (typeof value === 'number') return String(value);
  if (isSecret(value)) return 'secret(…)';
  return Array.isArray(value) ? 'a list' : 'a dict';
}

function clip(text: string): string {
  const points = [...text.slice(0, 2 * MAX_SHOWN)];
  return points.length <= MAX_SHOWN ? points.join('') : `${points.slice(0, MAX_SHOWN).join('')}…`;
}

/** Whether the value is what `secret("NAME")` returned. No dict of a config file can look like one. */
export function isSecret(value: Value | undefined): boolean {
  return value !== undefined && isConstructed(value);
}

/** Whether the value is a dict (or what a builtin made). */
export function isDict(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
