import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commitCause, targetOf, unstagedApp } from '../../test/support/declarations.ts';
import { AT, artifact, deployment, instance, live, next, recordedWith, rows } from '../../test/support/recorded.ts';
import type { ErrorCode } from '../model/errors.ts';
import { type InstanceId, PROD } from '../model/ids.ts';
import type { NextState, RecordedDeployment, RecordedInstance, RecordedRelease } from '../model/recorded.ts';
import { type Change, put } from '../store/changes.ts';
import type { Recorded } from '../store/recorded.ts';
import { nextOfDeployment, nextOfRelease } from './progress.ts';

const target = targetOf(unstagedApp());
const alone = targetOf(unstagedApp({ strategy: 'replace' }));
const problem = (code: ErrorCode) => ({ problem: { code, message: 'no', hint: null, retry: 'needs-human' } as const });
const ID = 'i-b' as InstanceId;

/** Members: what is recorded of one, beside others that are as they are. */
const MEMBERS = {
  ready: { live: live(target), next: next(target, { state: 'ready', instance: ID }) },
  'a change of policy': {
    live: live(target),
    next: next(target, { state: 'ready', instance: 'i-live' as InstanceId }),
  },
  removing: { live: live(target), next: next(null, { state: 'removing', removes: true }) },
  building: { next: next(target, { state: 'building' }) },
  verifying: { next: next(target, { state: 'verifying', instance: ID }) },
  quarantined: { next: next(target, { state: 'quarantined', ...problem('health-timeout') }) },
  braked: { live: live(target), next: next(null, { state: 'held', removes: true, brake: '12' }) },
  'held for others': { next: next(target, { state: 'held', instance: ID, ...problem('release-blocked') }) },
  'to run alone': { live: live(target), next: next(alone) },
  'to run alone, suspended': { live: live(target, { suspended: true }), next: next(alone) },
} satisfies Record<string, { readonly live?: RecordedDeployment['live']; readonly next: NextState }>;
type Member = keyof typeof MEMBERS;

const release = (state: RecordedRelease['state']): RecordedRelease => ({
  ...{ id: 'r1', env: PROD, state, removalHash: null, cause: commitCause(), since: AT },
});

/** A release of these members; its instances run unless it is said otherwise. */
function recordedOf(
  state: RecordedRelease['state'],
  members: readonly Member[],
  ...others: readonly Change[]
): Recorded {
  const all = members.map((name, n) => {
    const member = MEMBERS[name];
    return deployment({ app: `/m${n}`, ...member, next: { ...member.next, release: 'r1' } });
  });
  const built = [put('artifact', artifact(target)), put('artifact', artifact(alone))];
  return recordedWith(
    put('release', release(state)),
    ...rows(...all),
    put('instance', instance({ id: ID })),
    ...built,
    ...others,
  );
}

/** The state of a release, its members, and what it does next. */
for (const [state, members, expected] of [
  ['moving', [], 'wait'],
  ['moving', ['ready', 'ready'], 'switch'],
  ['moving', ['ready', 'removing'], 'switch'],
  ['moving', ['removing', 'removing'], 'switch'],
  ['moving', ['a change of policy', 'ready'], 'switch'],
  ['moving', ['ready'], 'switch'],
  ['forming', ['ready', 'ready'], 'wait'],
  ['forming', ['ready', 'quarantined'], 'wait'],
  ['moving', ['ready', 'building'], 'wait'],
  ['moving', ['removing', 'verifying'], 'wait'],
  ['moving', ['ready', 'quarantined'], 'hold'],
  ['moving', ['building', 'quarantined'], 'hold'],
  ['moving', ['quarantined', 'quarantined'], 'hold'],
  ['moving', ['ready', 'braked'], 'hold'],
  ['held', ['held for others', 'quarantined'], 'wait'],
  ['held', ['building', 'quarantined'], 'wait'],
  ['held', ['ready', 'quarantined'], 'hold'],
  ['held', ['removing', 'braked'], 'hold'],
  ['held', ['held for others', 'building'], 'resume'],
  ['held', ['held for others', 'ready'], 'resume'],
  ['held', ['ready', 'ready'], 'resume'],
  ['moving', ['held for others', 'ready'], 'resume'],
  ['moving', ['to run alone', 'ready'], 'suspend'],
  ['moving', ['to run alone', 'to run alone'], 'suspend'],
  ['moving', ['to run alone', 'building'], 'wait'],
  ['moving', ['to run alone', 'quarantined'], 'hold'],
  ['held', ['to run alone', 'quarantined'], 'hold'],
  ['moving', ['to run alone, suspended', 'ready'], 'wait'],
] as const) {
  test(`a release that is ${state}, of ${members.join(' and ') || 'nobody'}: ${expected}`, () => {
    assert.equal(nextOfRelease(release(state), recordedOf(state, members)).do, expected);
  });
}

/** What keeps a release from switching although all are ready, and from stopping what is live for those that run alone. */
for (const [name, members, edit] of [
  ['an instance that died since', ['ready', 'removing'], put('instance', instance({ id: ID, state: 'starting' }))],
  [
    'an artifact that is not built yet',
    ['to run alone', 'ready'],
    put('artifact', artifact(alone, { state: 'building' })),
  ],
] as const) {
  test(`a release waits for ${name}`, () => {
    assert.equal(nextOfRelease(release('moving'), recordedOf('moving', members, edit)).do, 'wait');
  });
}

test('a member that is ready is left to its release, one whose instance died is verified again first', () => {
  const dead: Partial<RecordedInstance> = { state: 'starting' };
  for (const [edit, expected] of [
    [{}, 'wait'],
    [dead, 'verify'],
  ] as const) {
    const recorded = recordedOf('moving', ['ready', 'ready'], put('instance', instance({ id: ID, ...edit })));
    const [row] = recorded.membersOf('r1');
    assert.ok(row !== undefined);
    assert.equal(nextOfDeployment(row, recorded, AT).do, expected);
  }
});

test('whatever the members do, the tally is as if it were counted anew', () => {
  const recorded = recordedOf('moving', ['ready', 'building', 'quarantined', 'removing']);
  assert.deepEqual(recorded.tallyOf('r1'), { ready: 2, stuck: 1, held: 0, alone: 0, going: 1 });
  for (const row of recorded.membersOf('r1'))
    for (const name of Object.keys(MEMBERS) as Member[]) {
      const { next: to, ...rest } = MEMBERS[name];
      recorded.apply(put('deployment', { ...row, ...rest, next: { ...to, release: 'r1' } }));
    }
  assert.deepEqual(recorded.tallyOf('r1'), { ready: 0, stuck: 0, held: 0, alone: 0, going: 4 });
  for (const row of recorded.membersOf('r1')) recorded.apply({ drop: 'deployment', row });
  assert.deepEqual([recorded.tallyOf('r1').going, recorded.membersOf('r1')], [0, []]);
});
