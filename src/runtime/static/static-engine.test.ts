import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { ArtifactKey, InstanceId } from '../../model/ids.ts';
import type { BuildRequest, InstanceRequest } from '../engine.ts';
import { StaticEngine } from './static-engine.ts';

const KEY = 'a'.repeat(64) as ArtifactKey;

async function built(t: TestContext, key = KEY) {
  const dataDir = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(dataDir, { recursive: true, force: true }));
  let now = 1_000;
  const engine = new StaticEngine({ dataDir, clock: { now: () => now, sleep: async () => undefined } });
  t.after(() => engine.close());
  await engine.build(buildRequest(key), signal());
  return { dataDir, engine, at: (time: number) => (now = time), tree: join(dataDir, 'trees', key, 'tree') };
}

function buildRequest(key: ArtifactKey): BuildRequest {
  const exportTree = async (into: string) => {
    await mkdir(into);
    await writeFile(join(into, 'index.html'), 'hello');
  };
  return { key, inputs: { engine: 'static', spec: 'static', tree: null, build: {} }, exportTree };
}

function instanceRequest(spec: string, appConfig: object): InstanceRequest {
  const artifact = { key: KEY, digest: null };
  return { id: 'i-1' as InstanceId, artifact, spec: { spec, appConfig } } as unknown as InstanceRequest;
}

test('the marker lies outside of what is served', async (t) => {
  const { engine, tree } = await built(t);
  const target = await engine.start(instanceRequest('static', {}), signal());
  assert.deepEqual(target, { kind: 'static', root: tree, index: 'index.html', fallback: null });
  assert.ok(await readFile(join(tree, '..', 'complete')));
});

test('a single-page app falls back to its index, and the index can be named', async (t) => {
  const { engine, tree } = await built(t);
  const target = await engine.start(instanceRequest('static_single', { index: 'home.html' }), signal());
  assert.deepEqual(target, { kind: 'static', root: tree, index: 'home.html', fallback: 'index.html' });
});

test('a tree that an unclean stop left half written is found and dropped', async (t) => {
  const { engine, tree } = await built(t);
  await truncate(join(tree, 'index.html'), 0);
  assert.deepEqual(await engine.recheck(500), [KEY]);
  assert.deepEqual(await engine.listArtifacts(), []);
});

test('a tree that is as it was passes the check', async (t) => {
  const { engine } = await built(t);
  assert.deepEqual(await engine.recheck(0), []);
  assert.equal(await engine.hasArtifact(KEY), true);
});

test('trees from before the last clean stop are not looked at again', async (t) => {
  const { engine, tree } = await built(t);
  await rm(join(tree, 'index.html'));
  assert.deepEqual(await engine.recheck(2_000), []);
});

test('an instance whose tree vanished has exited, and says why', async (t) => {
  const { engine, dataDir } = await built(t);
  await engine.start(instanceRequest('static', {}), signal());
  await rm(join(dataDir, 'trees', KEY), { recursive: true });
  assert.deepEqual(await engine.inspect('i-1' as InstanceId), { state: 'exited', reason: 'its files are gone' });
});

test('a tree that we remove ourselves is not told, one that vanishes is told once', async (t) => {
  const { engine, dataDir } = await built(t);
  const other = 'b'.repeat(64) as ArtifactKey;
  await engine.build(buildRequest(other), signal());
  const events = engine.events(AbortSignal.timeout(5_000));
  await engine.removeArtifact(KEY);
  await rm(join(dataDir, 'trees', other), { recursive: true });
  for await (const event of events) {
    assert.deepEqual(event, { kind: 'artifact-lost', key: other });
    break;
  }
});

function signal(): AbortSignal {
  return new AbortController().signal;
}
