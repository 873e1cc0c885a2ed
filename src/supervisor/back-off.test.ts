import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeBackOff } from './back-off.ts';

test('the first end is followed by a start at once, the next ones by waits that double up to five seconds', () => {
  const backOff = makeBackOff();
  const waits = Array.from({ length: 10 }, () => {
    backOff.started(0);
    return backOff.ended(10);
  });
  assert.deepEqual(waits, [0, 50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  assert.equal(backOff.isCrashLoop(), true);
});

test('half a minute of running makes it forget', () => {
  const backOff = makeBackOff();
  for (let at = 0; at < 6; at += 1) backOff.ended(10);
  backOff.started(0);
  assert.deepEqual([backOff.ended(30_000), backOff.isCrashLoop()], [0, false]);
});
