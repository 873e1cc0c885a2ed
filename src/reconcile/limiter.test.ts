import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limiter } from './limiter.ts';

const never = new AbortController().signal;

test('at most so many run side by side, the others in the order they came', async () => {
  const limit = limiter(2);
  const gates = [1, 2, 3, 4].map(() => Promise.withResolvers<void>());
  const began: number[] = [];
  const all = gates.map((gate, index) =>
    limit(never, async () => {
      began.push(index);
      await gate.promise;
      return index;
    }),
  );
  await turn();
  assert.deepEqual(began, [0, 1]);
  gates[1]?.resolve();
  await turn();
  assert.deepEqual(began, [0, 1, 2]);
  for (const gate of gates) gate.resolve();
  assert.deepEqual(await Promise.all(all), [0, 1, 2, 3]);
});

test('what fails lets the next one run', async () => {
  const limit = limiter(1);
  await assert.rejects(
    limit(never, () => Promise.reject(new Error('own'))),
    /own/,
  );
  assert.equal(await limit(never, async () => 1), 1);
});

test('what is aborted while it waits for its turn ends at once, and never runs', async () => {
  const limit = limiter(1);
  const gate = Promise.withResolvers<void>();
  const first = limit(never, () => gate.promise);
  const controller = new AbortController();
  let ran = false;
  const second = limit(controller.signal, async () => {
    ran = true;
  });
  controller.abort(new DOMException('superseded', 'AbortError'));
  await assert.rejects(second, /superseded/);
  gate.resolve();
  await first;
  await turn();
  assert.equal(ran, false);
});

test('what runs is not let go of by the limiter when it is aborted: it ends by itself', async () => {
  const limit = limiter(1);
  const gate = Promise.withResolvers<string>();
  const controller = new AbortController();
  const running = limit(controller.signal, () => gate.promise);
  await turn();
  controller.abort();
  gate.resolve('ended in order');
  assert.equal(await running, 'ended in order');
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
