import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SleepBench } from '../../test/support/sleep-bench.ts';
import { readAudit } from '../audit/log.ts';

type Context = { after(fn: () => void | Promise<void>): void };

const PAUSE_MS = 120_000;
const DAY_MS = 86_400_000;
const TIERS = { idle: { pauseMs: PAUSE_MS, stopMs: DAY_MS } };

/** Apps of which each may sleep, and a machine whose memory a test fills. */
async function machine(t: Context, names: readonly string[], edit: object = TIERS) {
  const memory = { share: 0.5 as number | null };
  const bench = new SleepBench(t, () => ({}), { pauses: true, memory: async () => memory.share });
  await bench.declare(Object.fromEntries(names.map((name) => [name, '1'])), edit);
  await bench.loop.start();
  const reasons = () =>
    [...readAudit(bench.loop.ports.connection)].flatMap(({ kind, app, cause }) =>
      (kind === 'deployment.stopped' || kind === 'deployment.asleep') && cause.kind === 'observation'
        ? [`${kind} ${app}: ${cause.what}`]
        : [],
    );
  return { bench, memory, reasons };
}

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

test('while memory is short the longest idle of those that are paused are stopped, a few at a time', async (t) => {
  const { bench, memory, reasons } = await machine(t, LETTERS);
  for (const name of LETTERS) {
    bench.use(name);
    await bench.loop.pass(1_000);
  }
  await bench.loop.pass(2 * PAUSE_MS);
  assert.deepEqual(bench.paused.toSorted(), LETTERS);
  memory.share = 0.93;
  await bench.loop.pass(5_000);
  assert.deepEqual(bench.paused.toSorted(), ['e', 'f', 'g', 'h']);
  assert.deepEqual(reasons().slice(-4), [
    'deployment.stopped /a: memory is short: 93% of it is in use',
    'deployment.stopped /b: memory is short: 93% of it is in use',
    'deployment.stopped /c: memory is short: 93% of it is in use',
    'deployment.stopped /d: memory is short: 93% of it is in use',
  ]);
  memory.share = 0.9;
  await bench.loop.pass(60_000);
  assert.deepEqual(bench.paused.toSorted(), ['e', 'f', 'g', 'h']);
});

test('with none that is paused, those go to sleep that nobody used for a minute; what is in use stays', async (t) => {
  const { bench, memory, reasons } = await machine(t, ['a', 'b', 'c']);
  bench.inFlight.set('b', 1);
  await bench.loop.pass(70_000);
  bench.use('c');
  memory.share = 0.95;
  await bench.loop.pass(30_000);
  assert.deepEqual(bench.running, ['b 1', 'c 1']);
  assert.deepEqual([bench.state('a').asleep, bench.paused], [true, []]);
  assert.deepEqual(reasons(), [
    'deployment.asleep /a: memory is short: 95% of it is in use',
    'deployment.stopped /a: memory is short: 95% of it is in use',
  ]);
  await bench.wake('a');
  assert.equal(bench.state('a').asleep, false);
});

test('what never sleeps stays, however short memory is, and where it is not known nothing is done', async (t) => {
  const { bench, memory } = await machine(t, ['a'], { idle: false });
  memory.share = 0.99;
  await bench.loop.pass(600_000);
  assert.deepEqual(bench.running, ['a 1']);
  const other = await machine(t, ['a']);
  other.memory.share = null;
  await other.bench.loop.pass(90_000);
  assert.deepEqual(other.bench.running, ['a 1']);
});

test('settings can switch it off', async (t) => {
  const memory = async () => 0.99;
  const bench = new SleepBench(t, () => ({}), { pauses: true, memory });
  const { settings } = bench.loop.ports;
  Object.assign(bench.loop.ports, {
    settings: { ...settings, engines: { ...settings.engines, memoryPressure: null } },
  });
  await bench.declare({ a: '1' }, TIERS);
  await bench.loop.start();
  await bench.loop.pass(90_000);
  assert.deepEqual(bench.running, ['a 1']);
});
