import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf } from '../../test/support/declarations.ts';
import { ListedEngine } from '../../test/support/listed-engine.ts';
import { testPorts } from '../../test/support/ports.ts';
import { artifact, deployment, instance, live, recordedWith, rows } from '../../test/support/recorded.ts';
import type { AppId, ArtifactKey, InstanceId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import type { RouteTarget } from '../model/routing.ts';
import { type Change, drop, put } from '../store/changes.ts';
import { adoptEngine } from './adopt.ts';
import { Driver } from './driver.ts';

const target = targetOf();
const here: RouteTarget = { kind: 'static', root: '/trees/7', index: 'index.html', fallback: null };
const elsewhere: RouteTarget = { ...here, root: '/trees/7b' };
const id = 'i-live' as InstanceId;
const never = new AbortController().signal;

/** A live app whose instance runs, an engine that has it, and what is recorded besides. */
function adopting(t: Parameters<typeof testPorts>[0], ...others: Change[]) {
  const ports = testPorts(t);
  const engine = new ListedEngine(ports.clock);
  engine.instances.set(id, { state: 'running', target: here });
  engine.artifacts.add(target.artifact);
  const row = put('instance', instance());
  const route = { host: 'example.com', path: '/a', generation: 1, env: PROD, app: '/a' as AppId };
  const serve = { instance: id, target: here, stripPath: true, noindex: false };
  ports.store.transact(() => [
    ...[...recordedWith().environments.values()].map((environment) => put('environment', environment)),
    ...rows(deployment({ live: live(target) })),
    row,
    put('artifact', artifact()),
    put('route', { ...route, serve }),
    ...others,
  ]);
  // Its slots are not woken: what follows from adoption is not tested here.
  const driver = new Driver({ ...ports, clock: { now: () => ports.clock.now(), sleep: () => new Promise(() => {}) } });
  return {
    ports,
    engine,
    adopt: () => adoptEngine(engine, ports, driver, never),
    state: () => ports.store.recorded.instances.get(id)?.state,
  };
}

test('what runs as recorded is left as it is, without a word in the log', async (t) => {
  const { ports, engine, adopt } = adopting(t);
  const before = ports.store.recorded.instances.get(id);
  await adopt();
  assert.equal(ports.store.recorded.instances.get(id), before);
  assert.deepEqual([ports.events(), engine.calls], [[], ['list']]);
});

test('a live instance that is not there any more is drift, and is to be started again', async (t) => {
  const { ports, engine, adopt, state } = adopting(t);
  engine.instances.clear();
  await adopt();
  assert.deepEqual([state(), ports.events()], ['starting', ['drift.seen']]);
  assert.match(
    ports.store.recorded.deployment(PROD, '/a' as AppId)?.live?.condition?.message ?? '',
    /not there any more/,
  );
});

test('a live instance that ended says why', async (t) => {
  const { ports, engine, adopt } = adopting(t);
  engine.instances.set(id, { state: 'exited', reason: 'killed by signal 9' });
  await adopt();
  assert.match(ports.store.recorded.instances.get(id)?.problem?.message ?? '', /killed by signal 9/);
});

test('a live instance that is reached elsewhere by now has its route led there', async (t) => {
  const { ports, engine, adopt } = adopting(t);
  engine.instances.set(id, { state: 'running', target: elsewhere });
  await adopt();
  const serve = ports.store.recorded.route('example.com', '/a')?.serve;
  assert.deepEqual([serve?.target, ports.store.recorded.instances.get(id)?.route], [elsewhere, elsewhere]);
});

test('a route that another app has taken meanwhile stays with that app', async (t) => {
  const serve = { instance: 'i-b' as InstanceId, target: here, stripPath: true, noindex: false };
  const taken = { host: 'example.com', path: '/a', generation: 5, env: PROD, app: '/b' as AppId, serve };
  const { ports, engine, adopt } = adopting(t, put('route', taken));
  engine.instances.set(id, { state: 'running', target: elsewhere });
  await adopt();
  assert.deepEqual(ports.store.recorded.route('example.com', '/a'), taken);
});

test('an instance that started while the engine was answering is not taken for one that is gone', async (t) => {
  const { ports, engine, adopt, state } = adopting(t);
  engine.instances.clear();
  ports.store.transact(() => [put('instance', instance({ state: 'starting' }))]);
  engine.meanwhile = () => {
    ports.store.transact(() => [put('instance', instance())]);
  };
  await adopt();
  assert.deepEqual([state(), ports.events()], ['running', []]);
});

test('an instance that was started again while the engine was answering is not judged by the old answer', async (t) => {
  const { ports, engine, adopt, state } = adopting(t);
  engine.instances.set(id, { state: 'exited', reason: 'the run before' });
  engine.meanwhile = () => {
    ports.store.transact(() => [put('instance', instance({ startedAt: ports.clock.now() + 1 }))]);
  };
  await adopt();
  assert.equal(state(), 'running');
});

test('what no row owns is removed, and the log says so', async (t) => {
  const { ports, engine, adopt } = adopting(t);
  engine.instances.set('i-lost' as InstanceId, { state: 'running', target: here });
  engine.artifacts.add('k-lost' as ArtifactKey);
  await adopt();
  assert.deepEqual(engine.calls, ['list', 'remove i-lost', 'removeArtifact k-lost']);
  assert.deepEqual(ports.events(), ['orphan.removed', 'orphan.removed']);
});

test('what was removed in order while the engine was answering is no orphan', async (t) => {
  const other = instance({ id: 'i-old', state: 'removing' });
  const { ports, engine, adopt } = adopting(t, put('instance', other));
  engine.instances.set(other.id, { state: 'exited', reason: 'stopped' });
  engine.meanwhile = () => {
    ports.store.transact(() => [drop('instance', other)]);
  };
  await adopt();
  assert.deepEqual([engine.calls, ports.events()], [['list'], []]);
});

test('an artifact that is gone is built again, and is drift', async (t) => {
  const { ports, engine, adopt } = adopting(t);
  engine.artifacts.clear();
  await adopt();
  assert.deepEqual(
    [ports.store.recorded.artifacts.get(target.artifact)?.state, ports.events()],
    ['building', ['drift.seen']],
  );
});

test('an engine that does not answer in time is an error, and nothing is taken for gone', async (t) => {
  const { ports, engine, adopt, state } = adopting(t);
  engine.instances.clear();
  engine.meanwhile = () => new Promise(() => {});
  const result = assert.rejects(adopt(), { code: 'engine-failed' });
  await ports.clock.advance(ports.limits.startMs + 10_000);
  await result;
  assert.equal(state(), 'running');
});
