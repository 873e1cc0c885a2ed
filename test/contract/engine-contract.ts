import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../src/model/clock.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { AppId, ArtifactKey, EnvName, InstanceId, RevisionHash, TreeId } from '../../src/model/ids.ts';
import { type Artifact, type ArtifactInputs, artifactKey } from '../../src/model/revision.ts';
import type {
  BuildRequest,
  Engine,
  EngineEvent,
  ExportTree,
  InstanceRequest,
  LogLine,
  LogRequest,
} from '../../src/runtime/engine.ts';

/** What the suite asks of the apps that it runs. */
export type AppKind =
  /** Prints its instance id at its start and goes on. Where the engine keeps data it notes its instance id there. */
  | 'steady'
  /** Ends by itself at once. */
  | 'brief';

/** One engine under test, with the means to look at it from outside. */
export interface EngineHarness {
  readonly engine: Engine;
  /** Lets go of the engine as a kill -9 of the controller would, and makes a new one on what is left. */
  restart(): Promise<Engine>;
  /** Where an app of this kind comes from. Trees with different names have different content. */
  source(kind: AppKind, name: string): { readonly spec: string; readonly exportTree: ExportTree | null };
  /** An instance dies without the engine's doing. */
  kill(id: InstanceId): Promise<void>;
  /** Somebody pauses an instance without the engine's doing. For engines that pause. */
  pauseByHand?(id: InstanceId): Promise<void>;
  /** Somebody removes the artifact without the engine's doing. */
  loseArtifact(key: ArtifactKey): Promise<void>;
  /** Ids of the instances that used a data folder, in order; empty if there is none. */
  dataUsers(dataName: string): Promise<readonly string[]>;
}

/** What an engine has, so that a test of what it lacks isn't there at all. */
export interface EngineTraits {
  /** It builds from a source tree. */
  readonly builds: boolean;
  /** Its instances run something that can die, print and keep data. */
  readonly runs: boolean;
  /** It notices when an artifact vanishes. */
  readonly noticesLostArtifacts: boolean;
  /** It can pause what runs. */
  readonly pauses: boolean;
}

/** Makes an engine for one test; whatever the test leaves behind is gone after it. */
export type MakeEngine = (t: TestContext) => Promise<EngineHarness>;

/** Time as it is. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal === undefined ? {} : { signal }),
};

const LIMIT_MS = 10_000;

/** Waits until a look gives something; fails after ten seconds. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const deadline = Date.now() + LIMIT_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, 'what was waited for did not happen in time');
    await delay(10);
  }
}

/** The promises of the engine interface. Every engine, the fake included, must pass. */
export function describeEngineContract(name: string, traits: EngineTraits, make: MakeEngine): void {
  describe(`engine contract: ${name}`, () => {
    artifactTests(traits, make);
    instanceTests(make);
    restartTests(make);
    logTests(traits, make);
    if (traits.builds) buildTests(make);
    if (traits.noticesLostArtifacts) lossTests(make);
    if (traits.runs) runningTests(make);
    if (traits.runs) dataTests(make);
    if (traits.pauses) pauseTests(make);
    else notPausingTests(make);
  });
}

function artifactTests(traits: EngineTraits, make: MakeEngine): void {
  test('an artifact that was built is there, and its key is its name', async (t) => {
    const { engine, build } = await bench(t, make);
    const { request, artifact } = await build();
    assert.equal(artifact.key, request.key);
    assert.equal(await engine.hasArtifact(request.key), true);
  });

  test('building twice gives the same artifact', async (t) => {
    const { engine, build } = await bench(t, make);
    const { request, artifact } = await build();
    assert.deepEqual(await engine.build(request, never()), artifact);
  });

  test('removing an artifact twice is fine, and so is a missing one', async (t) => {
    const { engine, build } = await bench(t, make);
    const { request } = await build();
    await engine.removeArtifact(request.key);
    await engine.removeArtifact(request.key);
    await engine.removeArtifact('0'.repeat(64) as ArtifactKey);
    assert.deepEqual(await engine.listArtifacts(), []);
    if (traits.builds) assert.equal(await engine.hasArtifact(request.key), false);
  });
}

function buildTests(make: MakeEngine): void {
  test('building twice exports the source once', async (t) => {
    const { engine, buildRequest } = await bench(t, make);
    const { request, exports } = buildRequest();
    await engine.build(request, never());
    await engine.build(request, never());
    assert.equal(exports.count, 1);
  });

  test('two builds of one key at the same time are one', async (t) => {
    const { engine, buildRequest } = await bench(t, make);
    const { request, exports } = buildRequest();
    const [a, b] = await Promise.all([engine.build(request, never()), engine.build(request, never())]);
    assert.deepEqual(a, b);
    assert.equal(exports.count, 1);
  });

  test('a build whose source can not be exported leaves nothing, and can be tried again', async (t) => {
    const { engine, buildRequest } = await bench(t, make);
    const { request } = buildRequest();
    const broken = new Error('the mirror is gone');
    await assert.rejects(engine.build({ ...request, exportTree: async () => Promise.reject(broken) }, never()));
    assert.equal(await engine.hasArtifact(request.key), false);
    assert.deepEqual(await engine.listArtifacts(), []);
    await engine.build(request, never());
    assert.deepEqual(await engine.listArtifacts(), [request.key]);
  });

  test('a build that is cancelled ends soon and leaves nothing', async (t) => {
    const { engine, buildRequest } = await bench(t, make);
    const { request } = buildRequest();
    const cancel = new AbortController();
    const building = engine.build(
      { ...request, exportTree: hangingExport(request, () => cancel.abort()) },
      cancel.signal,
    );
    await assert.rejects(building, { name: 'AbortError' });
    assert.equal(await engine.hasArtifact(request.key), false);
  });

  test('an artifact that a crash left half made is not seen as whole, and is made anew', async (t) => {
    const { harness, engine, buildRequest } = await bench(t, make);
    const { request } = buildRequest();
    const half = Promise.withResolvers<void>();
    engine.build({ ...request, exportTree: hangingExport(request, half.resolve) }, never()).catch(() => undefined);
    await half.promise;
    const next = await harness.restart();
    assert.equal(await next.hasArtifact(request.key), false);
    assert.deepEqual(await next.listArtifacts(), []);
    await next.build(request, never());
    assert.equal(await next.hasArtifact(request.key), true);
  });

  test('an instance of an artifact that is not there does not start', async (t) => {
    const { engine, instanceRequest } = await bench(t, make);
    const request = instanceRequest({ key: 'f'.repeat(64) as ArtifactKey, digest: null }, {});
    await assert.rejects(engine.start(request, never()), hasCode('start-failed'));
    assert.deepEqual(await engine.list(), []);
  });
}

function lossTests(make: MakeEngine): void {
  test('an artifact that vanishes is told and no longer there', async (t) => {
    const { harness, engine, build } = await bench(t, make);
    const { request } = await build();
    const told = nextEvent(engine, (event) => event.kind === 'artifact-lost' && event.key === request.key);
    await harness.loseArtifact(request.key);
    await told;
    assert.equal(await engine.hasArtifact(request.key), false);
    assert.deepEqual(await engine.listArtifacts(), []);
  });
}

function instanceTests(make: MakeEngine): void {
  test('a started instance runs where start said, and is listed', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request, target } = await start();
    assert.deepEqual(await engine.inspect(request.id), { state: 'running', target });
    assert.deepEqual(await engine.list(), [{ id: request.id, state: { state: 'running', target } }]);
  });

  test('starting twice leaves it as it is, also at the same time', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request, target } = await start();
    const again = await Promise.all([engine.start(request, never()), engine.start(request, never())]);
    assert.deepEqual(again, [target, target]);
    assert.equal((await engine.list()).length, 1);
  });

  test('a start that is cancelled beforehand starts nothing', async (t) => {
    const { engine, build, instanceRequest } = await bench(t, make);
    const request = instanceRequest((await build()).artifact, {});
    await assert.rejects(engine.start(request, AbortSignal.abort()), { name: 'AbortError' });
    assert.notEqual((await engine.inspect(request.id)).state, 'running');
  });

  test('stopping twice is fine, and so is a missing one', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request } = await start();
    await engine.stop(request.id, { graceMs: 5_000 });
    await engine.stop(request.id, { graceMs: 5_000 });
    await engine.stop('nobody' as InstanceId, { graceMs: 0 });
    assert.equal((await engine.inspect(request.id)).state, 'exited');
    assert.equal((await engine.inspect('nobody' as InstanceId)).state, 'absent');
  });

  test('a stopped instance can be started again', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request } = await start();
    await engine.stop(request.id, { graceMs: 5_000 });
    const target = await engine.start(request, never());
    assert.deepEqual(await engine.inspect(request.id), { state: 'running', target });
  });

  test('removing twice is fine, and so is a missing one', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request } = await start();
    await engine.stop(request.id, { graceMs: 5_000 });
    await engine.remove(request.id);
    await engine.remove(request.id);
    await engine.remove('nobody' as InstanceId);
    assert.deepEqual(await engine.inspect(request.id), { state: 'absent' });
    assert.deepEqual(await engine.list(), []);
  });

  test('removing one that runs stops it first', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request } = await start();
    await engine.remove(request.id);
    assert.deepEqual(await engine.list(), []);
  });

  test('two instances of one artifact are told apart', async (t) => {
    const { engine, build, instanceRequest } = await bench(t, make);
    const { artifact } = await build();
    for (const id of ['a', 'b']) await engine.start(instanceRequest(artifact, { id: id as InstanceId }), never());
    await engine.remove('a' as InstanceId);
    assert.deepEqual(
      (await engine.list()).map(({ id, state }) => [id, state.state]),
      [['b', 'running']],
    );
  });

  test('events end when their signal aborts', async (t) => {
    const { engine } = await bench(t, make);
    const end = new AbortController();
    const reading = (async () => {
      for await (const _ of engine.events(end.signal));
    })();
    end.abort();
    await reading;
  });
}

function restartTests(make: MakeEngine): void {
  test('after a restart of the controller everything is found again', async (t) => {
    const { harness, build, start } = await bench(t, make);
    const { request: built, artifact } = await build();
    const { request, target } = await start();
    const next = await harness.restart();
    assert.deepEqual(await next.list(), [{ id: request.id, state: { state: 'running', target } }]);
    assert.equal(await next.hasArtifact(built.key), true);
    assert.deepEqual(await next.build(built, never()), artifact);
    assert.deepEqual(await next.start(request, never()), target);
  });

  test('after a restart of the controller an instance can be stopped and removed', async (t) => {
    const { harness, start } = await bench(t, make);
    const { request } = await start();
    const next = await harness.restart();
    await next.stop(request.id, { graceMs: 5_000 });
    assert.equal((await next.inspect(request.id)).state, 'exited');
    await next.remove(request.id);
    assert.deepEqual(await next.list(), []);
  });

  test('what was stopped is still stopped after a restart, and what was removed is not there', async (t) => {
    const { harness, engine, build, instanceRequest } = await bench(t, make);
    const { artifact } = await build();
    for (const id of ['a', 'b']) await engine.start(instanceRequest(artifact, { id: id as InstanceId }), never());
    await engine.stop('a' as InstanceId, { graceMs: 5_000 });
    await engine.remove('b' as InstanceId);
    const next = await harness.restart();
    assert.deepEqual(
      (await next.list()).map(({ id, state }) => [id, state.state]),
      [['a', 'exited']],
    );
  });
}

function logTests(traits: EngineTraits, make: MakeEngine): void {
  test('logs of what is not there are empty, also when followed', async (t) => {
    const { engine } = await bench(t, make);
    const none = { instance: 'nobody' as InstanceId };
    const all = { tail: 10, follow: true };
    assert.deepEqual(await linesOf(engine, { of: none, ...all }), []);
    assert.deepEqual(await linesOf(engine, { of: { build: '0'.repeat(64) as ArtifactKey }, ...all }), []);
  });

  if (!traits.runs) return;

  test('what an instance prints is kept, also over a restart of the controller', async (t) => {
    const { harness, engine, start } = await bench(t, make);
    const { request } = await start();
    const of = { instance: request.id };
    await eventually(async () => findLine(await linesOf(engine, { of, tail: 10, follow: false }), request.id));
    const next = await harness.restart();
    assert.ok(findLine(await linesOf(next, { of, tail: 10, follow: false }), request.id));
    assert.equal((await linesOf(next, { of, tail: 0, follow: false })).length, 0);
  });

  test('following a log gives new lines and ends when its signal aborts', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request } = await start();
    const of = { instance: request.id };
    await eventually(async () => findLine(await linesOf(engine, { of, tail: 10, follow: false }), request.id));
    await engine.stop(request.id, { graceMs: 5_000 });
    const end = new AbortController();
    const until = AbortSignal.any([end.signal, AbortSignal.timeout(LIMIT_MS)]);
    let starts = 0;
    for await (const line of engine.logs({ of, tail: 1_000, follow: true }, until)) {
      if (!line.text.includes(request.id)) continue;
      starts += 1;
      if (starts === 1) await engine.start(request, never());
      if (starts === 2) end.abort();
    }
    assert.equal(starts, 2);
  });

  test('a removed instance has no log any more', async (t) => {
    const { engine, start } = await bench(t, make);
    const { request } = await start();
    await engine.remove(request.id);
    assert.deepEqual(await linesOf(engine, { of: { instance: request.id }, tail: 10, follow: true }), []);
  });
}

function runningTests(make: MakeEngine): void {
  test('an instance that dies is told once, seen as exited, and can be started again', async (t) => {
    const { harness, engine, start } = await bench(t, make);
    const { request } = await start();
    const told = nextEvent(engine, (event) => event.kind === 'exited' && event.id === request.id);
    await harness.kill(request.id);
    await told;
    const state = await engine.inspect(request.id);
    assert.equal(state.state, 'exited');
    assert.notEqual(state.state === 'exited' && state.reason, '');
    const target = await engine.start(request, never());
    assert.deepEqual(await engine.inspect(request.id), { state: 'running', target });
  });

  test('the death of an instance from before a restart is told too', async (t) => {
    const { harness, start } = await bench(t, make);
    const { request } = await start();
    const next = await harness.restart();
    const told = nextEvent(next, (event) => event.kind === 'exited' && event.id === request.id);
    await harness.kill(request.id);
    await told;
    assert.equal((await next.inspect(request.id)).state, 'exited');
  });

  test('an instance that died while there was no controller is found so', async (t) => {
    const { harness, engine, start } = await bench(t, make);
    const { request } = await start();
    await engine.close();
    await harness.kill(request.id);
    const next = await harness.restart();
    assert.equal((await next.list())[0]?.state.state, 'exited');
  });

  test('an instance that ends by itself is told with a reason', async (t) => {
    const { engine, build, instanceRequest } = await bench(t, make);
    const { artifact } = await build('brief');
    const request = instanceRequest(artifact, { id: 'brief-1' as InstanceId });
    const told = nextEvent(engine, (event) => event.kind === 'exited' && event.id === request.id);
    await engine.start(request, never());
    const event = await told;
    assert.match(event.kind === 'exited' ? event.reason : '', /exited with code \d/);
    assert.equal((await engine.inspect(request.id)).state, 'exited');
  });

  test('what we stop ourselves is no event', async (t) => {
    const { harness, engine, build, instanceRequest } = await bench(t, make);
    const { artifact } = await build();
    const ids: string[] = [];
    const end = new AbortController();
    const reading = (async () => {
      for await (const event of engine.events(end.signal)) if ('id' in event) ids.push(event.id);
    })();
    for (const id of ['ours', 'theirs'])
      await engine.start(instanceRequest(artifact, { id: id as InstanceId }), never());
    await engine.stop('ours' as InstanceId, { graceMs: 5_000 });
    await harness.kill('theirs' as InstanceId);
    await eventually(() => (ids.includes('theirs') ? true : undefined));
    end.abort();
    await reading;
    assert.deepEqual(ids, ['theirs']);
  });
}

function notPausingTests(make: MakeEngine): void {
  test('an engine that can not pause has no such method, once something was started', async (t) => {
    const { engine, start } = await bench(t, make);
    await start();
    assert.deepEqual([engine.pause, engine.resume], [undefined, undefined]);
  });
}

function pauseTests(make: MakeEngine): void {
  /** Something that is paused. */
  async function paused(t: TestContext) {
    const its = await bench(t, make);
    const { request, target } = await its.start();
    await its.engine.pause?.(request.id);
    return { ...its, request, target };
  }

  test('what is paused is seen and listed as paused, and its start lets it go on at the same target', async (t) => {
    const { engine, request, target } = await paused(t);
    assert.deepEqual(await engine.inspect(request.id), { state: 'paused', target });
    assert.deepEqual(await engine.list(), [{ id: request.id, state: { state: 'paused', target } }]);
    assert.deepEqual(await engine.start(request, never()), target);
    assert.deepEqual(await engine.inspect(request.id), { state: 'running', target });
  });

  test('what is paused can be let go on without more, and nothing else can', async (t) => {
    const { engine, request, target } = await paused(t);
    assert.equal(await engine.resume?.(request.id, never()), true);
    assert.deepEqual(await engine.inspect(request.id), { state: 'running', target });
    assert.equal(await engine.resume?.(request.id, never()), false);
    await engine.stop(request.id, { graceMs: 5_000 });
    assert.equal(await engine.resume?.(request.id, never()), false);
    assert.equal((await engine.inspect(request.id)).state, 'exited');
    assert.equal(await engine.resume?.('never-there' as InstanceId, never()), false);
  });

  test('what goes on after a pause is the very same: it was not started again', async (t) => {
    const { harness, engine, request } = await paused(t);
    await engine.start(request, never());
    await engine.pause?.(request.id);
    await engine.start(request, never());
    assert.deepEqual(await harness.dataUsers(DATA_NAME), [request.id]);
    const lines = await linesOf(engine, { of: { instance: request.id }, tail: 100, follow: false });
    assert.equal(lines.filter(({ text }) => text.includes(request.id)).length, 1);
  });

  test('pausing twice is fine', async (t) => {
    const { engine, request, target } = await paused(t);
    await engine.pause?.(request.id);
    assert.deepEqual(await engine.inspect(request.id), { state: 'paused', target });
  });

  test('what does not run can not be paused', async (t) => {
    const { engine, request } = await paused(t);
    await engine.stop(request.id, { graceMs: 5_000 });
    await assert.rejects(async () => engine.pause?.(request.id), hasCode('engine-failed'));
    await assert.rejects(async () => engine.pause?.('never-there' as InstanceId), hasCode('engine-failed'));
  });

  test('what is paused ends when it is stopped or removed, and is started anew after that', async (t) => {
    const { engine, request } = await paused(t);
    await engine.stop(request.id, { graceMs: 1_000 });
    assert.equal((await engine.inspect(request.id)).state, 'exited');
    const target = await engine.start(request, never());
    assert.deepEqual(await engine.inspect(request.id), { state: 'running', target });
    await engine.pause?.(request.id);
    await engine.remove(request.id);
    assert.deepEqual([await engine.inspect(request.id), await engine.list()], [{ state: 'absent' }, []]);
  });

  test('what is paused stays so over a restart of the controller, which can let it go on', async (t) => {
    const { harness, request, target } = await paused(t);
    const next = await harness.restart();
    assert.deepEqual(await next.list(), [{ id: request.id, state: { state: 'paused', target } }]);
    assert.deepEqual(await next.start(request, never()), target);
    assert.deepEqual(await next.inspect(request.id), { state: 'running', target });
  });

  test('the death of what is paused is told', async (t) => {
    const { harness, engine, request } = await paused(t);
    const told = nextEvent(engine, (event) => event.kind === 'exited' && event.id === request.id);
    await harness.kill(request.id);
    await told;
    assert.equal((await engine.inspect(request.id)).state, 'exited');
  });

  test('what we pause and let go on ourselves is no event; what somebody else pauses is a gap', async (t) => {
    const { harness, engine, build, instanceRequest } = await bench(t, make);
    const { artifact } = await build();
    const [ours, theirs] = ['ours', 'theirs'].map((id) => instanceRequest(artifact, { id: id as InstanceId }));
    if (ours === undefined || theirs === undefined) return;
    const events: EngineEvent[] = [];
    const end = new AbortController();
    const reading = (async () => {
      for await (const event of engine.events(end.signal)) events.push(event);
    })();
    await engine.start(ours, never());
    await engine.start(theirs, never());
    events.length = 0;
    await engine.pause?.(ours.id);
    await engine.start(ours, never());
    assert.deepEqual(events, []);
    await harness.pauseByHand?.(theirs.id);
    await eventually(() => (events.some(({ kind }) => kind === 'gap') ? true : undefined));
    assert.equal((await engine.inspect(theirs.id)).state, 'paused');
    end.abort();
    await reading;
    assert.deepEqual(
      events.filter(({ kind }) => kind !== 'gap'),
      [],
    );
  });
}

function dataTests(make: MakeEngine): void {
  test('data is kept from one revision to the next, and over the end of instances', async (t) => {
    const { harness, engine, build, instanceRequest } = await bench(t, make);
    for (const id of ['first', 'second']) {
      const { artifact } = await build('steady', `tree of ${id}`);
      await engine.start(instanceRequest(artifact, { id: id as InstanceId }), never());
      await eventually(async () => ((await harness.dataUsers(DATA_NAME)).includes(id) ? true : undefined));
      await engine.remove(id as InstanceId);
    }
    assert.deepEqual(await harness.dataUsers(DATA_NAME), ['first', 'second']);
  });

  test('only removing it removes data; twice is fine, and so is a missing one', async (t) => {
    const { harness, engine, start } = await bench(t, make);
    const { request } = await start();
    await eventually(async () => ((await harness.dataUsers(DATA_NAME)).length > 0 ? true : undefined));
    await engine.remove(request.id);
    await engine.removeArtifact(request.artifact.key);
    assert.equal((await harness.dataUsers(DATA_NAME)).length, 1);
    await engine.removeData(DATA_NAME);
    await engine.removeData(DATA_NAME);
    await engine.removeData('prod/never-there');
    assert.deepEqual(await harness.dataUsers(DATA_NAME), []);
  });
}

const DATA_NAME = 'prod/app-0123456789ab';

/** Shorthands around one harness. */
async function bench(t: TestContext, make: MakeEngine) {
  const harness = await make(t);
  const { engine } = harness;
  const buildRequest = (kind: AppKind = 'steady', name: string = kind) => countedBuild(harness, kind, name);
  const build = async (kind?: AppKind, name?: string) => {
    const { request } = buildRequest(kind, name);
    return { request, artifact: await engine.build(request, never()) };
  };
  const instanceRequest = (artifact: Artifact, changes: Partial<InstanceRequest>): InstanceRequest =>
    requestFor(harness, artifact, changes);
  const start = async () => {
    const request = instanceRequest((await build()).artifact, {});
    return { request, target: await engine.start(request, never()) };
  };
  return { harness, engine, buildRequest, build, instanceRequest, start };
}

function countedBuild(harness: EngineHarness, kind: AppKind, name: string) {
  const { spec, exportTree } = harness.source(kind, name);
  const tree = Buffer.from(name).toString('hex').padEnd(40, '0').slice(0, 40) as TreeId;
  const inputs: ArtifactInputs = { engine: harness.engine.name, spec, tree: exportTree && tree, build: {} };
  const exports = { count: 0 };
  const counted: ExportTree | null =
    exportTree &&
    ((into, signal) => {
      exports.count += 1;
      return exportTree(into, signal);
    });
  const request: BuildRequest = { key: artifactKey(inputs), inputs, exportTree: counted };
  return { request, exports };
}

function requestFor(harness: EngineHarness, artifact: Artifact, changes: Partial<InstanceRequest>): InstanceRequest {
  const { spec } = harness.source('steady', 'steady');
  const params = harness.engine.name === 'proxy' ? { url: 'https://docs.example.com/base' } : {};
  const none = { params: {}, containerOpts: {} };
  return {
    id: 'i-1' as InstanceId,
    env: 'prod' as EnvName,
    app: '/app' as AppId,
    generation: 1,
    revision: 'a'.repeat(64) as RevisionHash,
    spec: {
      artifact: artifact.key,
      engine: harness.engine.name,
      spec,
      params,
      containerOpts: {},
      containerArgs: {},
      containerVols: [],
      appConfig: {},
      overrides: { stage: none, previews: none },
    },
    artifact,
    variables: { APP_URL: 'http://localhost:8080/app', APP_PATH: '/app', APP_ENV: 'prod' },
    containerOpts: {},
    dataName: DATA_NAME,
    ...changes,
  };
}

/** Exports, then says so and waits until the signal aborts: what a slow fetch looks like when it is cut off. */
function hangingExport(request: BuildRequest, onExported: () => void): ExportTree {
  return async (into, signal) => {
    const exported: Promise<void> | undefined = request.exportTree?.(into, signal);
    await exported;
    onExported();
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    throw signal.reason;
  };
}

function nextEvent(engine: Engine, isIt: (event: EngineEvent) => boolean): Promise<EngineEvent> {
  const events = engine.events(AbortSignal.timeout(LIMIT_MS));
  return (async () => {
    for await (const event of events) if (isIt(event)) return event;
    return assert.fail('the event did not come in time');
  })();
}

async function linesOf(engine: Engine, request: LogRequest): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of engine.logs(request, AbortSignal.timeout(LIMIT_MS))) lines.push(line);
  return lines;
}

function findLine(lines: readonly LogLine[], text: string): LogLine | undefined {
  return lines.find((line) => line.text.includes(text));
}

function hasCode(code: string) {
  return (error: unknown) => error instanceof MainspringError && error.code === code;
}

function never(): AbortSignal {
  return new AbortController().signal;
}
