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
  assert.deepEqual([inFlight.report(), changes, inFlight.total], [{ inFlight: {}, streams: {}, idleMs: {} }, 0, 3]);
  inFlight.watch(A);
  assert.deepEqual(inFlight.report(), { inFlight: { a: 2 }, streams: { a: 0 }, idleMs: { a: 0 } });
  now = 200;
  inFlight.leave(one, { countsAsUse: true });
  assert.deepEqual([inFlight.report(), changes], [{ inFlight: { a: 1 }, streams: { a: 0 }, idleMs: { a: 0 } }, 1]);
  now = 250;
  inFlight.leave(two, { countsAsUse: false });
  assert.deepEqual(inFlight.report(), { inFlight: { a: 0 }, streams: { a: 0 }, idleMs: { a: 50 } });
  assert.deepEqual(inFlight.report(), { inFlight: {}, streams: {}, idleMs: {} });
});

test('an instance that nobody ever used has been idle for no longer than anybody counts', () => {
  let now = 1_000;
  const inFlight = new InFlight(
    () => now,
    () => {},
  );
  now = 1_700;
  inFlight.leave(inFlight.enter(A), { countsAsUse: false });
  assert.deepEqual(inFlight.reportOf([A, B]), {
    inFlight: { a: 0, b: 0 },
    streams: { a: 0, b: 0 },
    idleMs: { a: 700, b: 700 },
  });
});

test('that a stream is open is no use, nor that it ends; what is said on it is', () => {
  let now = 0;
  let changes = 0;
  const inFlight = new InFlight(
    () => now,
    () => (changes += 1),
  );
  inFlight.watch(A);
  const use = inFlight.enter(A);
  inFlight.becomeStream(use);
  now = 500;
  assert.deepEqual(inFlight.report(), { inFlight: { a: 1 }, streams: { a: 1 }, idleMs: { a: 500 } });
  assert.deepEqual([inFlight.used(use), changes], [500, 2]);
  now = 600;
  assert.deepEqual(inFlight.reportOf([A]).idleMs, { a: 100 });
  inFlight.leave(use, { countsAsUse: true, isStream: true });
  assert.deepEqual(inFlight.report(), { inFlight: { a: 0 }, streams: { a: 0 }, idleMs: { a: 100 } });
});
