import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf } from '../../test/support/declarations.ts';
import { artifact, deployment, instance, live, next, recordedWith } from '../../test/support/recorded.ts';
import type { Problem } from '../model/errors.ts';
import { StatusSchema } from '../model/surface.ts';
import type { Change } from '../store/changes.ts';
import { put } from '../store/changes.ts';
import { type StatusFacts, statusOf } from './status-value.ts';

const FACTS: StatusFacts = {
  version: '0.1.0',
  repo: 'https://git.example.com/config',
  branch: 'main',
  head: '1:abc',
  asOf: () => null,
  passing: false,
  notInEffect: [],
};
const status = (changes: readonly Change[], facts: Partial<StatusFacts> = {}) =>
  statusOf(recordedWith(...changes), { ...FACTS, ...facts });
const OFF: Problem = {
  code: 'engine-off',
  message: 'process apps are off',
  hint: 'Switch them on.',
  retry: 'needs-human',
};

test('the status of nothing and of a live app is what the surface says', () => {
  const target = targetOf();
  StatusSchema.parse(status([]));
  const value = status([
    put('deployment', deployment({ live: live(target) })),
    put('instance', instance({ id: 'i-live' })),
    put('artifact', artifact(target)),
  ]);
  StatusSchema.parse(value);
  assert.equal(value.settled, true);
  assert.equal(value.environments[0]?.deployments[0]?.live?.revision, target.revision);
});

for (const [what, change, facts] of [
  ['a pass that is due', put('deployment', deployment()), { passing: true }],
  ['a deployment that waits', put('deployment', deployment({ next: next(targetOf(), { state: 'waiting' }) })), {}],
  ['a removal', put('deployment', deployment({ next: next(null, { state: 'removing' }) })), {}],
  ['an instance that is stopped', put('instance', instance({ state: 'stopping' })), {}],
  ['a build', put('artifact', artifact(undefined, { state: 'building' })), {}],
] as const) {
  test(`${what} is not settled`, () => assert.equal(status([change], facts).settled, false));
}

for (const state of ['held', 'quarantined'] as const) {
  test(`what is ${state} counts as settled, and says why and what to do`, () => {
    const row = deployment({ next: next(null, { state, reason: OFF.message, problem: OFF }) });
    const value = status([put('deployment', row)]);
    assert.equal(value.settled, true);
    assert.equal(value.environments[0]?.deployments[0]?.next?.reason, 'process apps are off. Switch them on.');
  });
}

test('an instance that is kept for its log counts as settled', () => {
  assert.equal(status([put('instance', instance({ state: 'stopped' }))]).settled, true);
});

test('a build that is tried again says what it ran into', () => {
  const target = targetOf();
  const problem: Problem = { code: 'git-fetch-failed', message: 'fetch: 502', hint: null, retry: 'after-interval' };
  const value = status([
    put('artifact', artifact(target, { state: 'building', problem })),
    put('deployment', deployment({ next: next(target, { state: 'building' }) })),
  ]);
  assert.equal(value.environments[0]?.deployments[0]?.next?.reason, 'fetch: 502');
});

test('the config repo is among the sources before it was ever listed', () => {
  assert.deepEqual(status([]).sources, [{ repo: FACTS.repo, as_of: null, error: null }]);
});
