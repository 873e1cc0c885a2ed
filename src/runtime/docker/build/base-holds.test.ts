import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaseHolds } from './base-holds.ts';

test('a tag that a build holds is not taken away, until every build has given it up', async () => {
  const holds = new BaseHolds();
  let removed = 0;
  const remove = () =>
    holds.removeUnheld('base', async () => {
      removed += 1;
    });
  await holds.hold('base', async () => undefined);
  await holds.hold('base', async () => undefined);
  await remove();
  holds.release('base');
  await remove();
  assert.equal(removed, 0);
  holds.release('base');
  await remove();
  assert.equal(removed, 1);
});

test('a build that comes while a tag is taken away puts it on again after that', async () => {
  const holds = new BaseHolds();
  const order: string[] = [];
  const gate = Promise.withResolvers<void>();
  const removing = holds.removeUnheld('base', async () => {
    await gate.promise;
    order.push('removed');
  });
  const holding = holds.hold('base', async () => void order.push('put on'));
  gate.resolve();
  await Promise.all([removing, holding]);
  assert.deepEqual(order, ['removed', 'put on']);
});
