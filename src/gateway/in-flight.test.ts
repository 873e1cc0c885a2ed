import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId } from '../model/ids.ts';
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
  assert.deepEqual([inFlight.report(), changes, inFlight.total], [{ inFlight: {}, lastUse: {} }, 0, 3]);
  inFlight.watch(A);
  assert.deepEqual(inFlight.report(), { inFlight: { a: 2 }, lastUse: { a: 100 } });
  now = 200;
  inFlight.leave(one);
  assert.deepEqual([inFlight.report(), changes], [{ inFlight: { a: 1 }, lastUse: { a: 200 } }, 1]);
  inFlight.leave(two);
  assert.deepEqual(inFlight.report(), { inFlight: { a: 0 }, lastUse: { a: 200 } });
  assert.deepEqual(inFlight.report(), { inFlight: {}, lastUse: {} });
});

test('an instance that nobody ever used is at zero', () => {
  const inFlight = new InFlight(Date.now, () => {});
  inFlight.watch(B);
  assert.deepEqual(inFlight.report(), { inFlight: { b: 0 }, lastUse: {} });
});
