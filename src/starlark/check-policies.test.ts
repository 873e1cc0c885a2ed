import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Value } from 'starlark-wasm';
import { appCall } from '../../test/support/config.ts';
import { checkPreviews, checkRelease } from './check-policies.ts';

type Args = Readonly<Record<string, Value>>;

for (const [args, expected] of [
  [{}, { branches: ['*'], max: 20, ttlMs: 14 * 86_400_000 }],
  [
    { branches: [], max: 0, ttl: '1h' },
    { branches: [], max: 0, ttlMs: 3_600_000 },
  ],
  [{ asleep: true }, { branches: ['*'], max: 20, ttlMs: 14 * 86_400_000, asleep: true }],
  [{ asleep: false }, { branches: ['*'], max: 20, ttlMs: 14 * 86_400_000 }],
  [{ branches: ['*', '!dependabot/*'] }, { branches: ['*', '!dependabot/*'], max: 20, ttlMs: 14 * 86_400_000 }],
  [{ branches: ['feature/*', 'fix-?'] }, { branches: ['feature/*', 'fix-?'], max: 20, ttlMs: 14 * 86_400_000 }],
] as const) {
  test(`previews(${JSON.stringify(args)}) is taken`, () => {
    const { call, errors } = checkPreviews(appCall(args as Args, 'previews'));
    assert.deepEqual([call.policy, errors], [expected, []]);
  });
}

for (const [args, expected] of [
  [{ branches: '*' }, 'previews(): branches: expected a list of branch patterns such as ["*"], got "*"'],
  [{ branches: ['-x'] }, 'previews(): branches[0]: expected a branch pattern such as "feature/*", got "-x"'],
  [{ branches: ['!'] }, 'previews(): branches[0]: expected a branch pattern such as "feature/*", got "!"'],
  [{ branches: ['!!x'] }, 'previews(): branches[0]: expected a branch pattern such as "feature/*", got "!!x"'],
  [{ max: -1 }, 'previews(): max: expected a whole number from 0 to 1000, got -1'],
  [{ max: 1.5 }, 'previews(): max: expected a whole number from 0 to 1000, got 1.5'],
  [{ ttl: 14 }, 'previews(): ttl: expected a duration such as "300ms", "5s", "10m", "2h" or "14d", got 14'],
  [{ ttl: '1s' }, 'previews(): ttl: expected at least "1m", got "1s"'],
  [{ asleep: 'yes' }, 'previews(): asleep: expected True or False, got "yes"'],
] as const) {
  test(`previews(${JSON.stringify(args)}) is refused`, () => {
    assert.deepEqual(
      checkPreviews(appCall(args as Args, 'previews')).errors.map(({ message }) => message),
      [expected],
    );
  });
}

test('release() takes a hash of a held removal, and nothing like it', () => {
  const hash = 'ab'.repeat(32);
  assert.deepEqual(checkRelease(appCall({ atomic: false, allow_removal: hash }, 'release')).call.policy, {
    atomic: false,
    allowRemoval: hash,
  });
  const { errors } = checkRelease(appCall({ atomic: 0, allow_removal: 'all' }, 'release'));
  assert.deepEqual(
    errors.map(({ message }) => message),
    [
      'release(): atomic: expected True or False, got 0',
      'release(): allow_removal: expected the hash of a held removal, got "all"',
    ],
  );
});
