import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appDeclaration, targetOf, unstagedApp } from '../../test/support/declarations.ts';
import { AT, artifact, deployment, instance, live, next, recordedWith, rows } from '../../test/support/recorded.ts';
import type { Problem } from '../model/errors.ts';
import { type AppId, type InstanceId, PROD, STAGE } from '../model/ids.ts';
import type {
  NextState,
  RecordedArtifact,
  RecordedDeployment,
  RecordedInstance,
  RetainedData,
} from '../model/recorded.ts';
import { type Change, put } from '../store/changes.ts';
import { dataNameOf } from './accept.ts';
import { neverHealthy, nextOfArtifact, nextOfDeployment, nextOfRetained } from './progress.ts';
import { nextOfInstance } from './progress-of-instance.ts';
import { backoffMs } from './transitions.ts';

const target = targetOf(unstagedApp());
const unverified = targetOf(unstagedApp({ verify: false }));
const staged = targetOf(appDeclaration());
const alone = targetOf(unstagedApp({ strategy: 'replace' }));
const id = 'i-next' as InstanceId;
const problem: Problem = { code: 'build-failed', message: 'no', hint: null, retry: 'needs-human' };
const passing: Problem = { code: 'instance-exited', message: 'exit 1', hint: null, retry: 'after-interval' };
const forever = { do: 'wait', until: null } as const;
const onItsWay = (state: NextState['state'], edit: Partial<NextState> = {}) =>
  next(target, { state, instance: id, ...edit });
const running = put('instance', instance({ id }));
const starting = (edit: Partial<RecordedInstance> = {}) =>
  put('instance', instance({ id, state: 'starting', ...edit }));
/** How it stands in stage. */
const inStage = (edit: Partial<RecordedDeployment>) =>
  put('deployment', deployment({ env: STAGE, dataName: 'stage/a', ...edit }));
const notInStage: Problem = {
  code: 'stage-failed',
  message: 'not promoted: in stage it is quarantined (no)',
  hint: 'Push a fix, or revert the change.',
  retry: 'needs-human',
};
const removingData = put('retained', {
  dataName: dataNameOf(PROD, '/a' as AppId),
  env: PROD,
  app: '/a' as AppId,
  engine: 'process',
  until: AT,
  state: 'removing',
});

/** Each state of what is next, with what else is recorded, and the step that is due. */
for (const [name, nextState, others, expected] of [
  ['nothing on its way: nothing to do', null, [], forever],
  ['held: a change in git is waited for', next(target, { state: 'held' }), [], forever],
  ['quarantined: nothing, until what is wanted differs', next(target, { state: 'quarantined' }), [], forever],
  ['blocked: nothing', next(null), [], forever],
  ['wanted: its artifact is required', next(target), [], { do: 'require' }],
  ['wanted, built by another before: an instance begins', next(target), [put('artifact', artifact())], { do: 'begin' }],
  [
    'wanted, being built for another: that build is joined',
    next(target),
    [put('artifact', artifact(target, { state: 'building' }))],
    { do: 'require' },
  ],
  [
    'building: the build is waited for',
    next(target, { state: 'building' }),
    [put('artifact', artifact(target, { state: 'building' }))],
    forever,
  ],
  [
    'building, while the artifact is being collected: it is built anew after',
    next(target, { state: 'building' }),
    [put('artifact', artifact(target, { state: 'removing' }))],
    forever,
  ],
  [
    'the build failed: quarantine',
    next(target, { state: 'building' }),
    [put('artifact', artifact(target, { state: 'failed', problem }))],
    { do: 'quarantine', problem },
  ],
  [
    'wanted, while old data of that name is being removed: it must not find half of it',
    next(target),
    [put('artifact', artifact()), removingData],
    forever,
  ],
  [
    'told to wait: until then',
    next(target, { retryAt: AT + 5 }),
    [put('artifact', artifact())],
    { do: 'wait', until: AT + 5 },
  ],
  ['the time to wait is over: on', next(target, { retryAt: AT }), [put('artifact', artifact())], { do: 'begin' }],
  ['starting without an instance row: one begins', onItsWay('starting'), [], { do: 'begin' }],
  ['starting: waited for', onItsWay('starting'), [starting()], forever],
  ['started: verification begins', onItsWay('starting'), [running], { do: 'verify' }],
  [
    'started, verified by nothing: verification begins all the same, and has its deadline',
    next(unverified, { state: 'starting', instance: id }),
    [running],
    { do: 'verify' },
  ],
  [
    'verified by nothing: ready',
    next(unverified, { state: 'verifying', instance: id, deadline: AT + 9 }),
    [running],
    { do: 'ready' },
  ],
  ['verifying: asked', onItsWay('verifying', { deadline: AT + 9 }), [running], { do: 'probe' }],
  [
    'verifying past the deadline: asked once more, so that a slow look is not taken for a sick app',
    onItsWay('verifying', { deadline: AT - 1 }),
    [running],
    { do: 'probe' },
  ],
  ['verifying after a change of policy: the deadline is set anew', onItsWay('verifying'), [running], { do: 'verify' }],
  [
    'it died while it was verified: it is started again, until the deadline',
    onItsWay('verifying', { deadline: AT + 9 }),
    [starting({ problem: passing })],
    { do: 'wait', until: AT + 9 },
  ],
  [
    'it died and the deadline is over: quarantine, for the reason it died of',
    onItsWay('verifying', { deadline: AT }),
    [starting({ problem: passing })],
    { do: 'quarantine', problem: passing },
  ],
  [
    'it can not be started until a person changes something: quarantine at once',
    onItsWay('starting'),
    [starting({ problem })],
    { do: 'quarantine', problem },
  ],
  [
    'built, while its stage does not run the same yet: waited for',
    next(staged),
    [put('artifact', artifact()), inStage({ next: next(target) })],
    forever,
  ],
  [
    'built, and its stage runs the same: an instance begins',
    next(staged),
    [put('artifact', artifact()), inStage({ live: live(target) })],
    { do: 'begin' },
  ],
  [
    'built, and it failed in stage: not promoted',
    next(staged),
    [put('artifact', artifact()), inStage({ next: next(target, { state: 'quarantined', reason: 'no' }) })],
    { do: 'hold', problem: notInStage },
  ],
  [
    'not promoted, and its stage is as it was: waited for',
    next(staged, { state: 'held', problem: notInStage }),
    [put('artifact', artifact()), inStage({ next: next(target, { state: 'quarantined', reason: 'no' }) })],
    forever,
  ],
  [
    'not promoted, and its stage is mended: it goes on',
    next(staged, { state: 'held', problem: notInStage }),
    [put('artifact', artifact()), inStage({ live: live(target) })],
    { do: 'resume' },
  ],
  [
    'to run alone, with nothing live: an instance begins',
    next(alone),
    [put('artifact', artifact(alone))],
    { do: 'begin' },
  ],
  ['ready: the switch', onItsWay('ready', { deadline: AT + 9 }), [running], { do: 'switch' }],
  [
    'ready, but it died meanwhile: verified again',
    onItsWay('ready', { deadline: AT + 9 }),
    [starting()],
    { do: 'verify' },
  ],
  ['ready, in a release: that switches it', onItsWay('ready', { deadline: AT + 9, release: 'r1' }), [running], forever],
  ['removing, in a release: that lets it go', next(null, { state: 'removing', release: 'r1' }), [], forever],
  ['removing, instances still there: waited for', next(null, { state: 'removing' }), [running], forever],
  ['removing, nothing left: retired', next(null, { state: 'removing' }), [], { do: 'retire' }],
] satisfies readonly (readonly [string, NextState | null, Change[], object])[]) {
  test(`a deployment that is ${name}`, () => {
    const row = deployment({ next: nextState });
    assert.deepEqual(nextOfDeployment(row, recordedWith(...rows(row), ...others), AT), expected);
  });
}

test('a deployment that is live and to be removed loses its route first', () => {
  const row = deployment({ live: live(target), next: next(null, { state: 'removing' }) });
  assert.deepEqual(nextOfDeployment(row, recordedWith(...rows(row)), AT), { do: 'unroute' });
});

/** `strategy = "replace"` of something live: what is live is, what else is recorded, and what is due. */
for (const [name, suspended, state, release, expected] of [
  ['serves, and stops for it', false, 'running', null, { do: 'suspend' }],
  ['serves, and its release sees to it', false, 'running', 'r1', forever],
  ['is being stopped', true, 'draining', null, forever],
  ['is stopped', true, 'stopped', null, { do: 'begin' }],
] as const) {
  test(`a deployment that is to run alone, where what is live ${name}: ${expected.do}`, () => {
    const row = deployment({ live: live(target, { suspended }), next: next(alone, { release }) });
    const others = [put('artifact', artifact(alone)), put('instance', instance({ state }))];
    assert.deepEqual(nextOfDeployment(row, recordedWith(...rows(row), ...others), AT), expected);
  });
}

test('an app that died before it could say why is told which path was asked, for what and for how long', () => {
  const { code, message } = neverHealthy(next(target), 'connection refused');
  assert.deepEqual([code, message], ['health-timeout', 'health /: not 200 within 60s (last: connection refused)']);
});

const wanted = rows(deployment({ next: onItsWay('starting') }));
const built = put('artifact', artifact());

for (const [name, edit, others, expected] of [
  ['wanted, to be started', { state: 'starting' }, [...wanted, built], { do: 'start' }],
  [
    'wanted by what is live',
    { state: 'starting' },
    [...rows(deployment({ live: live(target, { instance: id }) })), built],
    { do: 'start' },
  ],
  ['wanted, in a pause', { state: 'starting', retryAt: AT + 3 }, [...wanted, built], { do: 'wait', until: AT + 3 }],
  ['wanted, its pause over', { state: 'starting', retryAt: AT }, [...wanted, built], { do: 'start' }],
  ['wanted, without its artifact', { state: 'starting' }, wanted, forever],
  [
    'wanted, its artifact being made anew',
    { state: 'starting' },
    [...wanted, put('artifact', artifact(target, { state: 'building' }))],
    forever,
  ],
  ['wanted, for a person to mend', { state: 'starting', problem }, [...wanted, built], forever],
  ['not wanted any more, not started yet', { state: 'starting' }, [built], { do: 'retire' }],
  ['wanted and running', {}, wanted, forever],
  ['running and not wanted any more', {}, rows(deployment({ live: live(target) })), { do: 'retire' }],
  ['draining', { state: 'draining', drainUntil: AT + 9 }, wanted, { do: 'drain' }],
  ['stopping, wanted or not', { state: 'stopping' }, wanted, { do: 'stop' }],
  [
    'stopped for its replacement, which can be started now',
    { state: 'stopped' },
    [
      put('artifact', artifact(alone)),
      ...rows(deployment({ live: live(target, { instance: id, suspended: true }), next: next(alone) })),
    ],
    forever,
  ],
  [
    'stopped for its replacement, in whose place another one came that is not built yet',
    { state: 'stopped' },
    rows(deployment({ live: live(target, { instance: id, suspended: true }), next: next(alone) })),
    { do: 'revive' },
  ],
  [
    'stopped for its replacement, which failed and is being stopped',
    { state: 'stopped' },
    [
      put('instance', instance({ id: 'i-failed', state: 'stopping' })),
      ...rows(
        deployment({
          live: live(target, { instance: id, suspended: true }),
          next: next(alone, { state: 'quarantined' }),
        }),
      ),
    ],
    forever,
  ],
  [
    'stopped for its replacement, which failed',
    { state: 'stopped' },
    rows(
      deployment({
        live: live(target, { instance: id, suspended: true }),
        next: next(alone, { state: 'quarantined' }),
      }),
    ),
    { do: 'revive' },
  ],
  ['stopped and of no use any more', { state: 'stopped' }, [], { do: 'discard' }],
  ['removing', { state: 'removing' }, [], { do: 'remove' }],
] satisfies readonly (readonly [string, Partial<RecordedInstance>, Change[], object])[]) {
  test(`an instance that is ${name}: ${expected.do}`, () => {
    const row = instance({ id, ...edit });
    assert.deepEqual(nextOfInstance(row, recordedWith(put('instance', row), ...others), AT), expected);
  });
}

const retainMs = 1_000;

for (const [name, edit, others, expected] of [
  ['to be built and wanted', { state: 'building' }, wanted, { do: 'build' }],
  ['to be built, in a pause', { state: 'building', retryAt: AT + 3 }, wanted, { do: 'wait', until: AT + 3 }],
  ['to be built for nobody', { state: 'building' }, [], { do: 'abandon' }],
  ['built and wanted', {}, wanted, forever],
  [
    'built and used by an instance that is still draining',
    {},
    [put('instance', instance({ state: 'draining' }))],
    forever,
  ],
  ['built and not used since a moment', {}, [], { do: 'wait', until: AT + retainMs }],
  ['built and not used for its time of retention', { usedAt: AT - retainMs }, [], { do: 'abandon' }],
  [
    'built, not used any more and kept for going back',
    { usedAt: AT - retainMs },
    rows(deployment({ kept: [target.artifact] })),
    forever,
  ],
  ['failed and still asked for', { state: 'failed' }, wanted, forever],
  ['failed and not asked for any more', { state: 'failed', usedAt: AT - retainMs }, [], { do: 'abandon' }],
  ['being removed, although it is wanted again', { state: 'removing' }, wanted, { do: 'collect' }],
] satisfies readonly (readonly [string, Partial<RecordedArtifact>, Change[], object])[]) {
  test(`an artifact that is ${name}: ${expected.do}`, () => {
    const row = artifact(target, edit);
    const recorded = recordedWith(put('artifact', row), ...others);
    assert.deepEqual(nextOfArtifact(row, recorded, AT, retainMs), expected);
  });
}

for (const [name, edit, expected] of [
  ['kept', { until: AT + 1 }, { do: 'wait', until: AT + 1 }],
  ['over its time', { until: AT }, { do: 'expire' }],
  ['being removed', { state: 'removing', until: AT + 1 }, { do: 'purge' }],
] satisfies readonly (readonly [string, Partial<RetainedData>, object])[]) {
  test(`retained data that is ${name}: ${expected.do}`, () => {
    const row = {
      dataName: 'prod/a-1',
      env: PROD,
      app: '/a' as AppId,
      engine: 'process',
      until: AT,
      state: 'kept',
    } as const;
    assert.deepEqual(nextOfRetained({ ...row, ...edit }, AT), expected);
  });
}

for (const [attempts, ms] of [
  [0, 500],
  [1, 500],
  [2, 1_000],
  [3, 2_000],
  [7, 32_000],
  [8, 60_000],
  [1_000_000, 60_000],
] as const) {
  test(`after ${attempts} attempts the pause is ${ms} ms`, () => assert.equal(backoffMs(attempts), ms));
}
