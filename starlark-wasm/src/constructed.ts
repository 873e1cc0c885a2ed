import type { Constructed, Value } from './types.ts';

/** Whether a value was made by a builtin of kind `value`; a dict of the user's never passes for one. */
export function isConstructed(value: Value | Constructed): value is Value & Constructed {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$builtin');
}
