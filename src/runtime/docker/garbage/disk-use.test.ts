import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskUse } from './disk-use.ts';

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
