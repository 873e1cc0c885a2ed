import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId } from '../../model/ids.ts';
import { InFlight } from './in-flight.ts';

const A = 'a' as InstanceId;
const B = 'b' as InstanceId;

test('only watched instances are reported, until they were reported at zero', () => {
  let now = 100;
  let changes = 0;
  const inFlight = new InFlight(
    () => now,
    () => (changes += 1),
  );
  const [one, two] = [inFlight.enter(A), inFlight.enter(A)];
  inFlight.enter(B);
  assert.deepEqual([inFlight.report(), changes, inFlight.total], [{ inFlight: {}, idleMs: {} }, 0, 3]);
  inFlight.watch(A);
  assert.deepEqual(inFlight.report(), { inFlight: { a: 2 }, idleMs: { a: 0 } });
  now = 200;
  inFlight.leave(one, { countsAsUse: true });
  assert.deepEqual([inFlight.report(), changes], [{ inFlight: { a: 1 }, idleMs: { a: 0 } }, 1]);
  now = 250;
  inFlight.leave(two, { countsAsUse: false });
  assert.deepEqual(inFlight.report(), { inFlight: { a: 0 }, idleMs: { a: 50 } });
  assert.deepEqual(inFlight.report(), { inFlight: {}, idleMs: {} });
});

test('an instance that nobody ever used has been idle for no longer than anybody counts', () => {
  let now = 1_000;
  const inFlight = new InFlight(
    () => now,
    () => {},
  );
  now = 1_700;
  inFlight.leave(inFlight.enter(A), { countsAsUse: false });
  assert.deepEqual(inFlight.reportOf([A, B]), { inFlight: { a: 0, b: 0 }, idleMs: { a: 700, b: 700 } });
});
