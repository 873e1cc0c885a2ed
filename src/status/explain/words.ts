import type { Cause } from '../../model/cause.ts';
import { isoTime } from '../../model/clock.ts';

/** A commit or a hash as people name it. */
export function short(id: string): string {
  return id.slice(0, 8);
}

/** An instant as people read it: `2026-01-31 17:05:09Z`. */
export function time(at: string | number): string {
  return (typeof at === 'number' ? isoTime(at) : at).replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}

/** A cause as the end of a sentence: the commit, who made it, and where. */
export function causeWords(cause: Cause): string {
  if (cause.kind === 'bootstrap') return 'the set-up';
  if (cause.kind === 'observation') return `an observation: ${cause.what}`;
  const author = cause.author === null ? '' : ` by ${cause.author}`;
  const pull = cause.pull === null ? '' : ` (pull request ${cause.pull})`;
  return `commit ${short(cause.commit)}${author} on ${cause.ref} of ${cause.repo}${pull}`;
}

/** A few names: `/a`, `/a and /b`, `/a, /b and 3 more`. */
export function names(all: readonly string[]): string {
  if (all.length > 4) return `${all.slice(0, 3).join(', ')} and ${all.length - 3} more`;
  if (all.length < 2) return all.join('');
  return `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}
