import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asleep, awake, SleepBench } from '../../../test/support/sleep-bench.ts';
import type { FakeCall, FakeFault } from '../../runtime/fake/fake-engine.ts';
import type { FakeBehaviour } from '../../runtime/fake/fake-world.ts';

type Context = { after(fn: () => void | Promise<void>): void };

const PAUSE_MS = 300_000;
const STOP_MS = 1_800_000;
const TIERS = { idle: { pauseMs: PAUSE_MS, stopMs: STOP_MS } };

interface BenchEdit {
  readonly behave?: (version: string) => FakeBehaviour;
  readonly fault?: (call: FakeCall) => FakeFault;
  readonly pauses?: boolean;
}

/** An app that is paused after five minutes without use and stopped after thirty. */
async function started(t: Context, { behave = () => ({}), fault = () => 'none', pauses = true }: BenchEdit = {}) {
  const bench = new SleepBench(t, behave, { fault, pauses });
  await bench.declare({ a: '1' }, TIERS);
  await bench.loop.start();
  bench.loop.news();
  return bench;
}

/** One that is paused by now. */
async function paused(t: Context, edit: BenchEdit = {}) {
  const bench = await started(t, edit);
  await bench.loop.pass(PAUSE_MS + 60_000);
  assert.deepEqual([bench.state('a'), bench.running, bench.paused], [asleep('1'), [], ['a']]);
  bench.loop.news();
  return bench;
}

const instanceState = (bench: SleepBench) =>
  [...bench.loop.ports.store.recorded.instances.values()].map(({ state }) => state);
const idOf = (bench: SleepBench) => {
  const id = bench.loop.deployment('a')?.live?.instance;
  assert.ok(id !== undefined);
  return id;
};

test('what nobody uses is paused first and stopped later, and the log says both', async (t) => {
  const bench = await started(t);
  await bench.loop.pass(PAUSE_MS + 60_000);
  assert.deepEqual([bench.state('a'), bench.paused, instanceState(bench)], [asleep('1'), ['a'], ['paused']]);
  assert.deepEqual(bench.loop.news(), ['deployment.asleep']);
  await bench.loop.pass(STOP_MS - PAUSE_MS - 120_000);
  assert.deepEqual(bench.paused, ['a']);
  await bench.loop.pass(120_000);
  assert.deepEqual([bench.state('a'), bench.paused, bench.running], [asleep('1'), [], []]);
  assert.deepEqual([instanceState(bench), bench.loop.news()], [['stopped'], ['deployment.stopped']]);
});

test('a request wakes what is paused: it goes on and was not started anew', async (t) => {
  const bench = await paused(t);
  const [instance] = bench.loop.ports.world.instances.values();
  const probes = instance?.probes;
  await bench.wake('a', 100);
  assert.deepEqual([bench.state('a'), bench.running, instance?.attempt], [awake('1'), ['a 1'], 1]);
  assert.equal(instance?.probes, probes, 'it is served without another look');
  assert.deepEqual(bench.loop.news(), ['instance.started', 'deployment.awake']);
  await bench.loop.pass(PAUSE_MS + 60_000);
  assert.deepEqual([bench.state('a'), bench.paused], [asleep('1'), ['a']]);
});

test('however many ask for what is paused, it is let go on once', async (t) => {
  const bench = await paused(t);
  const before = bench.loop.ports.world.calls.start ?? 0;
  await Promise.all(Array.from({ length: 20 }, () => bench.wake('a', 10)));
  assert.equal(bench.loop.ports.world.calls.start, before + 1);
  assert.deepEqual(bench.state('a'), awake('1'));
});

test('an engine that can not pause only stops', async (t) => {
  const bench = await started(t, { pauses: false });
  await bench.loop.pass(PAUSE_MS + 60_000);
  assert.deepEqual(bench.state('a'), awake('1'));
  await bench.loop.pass(STOP_MS);
  assert.deepEqual([bench.state('a'), instanceState(bench)], [asleep('1'), ['stopped']]);
});

for (const fault of ['fail-before', 'fail-after', 'hang'] as const) {
  test(`what can not be paused (${fault}) is stopped, and wakes from that`, async (t) => {
    const bench = await started(t, { fault: ({ method }) => (method === 'pause' ? fault : 'none') });
    await bench.loop.pass(PAUSE_MS + 120_000);
    assert.deepEqual([bench.state('a'), bench.running, bench.paused], [asleep('1'), [], []]);
    assert.deepEqual(instanceState(bench), ['stopped']);
    assert.deepEqual(bench.loop.news(), ['deployment.asleep', 'deployment.stopped']);
    await bench.wake('a');
    assert.deepEqual(bench.state('a'), awake('1'));
  });
}

test('one that is asked for while it is being paused goes on after that', async (t) => {
  const slow: FakeFault = { delayMs: 4_000 };
  const bench = await started(t, { fault: ({ method }) => (method === 'pause' ? slow : 'none') });
  await bench.loop.pass(PAUSE_MS + 1_000);
  assert.deepEqual([bench.state('a'), instanceState(bench)], [asleep('1'), ['pausing']]);
  await bench.wake('a', 10_000);
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('being paused outlives a restart, is no drift, and the time until the stop goes on', async (t) => {
  const bench = await paused(t);
  await bench.loop.restart();
  assert.deepEqual([bench.paused, bench.loop.news()], [['a'], []]);
  await bench.loop.pass(STOP_MS - PAUSE_MS - 60_000);
  assert.deepEqual([instanceState(bench), bench.loop.news()], [['stopped'], ['deployment.stopped']]);
});

test('what ends while it is paused is asleep all the same, said, and wakes', async (t) => {
  const bench = await paused(t);
  bench.loop.ports.world.kill(idOf(bench), 'killed: out of memory');
  await bench.loop.pass(5_000);
  assert.deepEqual([bench.state('a'), instanceState(bench)], [asleep('1'), ['stopped']]);
  assert.deepEqual(bench.loop.news(), ['deployment.stopped']);
  await bench.wake('a');
  assert.deepEqual(bench.state('a'), awake('1'));
});

test('what somebody else lets go on is paused again, with a line in the log', async (t) => {
  const bench = await paused(t);
  bench.loop.ports.world.freezeByHand(idOf(bench), { paused: false });
  await bench.loop.pass(5_000);
  assert.deepEqual([bench.state('a'), bench.paused, instanceState(bench)], [asleep('1'), ['a'], ['paused']]);
  assert.deepEqual(bench.loop.news(), ['drift.seen', 'drift.repaired']);
});

test('what somebody else pauses goes on again, with a line in the log; requests wait meanwhile', async (t) => {
  const bench = await started(t);
  bench.loop.ports.world.freezeByHand(idOf(bench), { paused: true });
  await bench.loop.pass(100);
  assert.equal(bench.route('a'), 'down');
  await bench.loop.pass(5_000);
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
  assert.deepEqual(bench.loop.news(), ['drift.seen', 'instance.started', 'drift.repaired']);
});

test('what was paused by hand while the controller was away is found at its start', async (t) => {
  const bench = await started(t);
  await bench.loop.stop();
  bench.loop.ports.world.freezeByHand(idOf(bench), { paused: true });
  await bench.loop.restart();
  await bench.loop.pass(5_000);
  assert.deepEqual([bench.state('a'), bench.paused], [awake('1'), []]);
  assert.ok(bench.loop.news().includes('drift.repaired'));
});

test('what is new of an app that is paused is verified and sleeps; nothing of the old one is left', async (t) => {
  const bench = await paused(t);
  await bench.declare({ a: '2' }, TIERS);
  assert.deepEqual([bench.state('a'), bench.running, bench.paused], [asleep('2'), [], []]);
  assert.deepEqual(instanceState(bench), ['stopped']);
  await bench.wake('a');
  assert.deepEqual(bench.state('a'), awake('2'));
});

test('strategy = "replace": what is paused makes room, and sleeps again if its replacement fails', async (t) => {
  const bench = new SleepBench(t, (version) => (version === '2' ? { healthy: 'never' } : {}), { pauses: true });
  const alone = { ...TIERS, strategy: 'replace', health: { timeoutMs: 5_000 } };
  await bench.declare({ a: '1' }, alone);
  await bench.loop.start();
  await bench.loop.pass(PAUSE_MS + 60_000);
  assert.deepEqual(bench.paused, ['a']);
  await bench.declare({ a: '2' }, alone);
  assert.deepEqual([bench.state('a'), bench.running, bench.paused], [asleep('1'), [], []]);
  await bench.declare({ a: '3' }, alone);
  assert.deepEqual([bench.state('a'), instanceState(bench)], [asleep('3'), ['stopped']]);
});

test('idle = False wakes what is paused; a shorter stop holds from then on', async (t) => {
  const bench = await paused(t);
  await bench.declare({ a: '1' }, { idle: { pauseMs: PAUSE_MS, stopMs: PAUSE_MS } });
  assert.deepEqual([instanceState(bench), bench.paused], [['stopped'], []]);
  await bench.declare({ a: '1' }, { idle: false });
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('an app that is removed while it is paused leaves nothing', async (t) => {
  const bench = await paused(t);
  await bench.declare({});
  assert.deepEqual([bench.loop.ports.world.instances.size, bench.loop.deployment('a')], [0, undefined]);
});

test('where it says so, what is deployed for the first time sleeps once it is verified, and what is in use does not', async (t) => {
  const bench = new SleepBench(t, () => ({}), { pauses: true });
  const starts = { idle: { ...TIERS.idle, startsAsleep: true } };
  await bench.declare({ a: '1' }, starts);
  await bench.loop.start(60_000);
  assert.deepEqual([bench.state('a'), bench.running, bench.paused], [asleep('1'), [], []]);
  await bench.declare({ a: '2' }, starts);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('2'), []]);
  await bench.wake('a');
  bench.use('a');
  await bench.declare({ a: '3' }, starts);
  assert.deepEqual([bench.state('a'), bench.running], [awake('3'), ['a 3']]);
});

test('where it says so, what is deployed for the first time and is not healthy is quarantined as ever', async (t) => {
  const bench = new SleepBench(t, () => ({ healthy: 'never' }));
  await bench.declare({ a: '1' }, { idle: { ...TIERS.idle, startsAsleep: true }, health: { timeoutMs: 5_000 } });
  await bench.loop.start(60_000);
  assert.deepEqual([bench.loop.deployment('a')?.next?.state, bench.running], ['quarantined', []]);
});

test('a WebSocket on which nothing is said does not keep an app awake, and stays open while it is paused', async (t) => {
  const bench = await started(t);
  bench.streams.set('a', 1);
  await bench.loop.pass(PAUSE_MS + 60_000);
  assert.deepEqual([bench.state('a'), bench.paused], [asleep('1'), ['a']]);
});

test('what is said on a WebSocket just when its app goes to sleep keeps it awake', async (t) => {
  const bench = await started(t);
  bench.streams.set('a', 1);
  const { gateways } = bench.loop.ports;
  const { idle } = gateways;
  Object.assign(gateways, {
    idle: async (...args: Parameters<typeof idle>) => {
      await idle.apply(gateways, args);
      bench.use('a');
    },
  });
  await bench.loop.pass(PAUSE_MS + 10_000);
  assert.deepEqual([bench.state('a'), bench.paused], [awake('1'), []]);
  assert.deepEqual(bench.loop.news(), ['deployment.asleep', 'instance.started', 'deployment.awake']);
});
