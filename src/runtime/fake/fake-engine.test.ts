import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../../model/clock.ts';
import type { AppId, ArtifactKey, EnvName, InstanceId, RevisionHash } from '../../model/ids.ts';
import type { BuildRequest, EngineEvent, InstanceRequest } from '../engine.ts';
import { FakeEngine, type FakeFault } from './fake-engine.ts';
import { fakeProbe } from './fake-probe.ts';
import { type FakeBehaviour, FakeWorld } from './fake-world.ts';

const KEY = 'k'.repeat(64) as ArtifactKey;
const ID = 'i-1' as InstanceId;
const BUILD = { key: KEY, exportTree: null } as unknown as BuildRequest;
const CHECK = { path: '/', expect: 200, host: 'localhost' };

function instanceRequest(): InstanceRequest {
  const request = {
    id: ID,
    env: 'prod' as EnvName,
    app: '/app' as AppId,
    generation: 1,
    revision: 'r' as RevisionHash,
    spec: { spec: 'procfile', params: {} },
    artifact: { key: KEY, digest: null },
    dataName: 'prod/app-1',
  };
  return request as unknown as InstanceRequest;
}

/** A clock that stands still until it is moved. */
function stillClock() {
  const sleepers: { at: number; wake: () => void }[] = [];
  let now = 0;
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        sleepers.push({ at: now + ms, wake: resolve });
        signal?.addEventListener('abort', () => reject(signal.reason));
      }),
  };
  const advance = (ms: number) => {
    now += ms;
    for (const sleeper of sleepers) if (sleeper.at <= now) sleeper.wake();
  };
  return { clock, advance };
}

function setup(behaviour: FakeBehaviour = {}, faults: FakeFault[] = []) {
  const world = new FakeWorld(() => behaviour);
  const { clock, advance } = stillClock();
  const engine = new FakeEngine(world, clock, { fault: () => faults.shift() ?? 'none' });
  const probe = (signal = never()) =>
    fakeProbe(world, clock)({ kind: 'http', url: 'http://127.0.0.1:20000', external: false }, CHECK, signal);
  return { world, clock, advance, engine, probe };
}

async function running(behaviour: FakeBehaviour) {
  const all = setup(behaviour);
  await all.engine.build(BUILD, never());
  await all.engine.start(instanceRequest(), never());
  return all;
}

test('a call that fails before has no effect', async () => {
  const { world, engine } = setup({}, ['fail-before']);
  await assert.rejects(engine.build(BUILD, never()), { code: 'engine-failed' });
  assert.deepEqual(world.inventory().artifacts, []);
});

test('a call that fails after has its effect', async () => {
  const { world, engine } = setup({}, ['fail-after']);
  await assert.rejects(engine.build(BUILD, never()), { code: 'engine-failed' });
  assert.deepEqual(world.inventory().artifacts, [{ key: KEY, engine: 'process', nonce: 1 }]);
});

test('a call that hangs ends when its signal aborts, without an effect', async () => {
  const { world, engine } = setup({}, ['hang']);
  const cancel = new AbortController();
  const building = engine.build(BUILD, cancel.signal);
  cancel.abort();
  await assert.rejects(building, { name: 'AbortError' });
  assert.deepEqual(world.inventory().artifacts, []);
});

test('a delayed call takes effect when its time has come', async () => {
  const { world, engine, advance } = setup({}, [{ delayMs: 100 }]);
  const building = engine.build(BUILD, never());
  assert.equal(world.artifacts.size, 0);
  advance(100);
  await building;
  assert.equal(world.artifacts.size, 1);
});

test('a crashed engine never answers and has no effect, what it made stays', async () => {
  const { world, engine, clock, advance } = await running({});
  const delayed = new FakeEngine(world, clock, { fault: () => ({ delayMs: 10 }) });
  let settled = false;
  const stopping = delayed.stop(ID, { graceMs: 0 }).finally(() => (settled = true));
  delayed.crash();
  void stopping.catch(() => undefined);
  advance(10);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(settled, false);
  assert.equal((await engine.inspect(ID)).state, 'running');
});

test('an instance is healthy at once by default', async () => {
  const { probe } = await running({});
  assert.deepEqual(await probe(), { healthy: true });
});

test('an instance is healthy after as many probes as it says', async () => {
  const { probe } = await running({ healthy: { afterProbes: 2 } });
  assert.deepEqual([(await probe()).healthy, (await probe()).healthy, (await probe()).healthy], [false, false, true]);
});

test('an instance is healthy after as long as it says', async () => {
  const { probe, advance } = await running({ healthy: { afterMs: 50 } });
  assert.equal((await probe()).healthy, false);
  advance(50);
  assert.equal((await probe()).healthy, true);
});

test('an instance that dies at its start has exited when start comes back', async () => {
  const { engine, probe } = await running({ dies: 'at-start' });
  assert.equal((await engine.inspect(ID)).state, 'exited');
  assert.equal((await probe()).healthy, false);
});

test('an instance dies when its time has come, and it is told then', async () => {
  const { engine, advance } = await running({ dies: { afterMs: 1_000 } });
  const events = engine.events(never());
  advance(1_000);
  for await (const event of events) {
    assert.deepEqual(event, { kind: 'exited', id: ID, reason: 'exited with code 1' } satisfies EngineEvent);
    break;
  }
});

test('the world counts calls and lists what exists, sorted', async () => {
  const { world } = await running({});
  assert.deepEqual(world.calls, { build: 1, start: 1 });
  assert.deepEqual(world.inventory(), {
    instances: [
      {
        id: ID,
        engine: 'process',
        env: 'prod',
        app: '/app',
        generation: 1,
        revision: 'r',
        artifact: KEY,
        state: 'running',
      },
    ],
    artifacts: [{ key: KEY, engine: 'process', nonce: 1 }],
    data: [{ name: 'prod/app-1', usedBy: [ID] }],
  });
});

test('a hundred thousand calls take a moment', async () => {
  const { engine } = await running({});
  const before = performance.now();
  for (let n = 0; n < 100_000; n++) await engine.inspect(ID);
  assert.ok(performance.now() - before < 5_000);
});

function never(): AbortSignal {
  return new AbortController().signal;
}
