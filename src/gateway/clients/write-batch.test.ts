import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { WriteBatch } from './write-batch.ts';

function holders(count: number, released: number[]) {
  return Array.from({ length: count }, (_, at) => ({ release: () => void released.push(at) }));
}

test('what is held is let go in its order when the turn ends', async () => {
  const writes = new WriteBatch();
  const released: number[] = [];
  for (const holder of holders(3, released)) writes.add(holder);
  assert.deepEqual(released, []);
  await turn();
  assert.deepEqual(released, [0, 1, 2]);
});

test('where many are held, the first do not wait for the last', async () => {
  const writes = new WriteBatch();
  const released: number[] = [];
  for (const holder of holders(200, released)) writes.add(holder);
  assert.ok(released.length > 0 && released.length < 200);
  await turn();
  assert.deepEqual(
    released,
    Array.from({ length: 200 }, (_, at) => at),
  );
});

test('who is added while others are let go has its turn too', async () => {
  const writes = new WriteBatch();
  const released: string[] = [];
  const second = { release: () => void released.push('second') };
  writes.add({
    release: () => {
      released.push('first');
      writes.add(second);
    },
  });
  await turn();
  await turn();
  assert.deepEqual(released, ['first', 'second']);
});
