import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CacheRecord, diskUse, isLeft } from './disk-use.ts';

const clock = { sleep: async () => undefined };
const BUSY = new Error('(HTTP code 500) server error - a disk usage operation is already running ');

/** An engine that answers so, in turn; the last answer goes on. */
function engineOf(answers: readonly (Error | object)[]) {
  const left = [...answers];
  const asked = { count: 0 };
  const df = async () => {
    asked.count += 1;
    const next = left.length > 1 ? left.shift() : left[0];
    if (next instanceof Error) throw next;
    return next;
  };
  return { asked, docker: { df } as unknown as Parameters<typeof diskUse>[0] };
}

test('while somebody else asks for the same, the question waits for its turn', async () => {
  const { asked, docker } = engineOf([BUSY, BUSY, { Images: [] }]);
  assert.deepEqual(await diskUse(docker, clock), { Images: [] });
  assert.equal(asked.count, 3);
});

test('it is not waited for for ever, and any other failure is one at once', async () => {
  await assert.rejects(diskUse(engineOf([BUSY]).docker, clock), /already running/);
  const { asked, docker } = engineOf([new Error('no such host')]);
  await assert.rejects(diskUse(docker, clock), /no such host/);
  assert.equal(asked.count, 1);
});

test('what a build may be at is not left, though nothing is in use between its steps', () => {
  const at = Date.parse('2026-11-27T12:00:00Z');
  const of = (more: Partial<CacheRecord>): CacheRecord => ({
    ...{ ID: 'a', InUse: false, Shared: false, Size: 1, CreatedAt: '2026-11-27T11:00:00Z' },
    ...more,
  });
  assert.equal(isLeft(of({}), at), true);
  assert.equal(isLeft(of({ LastUsedAt: '2026-11-27T11:59:00Z' }), at), true);
  assert.equal(isLeft(of({ LastUsedAt: '2026-11-27T11:59:01Z' }), at), false);
  assert.equal(isLeft(of({ CreatedAt: '2026-11-27T11:59:30Z', LastUsedAt: null }), at), false);
  assert.equal(isLeft(of({ InUse: true }), at), false);
});
