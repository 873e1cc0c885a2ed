import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimClock } from '../../../test/simulation/sim-clock.ts';
import { type Deadline, withDeadline } from './deadline.ts';

const never = () => new Promise<never>(() => {});

/** A limit of a second on a clock that is moved by hand, and the sleeps that nobody ended. */
function limit(edit: Partial<Deadline> = {}): Deadline & { readonly clock: SimClock; readonly sleeping: Set<number> } {
  const clock = new SimClock(0);
  const sleeping = new Set<number>();
  const sleep = clock.sleep.bind(clock);
  clock.sleep = async (ms, signal) => {
    sleeping.add(ms);
    await sleep(ms, signal).finally(() => sleeping.delete(ms));
  };
  const late = { code: 'start-failed', message: 'took too long' } as const;
  return { ms: 1_000, signal: new AbortController().signal, late, ...edit, clock, sleeping };
}

test('what is done in time is the answer, and leaves no timer behind', async () => {
  const deadline = limit();
  assert.equal(await withDeadline(deadline, async () => 7), 7);
  await deadline.clock.advance(0);
  assert.equal(deadline.sleeping.size, 0);
});

test('what fails in time fails with its own error', async () => {
  await assert.rejects(
    withDeadline(limit(), () => Promise.reject(new Error('own'))),
    /own/,
  );
});

test('what throws before it returns a promise is an error like any other, and leaves no timer behind', async () => {
  const deadline = limit();
  const throws = () => {
    throw new Error('at once');
  };
  await assert.rejects(withDeadline(deadline, throws), /at once/);
  await deadline.clock.advance(0);
  assert.equal(deadline.sleeping.size, 0);
});

test('when the time is over its signal aborts, and the error says so', async () => {
  const deadline = limit();
  let aborted = false;
  const result = withDeadline(deadline, async (signal) => {
    await deadline.clock.sleep(5_000, signal).finally(() => {
      aborted = signal.aborted;
    });
  });
  await Promise.all([
    assert.rejects(result, { code: 'start-failed', retry: 'after-interval' }),
    deadline.clock.advance(1_000),
  ]);
  assert.equal(aborted, true);
});

test('what was told to end is waited for: it ends before the error is known', async () => {
  const deadline = limit();
  const order: string[] = [];
  const result = withDeadline(deadline, async (signal) => {
    await deadline.clock.sleep(9_000, signal).catch(() => {});
    await deadline.clock.sleep(2_000);
    order.push('ended');
  }).catch(() => order.push('known'));
  await deadline.clock.advance(10_000);
  await result;
  assert.deepEqual(order, ['ended', 'known']);
});

test('what ignores its signal is left behind after a while', async () => {
  const deadline = limit();
  const result = withDeadline(deadline, never);
  let known = false;
  const rejected = assert.rejects(result, { code: 'start-failed' }).then(() => {
    known = true;
  });
  await deadline.clock.advance(5_999);
  assert.equal(known, false);
  await deadline.clock.advance(1);
  await rejected;
});

test('when the outer signal aborts, its reason is the error', async () => {
  const outer = new AbortController();
  const deadline = limit({ signal: outer.signal });
  const result = withDeadline(deadline, (signal) => deadline.clock.sleep(500, signal));
  outer.abort(new DOMException('superseded', 'AbortError'));
  await assert.rejects(result, /superseded/);
});

test('nothing begins once the outer signal has aborted', async () => {
  let began = false;
  const run = async () => {
    began = true;
  };
  await assert.rejects(withDeadline(limit({ signal: AbortSignal.abort() }), run), { name: 'AbortError' });
  assert.equal(began, false);
});
