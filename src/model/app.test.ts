import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IdlePolicy, idleOf } from './app.ts';
import type { EngineName } from './revision.ts';

const MINUTE = 60_000;
const stop = (minutes: number, pause: number | null = null): IdlePolicy => ({
  pauseMs: pause === null ? null : pause * MINUTE,
  stopMs: minutes * MINUTE,
});

for (const [name, declared, there, prod, others] of [
  ['undeclared: production never sleeps, the others do', null, undefined, null, stop(15)],
  ['declared: the others sleep no later than after a quarter of an hour', stop(60), undefined, stop(60), stop(15)],
  ['declared shorter: the same everywhere', stop(5), undefined, stop(5), stop(5)],
  ['a pause that would come after the stop is none', stop(60, 20), undefined, stop(60, 20), stop(15)],
  ['a pause before it stays', stop(60, 2), undefined, stop(60, 2), stop(15, 2)],
  ['never: nowhere', false, undefined, false, false],
  ['what is declared there wins', stop(5), stop(120), stop(120), stop(120)],
  ['never there', stop(5), false, false, false],
] as const) {
  test(`idle, ${name}`, () => {
    assert.deepEqual(idleAt('process', declared, there), [prod, others, others]);
  });
}

const pauseOnly = (minutes: number): IdlePolicy => ({ pauseMs: minutes * MINUTE, stopMs: null });

/** Of a container that nothing else is declared of. */
const asleep = (idle: IdlePolicy): IdlePolicy => idle && { ...idle, startsAsleep: true };
const startsAsleep = asleep({ pauseMs: null, stopMs: null });

for (const [name, declared, there, prod, others] of [
  [
    'undeclared: paused and stopped everywhere, outside of production sooner',
    null,
    undefined,
    stop(30, 5),
    stop(15, 5),
  ],
  ['who says when to stop is not paused', stop(60), undefined, stop(60), stop(15)],
  ['who says when to pause is stopped by default', pauseOnly(2), undefined, stop(30, 2), stop(15, 2)],
  ['a pause later than the default stop moves that', pauseOnly(60), undefined, stop(60, 60), stop(15)],
  ['never: nowhere', false, undefined, false, false],
  ['how it starts says nothing of the times', startsAsleep, undefined, asleep(stop(30, 5)), asleep(stop(15, 5))],
] as const) {
  test(`idle of a container, ${name}`, () => {
    assert.deepEqual(idleAt('docker', declared, there), [prod, others, others]);
  });
}

test('idle, how a process starts says nothing of the times: it sleeps in production then', () => {
  assert.deepEqual(idleAt('process', startsAsleep, undefined), [asleep(stop(30)), asleep(stop(15)), asleep(stop(15))]);
});

function idleAt(engine: EngineName, declared: IdlePolicy, there: IdlePolicy | undefined): IdlePolicy[] {
  return (['prod', 'stage', 'preview'] as const).map((kind) => idleOf({ kind, engine }, declared, there));
}
