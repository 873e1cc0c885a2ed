import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { AppId, EnvName } from '../../model/ids.ts';
import { AppQueue, type Share } from './app-queue.ts';

const ROW = { env: 'prod' as EnvName, app: '/a' as AppId };

/** A queue, and who got a share of it or was refused, in order. */
function queueOf(t: TestContext, waitMs = 10_000) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const queue = new AppQueue(waitMs);
  const heard: string[] = [];
  const shares = new Map<string, Share>();
  const enter = (name: string, limits: { requests: number; queue?: number } = { requests: 1 }, row = ROW) =>
    queue.enter({
      row,
      limits,
      onShare: (share) => {
        heard.push(name);
        shares.set(name, share);
      },
      onRefused: () => heard.push(`${name} refused`),
    });
  return { queue, heard, enter, release: (name: string) => shares.get(name)?.release() };
}

test('beyond the limit everybody waits, and comes in the order of coming', (t) => {
  const { heard, enter, release } = queueOf(t);
  for (const name of ['a', 'b', 'c']) enter(name);
  assert.deepEqual(heard, ['a']);
  release('a');
  release('a');
  assert.deepEqual(heard, ['a', 'b']);
  enter('d');
  release('b');
  assert.deepEqual(heard, ['a', 'b', 'c']);
});

test('who finds the queue full is refused, and a queue of none refuses at once', (t) => {
  const { heard, enter } = queueOf(t);
  for (const name of ['a', 'b', 'c']) enter(name, { requests: 1, queue: 1 });
  enter('d', { requests: 1, queue: 0 });
  assert.deepEqual(heard, ['a', 'c refused', 'd refused']);
});

test('who waits too long is refused, and its place is free again', (t) => {
  const { queue, heard, enter } = queueOf(t, 500);
  for (const name of ['a', 'b']) enter(name, { requests: 1, queue: 1 });
  t.mock.timers.tick(499);
  assert.deepEqual([heard, queue.size], [['a'], 1]);
  t.mock.timers.tick(1);
  assert.deepEqual([heard, queue.size], [['a', 'b refused'], 0]);
});

test('who leaves is not called any more', (t) => {
  const { heard, enter, release } = queueOf(t);
  enter('a');
  const leave = enter('b');
  enter('c');
  leave();
  leave();
  release('a');
  assert.deepEqual(heard, ['a', 'c']);
});

test('apps and environments are counted apart', (t) => {
  const { heard, enter } = queueOf(t);
  enter('a');
  enter('other app', { requests: 1 }, { ...ROW, app: '/b' as AppId });
  enter('other environment', { requests: 1 }, { ...ROW, env: 'stage' as EnvName });
  assert.deepEqual(heard, ['a', 'other app', 'other environment']);
});

test('a closed queue refuses who waits and who comes to wait, not who has room', (t) => {
  const { queue, heard, enter, release } = queueOf(t);
  for (const name of ['a', 'b']) enter(name);
  queue.close();
  enter('c');
  release('a');
  enter('d');
  assert.deepEqual(heard, ['a', 'b refused', 'c refused', 'd']);
});

test('a higher limit lets in as many as it has room for', (t) => {
  const { heard, enter, release } = queueOf(t);
  enter('a');
  for (const name of ['b', 'c', 'd']) enter(name, { requests: 2 });
  release('a');
  assert.deepEqual(heard, ['a', 'b', 'c']);
});

test('never more than the limit are in, nobody waits while there is room, and each hears exactly one answer', () => {
  const step = fc.oneof(
    fc.constant({ kind: 'enter' } as const),
    fc.record({ kind: fc.constantFrom('release', 'leave'), which: fc.nat(30) }),
  );
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      fc.nat(5),
      (steps, requests, most) => {
        const queue = new AppQueue(60_000);
        const guests: { share?: Share; answers: number; leave: () => void }[] = [];
        let inFlight = 0;
        for (const one of steps) {
          if (one.kind === 'enter') {
            const guest: (typeof guests)[number] = { answers: 0, leave: () => {} };
            guests.push(guest);
            guest.leave = queue.enter({
              row: ROW,
              limits: { requests, queue: most },
              onShare: (share) => {
                guest.answers += 1;
                guest.share = share;
                inFlight += 1;
              },
              onRefused: () => {
                guest.answers += 1;
              },
            });
          } else {
            const guest = guests[one.which];
            if (one.kind === 'leave') guest?.leave();
            else if (guest?.share !== undefined) {
              inFlight -= 1;
              guest.share.release();
              delete guest.share;
            }
          }
          assert.ok(inFlight <= requests && queue.size <= most);
          assert.ok(queue.size === 0 || inFlight === requests);
          assert.ok(guests.every(({ answers }) => answers <= 1));
        }
        queue.close();
        assert.equal(queue.size, 0);
      },
    ),
  );
});
