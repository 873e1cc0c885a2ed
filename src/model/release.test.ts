import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf, unstagedApp } from '../../test/support/declarations.ts';
import { deployment, live, next } from '../../test/support/recorded.ts';
import type { ErrorCode } from './errors.ts';
import { type Standing, standingOf } from './release.ts';

const target = targetOf(unstagedApp());
const alone = targetOf(unstagedApp({ strategy: 'replace' }));
const problem = (code: ErrorCode, retry: 'needs-human' | 'after-interval' = 'needs-human') => ({
  problem: { code, message: 'no', hint: null, retry },
});

/** What is recorded of a member, and how it stands. */
for (const [name, row, expected] of [
  ['waiting', { next: next(target) }, 'going'],
  ['building', { next: next(target, { state: 'building' }) }, 'going'],
  ['starting', { next: next(target, { state: 'starting' }) }, 'going'],
  ['verifying', { next: next(target, { state: 'verifying' }) }, 'going'],
  ['verified', { next: next(target, { state: 'ready' }) }, 'ready'],
  ['to be removed', { live: live(target), next: next(null, { state: 'removing', removes: true }) }, 'ready'],
  ['quarantined', { next: next(target, { state: 'quarantined', ...problem('health-timeout') }) }, 'stuck'],
  ['held by a fault in the config', { next: next(null, { state: 'held', ...problem('spec-unknown') }) }, 'stuck'],
  ['held because stage failed', { next: next(target, { state: 'held', ...problem('stage-failed') }) }, 'stuck'],
  ['held by the removal brake', { next: next(null, { state: 'held', removes: true, brake: '1234' }) }, 'stuck'],
  ['held for another member', { next: next(target, { state: 'held', ...problem('release-blocked') }) }, 'held'],
  [
    'a removal that is held for another member',
    { next: next(null, { state: 'held', removes: true, ...problem('release-blocked') }) },
    'held',
  ],
  ['a source that can’t be read for now', { next: next(null, problem('git-fetch-failed', 'after-interval')) }, 'going'],
  [
    'a source that is not there: a push mends it',
    { next: next(null, problem('git-ref-missing', 'after-interval')) },
    'stuck',
  ],
  ['to run alone, beside what is live', { live: live(target), next: next(alone) }, 'alone'],
  ['to run alone, being built', { live: live(target), next: next(alone, { state: 'building' }) }, 'alone'],
  ['to run alone, with what was live stopped', { live: live(target, { suspended: true }), next: next(alone) }, 'going'],
  ['to run alone, with nothing live', { next: next(alone) }, 'going'],
  [
    'to run alone, starting',
    { live: live(target, { suspended: true }), next: next(alone, { state: 'starting' }) },
    'going',
  ],
] as const) {
  test(`a member that is ${name} stands ${expected}`, () => {
    const { live: serves, next: coming } = { ...deployment(), ...row };
    assert.equal(standingOf({ live: serves, next: coming }), expected satisfies Standing);
  });
}
