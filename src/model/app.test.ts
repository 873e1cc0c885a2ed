import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type IdlePolicy, idleOf } from './app.ts';

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
    assert.deepEqual(
      (['prod', 'stage', 'preview'] as const).map((kind) => idleOf(kind, declared, there)),
      [prod, others, others],
    );
  });
}
