import { hashOf } from '../model/canonical.ts';
import { BUILTINS, DIALECT, DIALECT_VERSION, LIMITS, LOADS } from './dialect.ts';
import type { CachedEvaluation } from './evaluation-cache.ts';
import type { RawOutcome } from './outcome.ts';

const DIALECT_HASH = hashOf({ DIALECT_VERSION, BUILTINS, DIALECT, LIMITS, LOADS });

/** The key of an entry file's evaluations: its path, its content, and everything of the dialect that decides what comes out. */
export function evaluationKey(path: string, oid: string): string {
  return hashOf([DIALECT_HASH, path, oid]);
}

/** The row that keeps an outcome. It is kept before checking, so that a newer version checks anew by its own rules. */
export function rowOf(key: string, raw: RawOutcome): CachedEvaluation {
  return { key, variant: hashOf(raw.loads), value: JSON.stringify(raw) };
}

/** The outcome that a row keeps; undefined for a row that can't be read. */
export function outcomeOf(row: CachedEvaluation): RawOutcome | undefined {
  try {
    const raw: unknown = JSON.parse(row.value);
    return isRawOutcome(raw) ? raw : undefined;
  } catch {
    return undefined;
  }
}

function isRawOutcome(raw: unknown): raw is RawOutcome {
  if (typeof raw !== 'object' || raw === null) return false;
  return ['loads', 'calls', 'prints', 'errors'].every((name) => Array.isArray((raw as Record<string, unknown>)[name]));
}
