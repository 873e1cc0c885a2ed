import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId } from '../../../model/ids.ts';
import { OwnDoing } from './own-doing.ts';

const id = 'i' as InstanceId;

test('the end of what we stopped is our own doing, the end of what we started is not', () => {
  const doing = new OwnDoing();
  assert.equal(doing.isOwnEnd(id, 5), false);
  doing.expect(id, 'running', 10);
  assert.equal(doing.isOwnEnd(id, 11), false);
  doing.expect(id, 'ended', 20);
  assert.equal(doing.isOwnEnd(id, 21), true);
});

test('an end that is heard of after the next start belongs to the run before', () => {
  const doing = new OwnDoing();
  doing.expect(id, 'ended', 10);
  doing.expect(id, 'running', 20);
  assert.deepEqual([doing.isOwnEnd(id, 15), doing.isOwnEnd(id, 25)], [true, false]);
});
