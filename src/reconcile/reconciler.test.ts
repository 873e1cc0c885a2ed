import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Loop } from '../../test/support/loop.ts';
import { next } from '../../test/support/recorded.ts';
import { readAudit } from '../audit/log.ts';
import { MainspringError } from '../model/errors.ts';
import { put } from '../store/changes.ts';

/** A loop with one app live. */
async function live(
  t: TestContext,
  app: Parameters<Loop['app']>[1] = {},
  edit: ConstructorParameters<typeof Loop>[1] = {},
) {
  const loop = new Loop(t, edit);
  loop.config({ apps: [loop.app('a', app)] });
  await loop.start(5_000);
  assert.notEqual(loop.deployment('a')?.live ?? null, null, 'not live');
  loop.news();
  return loop;
}

const process_ = { spec: 'procfile' } as const;

test('a push goes live: accepted, planned, built, started, switched, in this order', async (t) => {
  const loop = new Loop(t);
  loop.config({ apps: [loop.app('a')] });
  await loop.start();
  assert.deepEqual(loop.news(), [
    'config.accepted',
    'environment.opened',
    'deployment.planned',
    'artifact.built',
    'instance.started',
    'deployment.live',
  ]);
  assert.notEqual(loop.served('a'), null);
});

test('a push goes live in stage, then the same artifact in production, built once', async (t) => {
  const loop = new Loop(t);
  loop.config({ apps: [loop.app('a', { stage: true })] });
  await loop.start();
  const events = [...readAudit(loop.ports.connection)].filter(({ env }) => env !== null);
  assert.deepEqual(
    events.map(({ kind, env }) => `${kind} ${env}`),
    [
      ...['environment.opened stage', 'environment.opened prod', 'deployment.planned prod', 'deployment.planned stage'],
      'artifact.built prod',
      ...['instance.started stage', 'deployment.live stage', 'instance.started prod', 'deployment.live prod'],
    ],
  );
  assert.equal(loop.ports.world.builds, 1);
  assert.equal(
    loop.deployment('a', 'stage')?.live?.target.artifact,
    loop.deployment('a')?.live?.target.artifact ?? 'not live',
  );
});

test('what never gets healthy in stage never comes to production, and says so there', async (t) => {
  const loop = await live(
    t,
    { ...process_, stage: true },
    { behave: ({ variables }) => ({ healthy: variables.N === '1' ? 'never' : 'at-once' }) },
  );
  const before = loop.served('a');
  const health = { timeoutMs: 5_000 };
  loop.config({ apps: [loop.app('a', { ...process_, stage: true, params: { N: 1 }, health })] });
  await loop.look(10_000);
  const states = ['stage', 'prod'].map((env) => loop.deployment('a', env)?.next);
  assert.deepEqual(
    states.map((next) => [next?.state, next?.problem?.code]),
    [
      ['quarantined', 'health-timeout'],
      ['held', 'stage-failed'],
    ],
  );
  assert.equal(loop.served('a'), before);
  loop.config({ apps: [loop.app('a', { ...process_, stage: true, params: { N: 2 }, health })] });
  await loop.look();
  assert.deepEqual([loop.deployment('a')?.next, loop.deployment('a')?.live?.target.values.params.N], [null, 2]);
});

test('a change is started and verified beside the old one, then switched, then the old one goes', async (t) => {
  const loop = await live(t, process_);
  const before = loop.served('a');
  loop.config({ apps: [loop.app('a', { ...process_, params: { N: 1 } })] });
  await loop.look();
  assert.deepEqual(loop.news(), [
    'config.accepted',
    'deployment.planned',
    'instance.started',
    'deployment.live',
    'instance.stopped',
  ]);
  assert.notEqual(loop.served('a'), before);
  assert.equal(loop.ports.world.inventory().instances.length, 1);
});

test('an unchanged poll writes nothing, asks no engine anything and lists each repo once', async (t) => {
  const loop = await live(t);
  const { calls } = loop.ports.git;
  const [engineCalls, head] = [{ ...loop.ports.world.calls }, loop.ports.store.head];
  calls.length = 0;
  await loop.pass(30_000);
  assert.deepEqual(
    calls.map((call) => call.split(' ')[0]),
    ['list'],
  );
  assert.deepEqual([loop.ports.world.calls, loop.ports.store.head, loop.news()], [engineCalls, head, []]);
});

test('a new source repo is listed once when it is first named', async (t) => {
  const loop = new Loop(t);
  const url = 'https://git.example.com/a';
  loop.ports.git.repo(url).push({ 'index.html': '1' });
  loop.config({ apps: [{ path: '/a' }] });
  await loop.start();
  assert.equal(loop.ports.git.calls.filter((call) => call === `list ${url}`).length, 1);
  assert.notEqual(loop.served('a'), null);
});

test('how long a change took counts from when its own commit was seen, not from the last change of the config', async (t) => {
  const loop = new Loop(t);
  const repo = loop.ports.git.repo('https://git.example.com/a');
  repo.push({ 'index.html': '1' });
  loop.config({ apps: [{ path: '/a' }] });
  await loop.start();
  await loop.pass(3_600_000);
  repo.push({ 'index.html': '2' });
  await loop.look();
  const took = Date.parse(loop.deployment('a')?.live?.since ?? '') - loop.ports.clock.now();
  assert.ok(took <= 0 && took >= -1_000);
  const { connection } = loop.ports;
  const details = connection.all<{ detail: string }>({
    compile: () =>
      ({
        sql: "SELECT detail FROM audit WHERE kind = 'deployment.planned' ORDER BY id DESC LIMIT 1",
        parameters: [],
      }) as never,
  });
  assert.ok(JSON.parse(details[0]?.detail ?? '{}').seen_ms_ago < 1_000, details[0]?.detail);
});

test('a change of policy of a live app restarts nothing', async (t) => {
  const loop = await live(t, process_);
  const calls = { ...loop.ports.world.calls };
  loop.config({ apps: [loop.app('a', { ...process_, health: { path: '/up' } })] });
  await loop.look();
  assert.deepEqual(loop.news(), ['config.accepted', 'deployment.settings']);
  assert.deepEqual(loop.ports.world.calls, calls);
});

test('what never gets healthy is quarantined when its time is over, and what was live serves on', async (t) => {
  const loop = await live(t, process_, {
    behave: ({ variables }) => ({ healthy: variables.N === '1' ? 'never' : 'at-once' }),
  });
  const before = loop.served('a');
  const health = { timeoutMs: 5_000 };
  loop.config({ apps: [loop.app('a', { ...process_, params: { N: 1 }, health })] });
  await loop.look(10_000);
  assert.deepEqual([loop.deployment('a')?.next?.state, loop.served('a')], ['quarantined', before]);
  assert.ok(loop.news().includes('deployment.quarantined'));
  await loop.restart();
  await loop.pass(60_000);
  assert.deepEqual(loop.news(), [], 'tried again');
  loop.config({ apps: [loop.app('a', { ...process_, params: { N: 2 }, health })] });
  await loop.look();
  assert.deepEqual([loop.deployment('a')?.next, loop.deployment('a')?.live?.target.values.params.N], [null, 2]);
});

test('an app that is being verified and dies is started again until it stays up', async (t) => {
  const loop = await live(t, process_, {
    behave: (_, attempt) => (attempt <= 2 ? { dies: { afterMs: 0 }, healthy: 'never' } : {}),
  });
  assert.equal(loop.deployment('a')?.live?.condition, null);
});

test('a live instance that dies is started again, and the log says both', async (t) => {
  const loop = await live(t, process_);
  const [instance] = loop.ports.world.inventory().instances;
  loop.ports.world.kill(instance?.id as never);
  await loop.pass(5_000);
  assert.deepEqual(loop.news(), ['drift.seen', 'instance.started', 'drift.repaired']);
  assert.equal(loop.deployment('a')?.live?.condition, null);
});

test('a live instance that can not be started again for now says why, and is back when it can, without a change in git', async (t) => {
  let broken = false;
  const loop = await live(t, process_, {
    fault: ({ method }) => {
      if (broken && method === 'start') throw new MainspringError('proxy-target-refused', 'only a person can mend it');
      return 'none';
    },
  });
  broken = true;
  loop.ports.world.kill(loop.ports.world.inventory().instances[0]?.id as never);
  await loop.pass(600_000);
  assert.equal(loop.deployment('a')?.live?.condition?.reason, 'proxy-target-refused');
  broken = false;
  await loop.pass(61_000);
  assert.equal(loop.deployment('a')?.live?.condition, null);
});

test('what is live and lost its artifact is built again for as long as it takes', async (t) => {
  let broken = false;
  const loop = await live(t, process_, {
    fault: ({ method }) => {
      if (broken && method === 'build') throw new MainspringError('build-failed', 'registry is down');
      return 'none';
    },
  });
  broken = true;
  loop.ports.world.loseArtifact(loop.deployment('a')?.live?.target.artifact as never);
  await loop.pass(600_000);
  broken = false;
  await loop.pass(61_000);
  assert.equal(loop.ports.world.inventory().artifacts.length, 1);
});

test('an app that leaves the config loses its route, then its instance, then its row; its data after the time of retention', async (t) => {
  const loop = await live(t, process_);
  loop.config({ apps: [] });
  await loop.look();
  assert.deepEqual(loop.news(), [
    'config.accepted',
    'deployment.removing',
    'deployment.unrouted',
    'instance.stopped',
    'deployment.removed',
    'data.retained',
  ]);
  assert.deepEqual([loop.served('a'), loop.deployment('a')], [null, undefined]);
  assert.equal(loop.ports.world.data.size, 1);
  await loop.pass(3_700_000);
  assert.deepEqual(loop.news().toSorted(), ['artifact.removed', 'data.removed']);
  assert.deepEqual([loop.ports.world.data.size, loop.ports.world.artifacts.size], [0, 0]);
});

test('an app that comes back within the time of retention has its data again', async (t) => {
  const loop = await live(t, process_);
  loop.config({ apps: [] });
  await loop.look();
  loop.config({ apps: [loop.app('a', process_)] });
  await loop.look();
  await loop.pass(7_200_000);
  assert.equal(loop.ports.world.data.size, 1);
  assert.equal(loop.ports.store.recorded.retained.size, 0);
});

test('two apps that trade their routes are both served in the end', async (t) => {
  const loop = new Loop(t);
  const apps = (a: string, b: string) => [
    loop.app('a', { id: 'a', path: a } as never),
    loop.app('b', { id: 'b', path: b } as never),
  ];
  loop.config({ apps: apps('/x', '/y') });
  await loop.start();
  const [x, y] = [loop.served('x'), loop.served('y')];
  loop.config({ apps: apps('/y', '/x') });
  await loop.look();
  assert.deepEqual([loop.served('x'), loop.served('y')], [y, x]);
});

test('a restart changes nothing: what runs is adopted, nothing is started, stopped or written', async (t) => {
  const loop = await live(t, process_);
  const { start, stop, build } = loop.ports.world.calls;
  await loop.restart();
  assert.deepEqual(
    [loop.ports.world.calls.start, loop.ports.world.calls.stop, loop.ports.world.calls.build],
    [start, stop, build],
  );
  assert.deepEqual(loop.news(), []);
});

test('what waits for an artifact that is being removed as it starts has it built anew once that is gone', async (t) => {
  const loop = await live(t, process_);
  const row = loop.deployment('a');
  assert.ok(row?.live);
  await loop.stop();
  const { target, generation, seenAt } = { ...row.live, seenAt: loop.ports.clock.now() };
  const artifact = loop.ports.store.recorded.artifacts.get(target.artifact);
  assert.ok(artifact);
  loop.ports.store.transact(() => [
    put('deployment', { ...row, next: next(target, { generation: generation + 1, seenAt }) }),
    put('artifact', { ...artifact, state: 'removing' }),
  ]);
  await loop.restart();
  await loop.pass(10_000);
  assert.deepEqual([loop.deployment('a')?.next, loop.ports.world.calls.build], [null, 2]);
});

test('a broken config changes nothing but the error; mending it goes on', async (t) => {
  const loop = await live(t);
  const before = loop.served('a');
  loop.config('broken');
  await loop.look();
  assert.deepEqual([loop.news(), loop.served('a')], [['config.rejected'], before]);
  assert.equal(loop.ports.store.recorded.config.errors.length, 1);
  loop.config({ apps: [loop.app('a'), loop.app('b')] });
  await loop.look();
  assert.notEqual(loop.served('b'), null);
});

test('a full disk stops nothing that serves; what was to be done is done when there is room again', async (t) => {
  const loop = await live(t);
  const before = loop.served('a');
  loop.config({ apps: [loop.app('a', { params: { N: 1 } })] });
  loop.ports.connection.isFull = true;
  await loop.look(60_000);
  assert.deepEqual([loop.served('a'), loop.news()], [before, []]);
  loop.ports.connection.isFull = false;
  await loop.pass(120_000);
  assert.equal(loop.deployment('a')?.live?.target.values.params.N, 1);
});

for (const method of ['build', 'start'] as const) {
  test(`an app whose ${method} hangs holds up no other, and gives way to its next push`, async (t) => {
    const stuck = (N: number) => ({ ...process_, params: { N } });
    const loop = new Loop(t, { fault: (call) => (call.method === method && hangs ? 'hang' : 'none') });
    let hangs = true;
    loop.config({ apps: [loop.app('a', stuck(1))] });
    await loop.start(2_000);
    assert.equal(loop.deployment('a')?.live, null);
    hangs = false;
    loop.config({ apps: [loop.app('a', stuck(2)), loop.app('b')] });
    loop.files({ 'a/Procfile': 'web: ./other' });
    await loop.look(8_000);
    assert.deepEqual([loop.served('a') !== null, loop.served('b') !== null], [true, true]);
    assert.equal(loop.ports.world.inventory().instances.length, 2);
  });
}

test('an engine that does not say what it has keeps the apps of the others from nothing', async (t) => {
  const loop = new Loop(t, { fault: ({ method }) => (method === 'list' && listings++ === 0 ? 'hang' : 'none') });
  let listings = 0;
  loop.config({ apps: [loop.app('a')] });
  await loop.start(20_000);
  assert.notEqual(loop.served('a'), null);
});

test('a hung repo delays no other repo', async (t) => {
  const loop = new Loop(t);
  const [slow, quick] = ['slow', 'quick'].map((name) => `https://git.example.com/${name}`);
  for (const url of [slow, quick]) loop.ports.git.repo(url ?? '').push({ 'index.html': url ?? '' });
  loop.ports.git.before = (method, subject, signal) =>
    method === 'list' && subject === slow ? loop.ports.clock.sleep(1e9, signal) : undefined;
  loop.config({
    apps: ['slow', 'quick'].map((name) => ({
      path: `/${name}`,
      source: { kind: 'repo', url: `https://git.example.com/${name}`, folder: '' },
    })),
  });
  await loop.start(60_000);
  assert.deepEqual([loop.served('slow'), loop.served('quick') !== null], [null, true]);
});

test('stopping ends what is under way, starts nothing and forgets nothing', async (t) => {
  const loop = new Loop(t, { fault: ({ method }) => (method === 'build' ? 'hang' : 'none') });
  loop.config({ apps: [loop.app('a')] });
  await loop.start();
  await loop.stop();
  const { next } = loop.deployment('a') ?? {};
  await loop.pass(60_000);
  assert.equal(next?.state, 'building');
  assert.deepEqual(loop.ports.warnings, []);
});

test('a build whose commit was pushed over is made from the same files by the new one', async (t) => {
  const loop = new Loop(t);
  const repo = loop.ports.git.repo('https://git.example.com/a');
  const first = repo.push({ 'index.html': '1' });
  let gone = false;
  loop.ports.git.before = (method, subject) => {
    if (gone && method === 'fetch' && subject === first)
      throw new MainspringError('git-ref-moved', 'gone', { retry: 'now' });
  };
  loop.config({ apps: [{ path: '/a' }] });
  loop.ports.git.before = (method) => {
    if (method === 'exportTree' && !gone) {
      gone = true;
      loop.ports.git.before = (again, subject) => {
        if (again === 'fetch' && subject === first)
          throw new MainspringError('git-ref-moved', 'gone', { retry: 'now' });
      };
      throw new MainspringError('git-fetch-failed', 'not now', { retry: 'after-interval' });
    }
  };
  await loop.start(10_000);
  assert.notEqual(loop.served('a'), null);
});

test('hundreds of apps that share their files all follow them, in stage too, of one build', async (t) => {
  const loop = new Loop(t);
  const source = { kind: 'config', folder: 'a' } as const;
  loop.app('a');
  loop.config({ apps: Array.from({ length: 200 }, (_, n) => ({ path: `/a${n}`, source })) });
  await loop.start();
  const before = loop.served('a199');
  loop.files({ 'a/index.html': 'other' });
  await loop.look(40_000);
  assert.deepEqual([loop.ports.store.recorded.instances.size, loop.ports.world.builds], [400, 2]);
  assert.notEqual(loop.served('a199'), before);
});
