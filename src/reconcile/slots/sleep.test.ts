import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asleep, awake, SleepBench as Bench, IDLE_MS } from '../../../test/support/sleep-bench.ts';

test('what nobody uses for as long as idle says is stopped, and a request wakes it', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS - 120_000);
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
  bench.loop.news();
  await bench.loop.pass(120_000);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('1'), []]);
  assert.deepEqual(bench.loop.news(), ['deployment.asleep']);
  await bench.wake('a');
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
  assert.deepEqual(bench.loop.news(), ['instance.started', 'deployment.awake']);
  await bench.loop.pass(IDLE_MS + 60_000);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('1'), []]);
});

test('what is in use is never put to sleep: by requests that come, or by one that stays open', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1', b: '1' });
  await bench.loop.start();
  bench.inFlight.set('b', 1);
  for (let minute = 0; minute < 60; minute++) {
    bench.use('a');
    await bench.loop.pass(60_000);
  }
  assert.deepEqual([bench.state('a'), bench.state('b')], [awake('1'), awake('1')]);
  assert.ok(bench.asked <= 14, `the gateways were asked ${bench.asked} times`);
  bench.inFlight.set('b', 0);
  bench.use('b');
  await bench.loop.pass(IDLE_MS + 1_000);
  assert.deepEqual([bench.state('a'), bench.state('b'), bench.running], [asleep('1'), asleep('1'), []]);
});

test('a request that slips in while it is put to sleep is not cut: what is in use goes on', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1' });
  await bench.loop.start();
  const { gateways } = bench.loop.ports;
  const { use } = gateways;
  Object.assign(gateways, {
    use: async (...args: Parameters<typeof use>) => {
      const said = await use.apply(gateways, args);
      bench.inFlight.set('a', 1);
      return said;
    },
  });
  await bench.loop.pass(IDLE_MS + 5_000);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('1'), ['a 1']]);
  await bench.loop.pass(60_000);
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('one that is asked for while it is on its way to sleep is awake at once', async (t) => {
  const bench = new Bench(t, () => ({ ignoresTerm: true }));
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 1_000);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('1'), ['a 1']]);
  await bench.wake('a', 30_000);
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('being asleep outlives a restart, is no drift, and costs no call of an engine', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  bench.loop.news();
  const before = { ...bench.loop.ports.world.calls };
  await bench.loop.restart();
  await bench.loop.pass(3 * IDLE_MS);
  const { list: _, listArtifacts: __, ...after } = bench.loop.ports.world.calls;
  const { list: ___, listArtifacts: ____, ...expected } = before;
  assert.deepEqual([bench.state('a'), bench.running, bench.loop.news(), after], [asleep('1'), [], [], expected]);
  await bench.wake('a');
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('what is new of an app that is asleep is verified, and sleeps too', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  await bench.declare({ a: '2' });
  assert.deepEqual([bench.state('a'), bench.running], [asleep('2'), []]);
  await bench.wake('a');
  assert.deepEqual([bench.state('a'), bench.running], [awake('2'), ['a 2']]);
});

test('what is new of an app that is asleep and does not get healthy is quarantined; the old one wakes', async (t) => {
  const bench = new Bench(t, (version) => (version === '2' ? { healthy: 'never' } : {}));
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  await bench.declare({ a: '2' });
  assert.deepEqual([bench.state('a'), bench.running], [asleep('1'), []]);
  assert.equal(bench.loop.deployment('a')?.next?.state, 'quarantined');
  await bench.wake('a');
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('many apps that are asleep change with each other: a bounded number runs at a time, and all of them sleep on', async (t) => {
  const bench = new Bench(t);
  const names = Array.from({ length: 40 }, (_, n) => `a${n}`);
  const all = (version: string) => Object.fromEntries(names.map((name) => [name, version]));
  await bench.declare(all('1'));
  await bench.loop.start(60_000);
  await bench.loop.pass(2 * IDLE_MS);
  assert.deepEqual(bench.running, []);
  bench.most = 0;
  await bench.declare(all('2'));
  assert.deepEqual([names.map((name) => bench.state(name)), bench.running], [names.map(() => asleep('2')), []]);
  assert.ok(bench.most <= 16, `${bench.most} ran at a time`);
});

test('one of a release is woken before the switch: it is there, and so is the new one', async (t) => {
  const bench = new Bench(t, (version) => (version === 'slow' ? { healthy: { afterMs: 20_000 } } : {}));
  await bench.declare({ a: '1', b: '1' });
  await bench.loop.start();
  await bench.loop.pass(2 * IDLE_MS);
  const apps = { a: '2', b: 'slow' };
  const declared = bench.declare(apps);
  await bench.loop.pass(0);
  await bench.wake('a');
  await declared;
  bench.use('a');
  await bench.loop.pass(60_000);
  assert.deepEqual([bench.state('a'), bench.state('b'), bench.running], [awake('2'), asleep('slow'), ['a 2']]);
});

test('idle = False wakes what is asleep', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  await bench.declare({ a: '1' }, { idle: false });
  assert.deepEqual([bench.state('a'), bench.running], [awake('1'), ['a 1']]);
});

test('strategy = "replace": what is new sleeps too, and what does not get healthy leaves the old one asleep', async (t) => {
  const bench = new Bench(t, (version) => (version === '3' ? { healthy: 'never' } : {}));
  const alone = { strategy: 'replace', health: { timeoutMs: 5_000 } };
  await bench.declare({ a: '1' }, alone);
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  await bench.declare({ a: '2' }, alone);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('2'), []]);
  await bench.declare({ a: '3' }, alone);
  assert.deepEqual([bench.state('a'), bench.running], [asleep('2'), []]);
  await bench.wake('a');
  assert.deepEqual([bench.state('a'), bench.running], [awake('2'), ['a 2']]);
});

test('what is removed or parked while it is asleep leaves nothing', async (t) => {
  const bench = new Bench(t);
  await bench.declare({ a: '1', b: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  await bench.declare({ b: '1' });
  assert.deepEqual([bench.loop.deployment('a'), bench.route('a')], [undefined, undefined]);
  assert.deepEqual(
    [...bench.loop.ports.world.instances.values()].map(({ request }) => request.app),
    ['/b'],
  );
});

test('one that can not be started is tried again and said, and is there once it can', async (t) => {
  let isBroken = false;
  const bench = new Bench(t, () => (isBroken ? { dies: 'at-start' } : {}));
  await bench.declare({ a: '1' });
  await bench.loop.start();
  await bench.loop.pass(IDLE_MS + 60_000);
  isBroken = true;
  await bench.wake('a', 20_000);
  assert.equal(bench.route('a'), 'asleep');
  assert.notEqual(bench.loop.deployment('a')?.live?.condition, null);
  isBroken = false;
  await bench.loop.pass(60_000);
  assert.deepEqual([bench.state('a'), bench.loop.deployment('a')?.live?.condition], [awake('1'), null]);
});
