import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimClock } from '../../../test/simulation/sim-clock.ts';
import type { Wait } from '../progress.ts';
import { Slots } from './slots.ts';

interface Work {
  readonly do: string;
}

/** Slots whose steps are told by the test. `due` says what is next; what was performed and what failed is kept. */
class Bench {
  readonly clock = new SimClock(0);
  readonly done: string[] = [];
  readonly errors: string[] = [];
  due: (key: string) => Work | Wait = () => waitFor(null);
  perform: (step: Work, signal: AbortSignal, key: string) => Promise<void> = async () => {};
  readonly slots = new Slots<Work>(
    {
      name: 'bench',
      next: (key) => this.due(key),
      perform: async (key, step, signal) => {
        this.done.push(`${this.clock.now()} ${key} ${step.do}`);
        await this.perform(step, signal, key);
      },
    },
    { clock: this.clock, onError: (slot, error) => this.errors.push(`${slot}: ${(error as Error).message}`) },
  );

  /** Each key does these steps in order, then waits for ever. */
  does(...steps: readonly (Work | Wait)[]): void {
    let index = 0;
    this.due = () => steps[index] ?? waitFor(null);
    this.perform = async () => {
      index += 1;
    };
  }
}

const waitFor = (until: number | null): Wait => ({ do: 'wait', until });
const step = (name: string): Work => ({ do: name });

test('steps of one key run one after the other, until there is nothing to do', async () => {
  const bench = new Bench();
  bench.does(step('a'), step('b'));
  bench.slots.wake('k');
  await bench.clock.advance(0);
  assert.deepEqual(bench.done, ['0 k a', '0 k b']);
});

test('a key that nothing is due for costs nothing, and can be woken later', async () => {
  const bench = new Bench();
  bench.slots.wake('k');
  await bench.clock.advance(1_000);
  bench.does(step('a'));
  bench.slots.wake('k');
  await bench.clock.advance(0);
  assert.deepEqual(bench.done, ['1000 k a']);
});

test('a key waits until its time, and not longer', async () => {
  const bench = new Bench();
  bench.due = () => (bench.clock.now() < 500 ? waitFor(500) : bench.done.length === 0 ? step('a') : waitFor(null));
  bench.slots.wake('k');
  await bench.clock.advance(2_000);
  assert.deepEqual(bench.done, ['500 k a']);
});

test('a wake during a wait looks again at once', async () => {
  const bench = new Bench();
  bench.due = () => waitFor(10_000);
  bench.slots.wake('k');
  await bench.clock.advance(100);
  bench.does(step('a'));
  bench.slots.wake('k');
  await bench.clock.advance(0);
  assert.deepEqual(bench.done, ['100 k a']);
});

test('a wake during a step that is still due leaves it alone', async () => {
  const bench = new Bench();
  const gate = Promise.withResolvers<void>();
  let aborted = false;
  bench.due = () => (bench.done.length === 0 || !gated ? step('a') : waitFor(null));
  let gated = false;
  bench.perform = async (_, signal) => {
    signal.addEventListener('abort', () => {
      aborted = true;
    });
    await gate.promise;
    gated = true;
  };
  bench.slots.wake('k');
  await bench.clock.advance(0);
  bench.slots.wake('k');
  gate.resolve();
  await bench.clock.advance(0);
  assert.deepEqual([aborted, bench.done, bench.errors], [false, ['0 k a'], []]);
});

test('a step that is superseded is aborted, what is due instead follows at once, and nobody calls it an error', async () => {
  const bench = new Bench();
  bench.due = () => step('old');
  bench.perform = (_, signal) => bench.clock.sleep(60_000, signal);
  bench.slots.wake('k');
  await bench.clock.advance(100);
  bench.does(step('new'));
  bench.slots.wake('k');
  await bench.clock.advance(0);
  assert.deepEqual([bench.done, bench.errors], [['0 k old', '100 k new'], []]);
});

test('keys do not wait for each other', async () => {
  const bench = new Bench();
  bench.due = () => step('a');
  bench.perform = (_, signal, key) =>
    key === 'stuck' ? bench.clock.sleep(1e9, signal) : bench.clock.sleep(1_000, signal);
  bench.slots.wake('stuck');
  bench.slots.wake('other');
  await bench.clock.advance(2_500);
  assert.deepEqual(bench.done, ['0 stuck a', '0 other a', '1000 other a', '2000 other a']);
});

test('a step that fails is tried again with growing pauses, a minute at most', async () => {
  const bench = new Bench();
  bench.due = () => step('a');
  bench.perform = () => Promise.reject(new Error('no'));
  bench.slots.wake('k');
  await bench.clock.advance(200_000);
  assert.deepEqual(
    bench.done.map((line) => Number.parseInt(line, 10)),
    [0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000],
  );
  assert.equal(bench.errors[0], 'bench k: no');
});

test('a step that throws before its promise is a failure like any other', async () => {
  const bench = new Bench();
  bench.due = () => (bench.done.length < 2 ? step('a') : waitFor(null));
  bench.perform = () => {
    throw new Error('at once');
  };
  bench.slots.wake('k');
  await bench.clock.advance(5_000);
  assert.deepEqual([bench.done, bench.errors.length], [['0 k a', '1000 k a'], 2]);
});

test('a success in between makes the pauses short again', async () => {
  const bench = new Bench();
  let calls = 0;
  bench.due = () => step('a');
  bench.perform = async () => {
    calls += 1;
    if (calls === 3) await bench.clock.sleep(0);
    else throw new Error('no');
  };
  bench.slots.wake('k');
  await bench.clock.advance(4_500);
  assert.deepEqual(
    bench.done.map((line) => Number.parseInt(line, 10)),
    [0, 1_000, 3_000, 3_000, 4_000],
  );
});

test('after a failure, a wake does not hurry the same step', async () => {
  const bench = new Bench();
  bench.due = () => step('a');
  bench.perform = () => Promise.reject(new Error('no'));
  bench.slots.wake('k');
  await bench.clock.advance(500);
  bench.slots.wake('k');
  await bench.clock.advance(400);
  assert.deepEqual(bench.done, ['0 k a']);
});

test('after a failure, another step that is due by now does not wait for the pause to end', async () => {
  const bench = new Bench();
  bench.due = () => step('a');
  bench.perform = () => Promise.reject(new Error('no'));
  bench.slots.wake('k');
  await bench.clock.advance(500);
  bench.does(step('b'));
  bench.slots.wake('k');
  await bench.clock.advance(0);
  assert.deepEqual(bench.done, ['0 k a', '500 k b']);
});

test('stopping aborts what runs, ends what waits, waits for both, and starts nothing new', async () => {
  const bench = new Bench();
  bench.due = (key) => (key === 'waits' ? waitFor(1e9) : step('a'));
  let ended = false;
  bench.perform = (_, signal) =>
    bench.clock.sleep(1e9, signal).finally(() => {
      ended = true;
    });
  bench.slots.wake('waits');
  bench.slots.wake('runs');
  await bench.clock.advance(0);
  await bench.slots.stop();
  bench.slots.wake('later');
  await bench.clock.advance(0);
  assert.deepEqual([ended, bench.done, bench.errors], [true, ['0 runs a'], []]);
});

test('what can not even be looked at is an error of its own key, and may be woken again', async () => {
  const bench = new Bench();
  bench.due = () => waitFor(100);
  bench.slots.wake('k');
  await bench.clock.advance(0);
  bench.due = () => {
    throw new Error('no row fits');
  };
  await bench.clock.advance(100);
  assert.deepEqual(bench.errors, ['bench k: no row fits']);
  bench.does(step('a'));
  bench.slots.wake('k');
  await bench.clock.advance(0);
  assert.deepEqual(bench.done, ['100 k a']);
});
