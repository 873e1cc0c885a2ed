import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextConcurrency, sideBySide } from './side-by-side.ts';

for (const [name, now, expected] of [
  ['as many as cores where none is idle', { cores: 2, running: 2, idleCores: 0 }, 2],
  ['one more where one is idle', { cores: 2, running: 2, idleCores: 1 }, 3],
  ['as many as run where little is idle', { cores: 2, running: 4, idleCores: 0.2 }, 4],
  ['one more than run, not than were allowed', { cores: 4, running: 1, idleCores: 3 }, 4],
  ['no more beyond a bound', { cores: 2, running: 6, idleCores: 2 }, 6],
  ['none new while more than cores run and none is idle', { cores: 2, running: 5, idleCores: 0 }, 2],
] as const) {
  test(`test files side by side: ${name}`, () => {
    assert.equal(nextConcurrency(now), expected);
  });
}

test('results come in the order of the work', async () => {
  const slowFirst = [30, 0, 10].map((ms) => () => new Promise<number>((done) => setTimeout(done, ms, ms)));
  assert.deepEqual(await sideBySide(slowFirst), [30, 0, 10]);
});
