import { DEFAULT_PREVIEWS, DEFAULT_RELEASE, type PreviewPolicy, type ReleasePolicy } from '../model/config.ts';
import { CallChecker } from './call-checker.ts';
import type { CollectedCall } from './collected.ts';
import { describe } from './field.ts';
import { deepFreeze } from './json-value.ts';
import type { LocatedError, Spot } from './located-error.ts';
import { duration, flag, listOf, number, type Shape, text } from './shapes.ts';

/** One `previews()` or `release()` call. */
export interface CheckedPolicy<T> {
  readonly at: Spot;
  readonly trail: string;
  readonly policy: T;
}

/** A checked call and what is wrong with it. */
export interface Checked<T> {
  readonly call: CheckedPolicy<T>;
  readonly errors: readonly LocatedError[];
}

const BRANCHES = listOf(
  'a list of branch patterns such as ["*"]',
  text('a branch pattern such as "feature/*"', (pattern) => /^!?[^-!\s~^:\\][^\s~^:\\]*$/.test(pattern)),
);

/** Checks one `previews()` call. */
export function checkPreviews(call: CollectedCall): Checked<PreviewPolicy> {
  const check = new CallChecker(call, 'previews()');
  const policy = {
    branches: check.take('branches', BRANCHES) ?? DEFAULT_PREVIEWS.branches,
    max: check.take('max', number({ min: 0, max: 1_000, whole: true })) ?? DEFAULT_PREVIEWS.max,
    ttlMs: check.take('ttl', duration({ minMs: 60_000 })) ?? DEFAULT_PREVIEWS.ttlMs,
    ...(check.take('asleep', flag) === true ? { asleep: true as const } : {}),
  };
  return { call: deepFreeze({ at: call.at, trail: call.trail, policy }), errors: check.errors };
}

const removalHash: Shape<string> = (value, field) => {
  if (typeof value === 'string' && /^[0-9a-f]{8,64}$/.test(value)) return value;
  return field.fail(
    `expected the hash of a held removal, got ${describe(value)}`,
    '"mainspring plan" and "mainspring status" show it.',
  );
};

/** Checks one `release()` call. */
export function checkRelease(call: CollectedCall): Checked<ReleasePolicy> {
  const check = new CallChecker(call, 'release()');
  const policy = {
    atomic: check.take('atomic', flag) ?? DEFAULT_RELEASE.atomic,
    allowRemoval: check.take('allow_removal', removalHash) ?? DEFAULT_RELEASE.allowRemoval,
  };
  return { call: deepFreeze({ at: call.at, trail: call.trail, policy }), errors: check.errors };
}
