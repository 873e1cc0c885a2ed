import assert from 'node:assert/strict';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MainspringError } from '../../src/model/errors.ts';
import type { InstanceId } from '../../src/model/ids.ts';
import type { Artifact } from '../../src/model/revision.ts';
import { containersWith, networksWith, volumesWith } from '../../src/runtime/docker/connection/listing.ts';
import { installationLabel } from '../../src/runtime/docker/labels.ts';
import { containerName } from '../../src/runtime/docker/names.ts';
import type { EngineEvent } from '../../src/runtime/engine.ts';
import { type DockerBench, dockerBench, TEST_SETTINGS } from '../contract/docker-fixture.ts';
import { eventually } from '../contract/engine-contract.ts';
import { tempFolder } from '../contract/fixtures.ts';
import { answer } from '../support/containers/answer.ts';
import { dockerTest } from '../support/containers/docker-test.ts';
import { buildOf, type InstanceEdit, instanceOf, never } from './docker-requests.ts';

/** Answers with a page, on the port that it is told. */
const WEB =
  'FROM busybox\nRUN mkdir -p /www && echo hello > /www/index.html\nCMD ["/bin/sh", "-c", "exec httpd -f -p $PORT -h /www"]\n';

dockerTest(
  'an app answers on loopback at the port that start said, and again after it was stopped',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const artifact = await bench.engine().build(buildOf({ Dockerfile: WEB }), never());
    const request = instanceOf(artifact);
    const target = await bench.engine().start(request, never());
    assert.ok(target.kind === 'http');
    await answers(target.url);
    await bench.engine().stop(request.id, { graceMs: 2_000 });
    await assert.rejects(fetch(target.url));
    assert.deepEqual(await bench.engine().start(request, never()), target);
    await answers(target.url);
  },
);

dockerTest('a port that somebody took meanwhile is given up for another one', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const { createServer } = await import('node:net');
  const artifact = await bench.engine().build(buildOf({ Dockerfile: WEB }), never());
  const request = instanceOf(artifact);
  const first = await bench.engine().start(request, never());
  await bench.engine().stop(request.id, { graceMs: 2_000 });
  assert.ok(first.kind === 'http');
  const server = createServer().listen(Number(new URL(first.url).port), '127.0.0.1');
  t.after(() => server.close());
  const second = await bench.engine().start(request, never());
  assert.ok(second.kind === 'http' && second.url !== first.url);
  await answers(second.url);
});

dockerTest(
  'apps of one environment reach each other by name, and nothing of another environment',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const artifact = await bench.engine().build(buildOf({ Dockerfile: WEB }), never());
    await bench.engine().start(instanceOf(artifact, { id: 'prod-1', app: '/tools/sales' }), never());
    const address = await addressOf(bench, 'prod-1');
    // A program that is linked as most are: the busybox of these tests can't resolve names.
    const client = await bench.engine().build(buildOf({ Dockerfile: 'FROM debian:bookworm-slim\n' }), never());
    const open = (host: string, what: string) => `timeout 2 bash -c 'exec 3<>/dev/tcp/${host}/8080' && echo ${what}`;
    const look = `${open('tools-sales', 'by name')}; ${open(address, 'by address')}; echo`;
    assert.deepEqual(await said(bench, client, look, { env: 'prod' }), ['by name', 'by address', '']);
    const others = await said(bench, client, look, { env: 'pr-1' });
    assert.deepEqual(
      others.filter((line) => line.startsWith('by ')),
      [],
    );
    assert.deepEqual((await networksWith(bench.docker, [installationLabel(bench.installation)])).length, 1);
  },
);

dockerTest('data belongs to the user of the image, by name and by number', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  for (const user of ['app', '1234:1234']) {
    const files = { Dockerfile: `FROM busybox\nRUN echo app:x:1234:1234::/:/bin/sh >> /etc/passwd\nUSER ${user}\n` };
    const artifact = await bench.engine().build(buildOf(files), never());
    const app = `/of-${user.slice(0, 3)}`;
    assert.deepEqual(await said(bench, artifact, 'id -u; echo x > $APP_DATA/file && cat $APP_DATA/file', { app }), [
      '1234',
      'x',
    ]);
  }
});

dockerTest(
  'volumes of the image and the app are kept from one instance to the next, and go with the data alone',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const files = { Dockerfile: 'FROM busybox\nRUN mkdir -p /kept\nVOLUME /kept\n' };
    const artifact = await bench.engine().build(buildOf(files), never());
    const vols = ['cache:/cache'];
    assert.deepEqual(await said(bench, artifact, 'echo a > /kept/a; echo b > /cache/b', { vols }), []);
    assert.deepEqual(await said(bench, artifact, 'cat /kept/a /cache/b', { vols }), ['a', 'b']);
    const preview = await said(bench, artifact, 'ls /kept /cache', { vols, env: 'pr-1' });
    assert.ok(!preview.includes('a') && !preview.includes('b'), preview.join());
    const labels = [installationLabel(bench.installation)];
    assert.equal((await volumesWith(bench.docker, labels)).length, 6);
    await bench.engine().removeData('pr-1/app-0123456789ab');
    assert.equal((await volumesWith(bench.docker, labels)).length, 3);
  },
);

dockerTest(
  'a folder of the machine is mounted only below those that the settings name, wherever links lead',
  async (t, socket) => {
    const folder = await tempFolder(t);
    for (const name of ['open', 'closed']) await mkdir(join(folder, name));
    await writeFile(join(folder, 'open', 'file'), 'shared\n');
    await symlink(join(folder, 'closed'), join(folder, 'open', 'link'));
    const bench = await dockerBench(t, socket, { settings: { ...TEST_SETTINGS, binds: [join(folder, 'open')] } });
    const artifact = await bench.engine().build(buildOf({ Dockerfile: 'FROM busybox\n' }), never());
    const vols = [`${folder}/open:/shared:ro`];
    const script = 'cat /shared/file; echo x > /shared/new || echo read-only';
    const lines = await said(bench, artifact, script, { vols });
    assert.deepEqual([lines[0], lines.at(-1)], ['shared', 'read-only']);
    for (const bind of [`${folder}/closed:/x`, `${folder}/open/link:/x`, `${folder}/open/../closed:/x`]) {
      const starting = bench.engine().start(instanceOf(artifact, { id: 'no', vols: [bind] }), never());
      await assert.rejects(starting, refusedWith(/may not be mounted/));
    }
  },
);

dockerTest('an app that eats memory is killed, and the reason names the limit', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const artifact = await bench.engine().build(buildOf({ Dockerfile: 'FROM busybox\n' }), never());
  // What a shell keeps in a variable grows until the limit ends it.
  const run = { command: ['/bin/sh', '-c', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'] };
  const request = instanceOf(artifact, { run, opts: { memory: '32m' } });
  const events = eventsOf(bench, t.signal);
  await bench.engine().start(request, never());
  const event = await events.next((one) => one.kind === 'exited');
  assert.match(event.kind === 'exited' ? event.reason : '', /^killed: it went over its memory limit of 32m/);
});

dockerTest('an app that forks without end, or writes where it may not, is held by its limits', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const artifact = await bench.engine().build(buildOf({ Dockerfile: 'FROM busybox\n' }), never());
  const fork = 'i=0; while [ $i -lt 100 ]; do sleep 50 & i=$((i+1)); done; echo all of them';
  const lines = await said(bench, artifact, fork, { opts: { pids: 30 } });
  assert.ok(!lines.includes('all of them'), lines.join());
  const opts = { read_only: true };
  const script = 'echo x > /x || echo no; echo x > /tmp/x && echo temp; echo x > $APP_DATA/x && echo data';
  const ok = (await said(bench, artifact, script, { opts })).filter((line) => !line.includes('/x'));
  assert.deepEqual(ok, ['no', 'temp', 'data']);
});

dockerTest('what is paused or removed by hand is told', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const artifact = await bench.engine().build(buildOf({ Dockerfile: WEB }), never());
  const events = eventsOf(bench, t.signal);
  const request = instanceOf(artifact);
  await bench.engine().start(request, never());
  const container = bench.docker.getContainer(containerName(bench.installation, request.id));
  await answer(container.pause());
  await events.next((one) => one.kind === 'gap');
  assert.equal((await bench.engine().inspect(request.id)).state, 'paused');
  await bench.engine().start(request, never());
  await answer(container.remove({ force: true }));
  await events.next((one) => one.kind === 'removed' && one.id === request.id);
  assert.deepEqual(await bench.engine().inspect(request.id), { state: 'absent' });
});

dockerTest('a command that the image has not is an error that says so, and leaves no container', async (t, socket) => {
  const bench = await dockerBench(t, socket);
  const artifact = await bench.engine().build(buildOf({ Dockerfile: 'FROM busybox\n' }), never());
  const starting = bench
    .engine()
    .start(instanceOf(artifact, { run: { command: ['/no/such'] }, opts: { init: false } }), never());
  await assert.rejects(starting, refusedWith(/no such file/));
  assert.deepEqual(await containersWith(bench.docker, [installationLabel(bench.installation)]), []);
});

dockerTest(
  'an engine that is not there is an error that is tried again; where nothing was ever made it is no matter',
  async (t, socket) => {
    const bench = await dockerBench(t, socket, { engine: '/nonexistent/docker.sock' });
    const engine = bench.engine();
    assert.deepEqual([await engine.list(), await engine.listArtifacts()], [[], []]);
    const error = await engine.build(buildOf({ Dockerfile: WEB }), never()).catch((reason: unknown) => reason);
    assert.ok(error instanceof MainspringError);
    assert.deepEqual([error.code, error.retry], ['engine-failed', 'after-interval']);
    assert.match(error.hint ?? '', /running/);
    // The folder is there by now, so something might be.
    await assert.rejects(engine.list(), { code: 'engine-failed' });
    await bench.clear();
  },
);

/** What a shell in a container prints; it is removed when it has. */

dockerTest(
  'files and folders of the source are mounted as they were built, and nobody writes to them',
  async (t, socket) => {
    const bench = await dockerBench(t, socket);
    const files = {
      'conf/a/b.txt': 'deep\n',
      'conf/run.sh': 'echo run\n',
      other: 'not mounted\n',
      'app.toml': 'level = 1\n',
    };
    const vols = ['./app.toml:/etc/app.toml', './conf:/etc/conf:ro'];
    const build = { image: 'busybox', files: ['app.toml', 'conf'] };
    const request = buildOf(files, build);
    const artifact = await bench.engine().build(request, never());
    const look =
      'cat /etc/app.toml /etc/conf/a/b.txt; ls /etc/conf; echo x > /etc/app.toml; echo x > /etc/conf/new; id -u';
    const expected = [
      ...['level = 1', 'deep', 'a', 'run.sh'],
      ...["/bin/sh: can't create /etc/app.toml: Read-only file system"],
      ...["/bin/sh: can't create /etc/conf/new: Read-only file system", '1234'],
    ];
    const edit = { vols, opts: { user: '1234' } };
    assert.deepEqual(
      (await said(bench, artifact, look, edit)).map((line) => line.replace(/: line \d+/, '')),
      expected,
    );

    const changed = await bench.engine().build(buildOf({ ...files, 'app.toml': 'level = 2\n' }, build), never());
    assert.notEqual(changed.key, artifact.key);
    assert.equal(changed.digest, artifact.digest, 'the same image');
    assert.deepEqual(await said(bench, changed, 'cat /etc/app.toml', edit), ['level = 2']);

    // What was lost beside the image is an artifact that is lost: it is made again.
    await rm(join(bench.dataDir, 'docker', 'files', artifact.key), { recursive: true });
    await assert.rejects(bench.engine().start(instanceOf(artifact, edit), never()), { code: 'start-failed' });
    assert.deepEqual(await bench.engine().build(request, never()), artifact);
    assert.deepEqual(await said(bench, artifact, 'cat /etc/app.toml', edit), ['level = 1']);
    await bench.engine().removeArtifact(artifact.key);
    assert.deepEqual(await readdir(join(bench.dataDir, 'docker', 'files')), [changed.key]);

    const missing = bench.engine().build(buildOf(files, { image: 'busybox', files: ['nothing'] }), never());
    await assert.rejects(missing, {
      code: 'build-failed',
      message: /container_vols "\.\/nothing": there is no such file/,
    });
  },
);

async function said(
  bench: DockerBench,
  artifact: Artifact,
  script: string,
  edit: InstanceEdit = {},
): Promise<string[]> {
  const engine = bench.engine();
  const run = { command: ['/bin/sh', '-c', `exec 2>&1; (${script}); echo END; exec sleep 1000`] };
  const request = instanceOf(artifact, { id: 'said-1', ...edit, run });
  await engine.start(request, never());
  const lines = await eventually(async () => {
    const all: string[] = [];
    for await (const { text } of engine.logs({ of: { instance: request.id }, tail: 1_000, follow: false }, never()))
      all.push(text);
    return all.includes('END') || all.some((line) => line.includes("can't fork")) ? all : undefined;
  });
  await engine.remove(request.id);
  return lines.filter((line) => line !== 'END');
}

function eventsOf(bench: DockerBench, signal: AbortSignal) {
  const events = bench.engine().events(signal)[Symbol.asyncIterator]();
  const next = async (isIt: (event: EngineEvent) => boolean): Promise<EngineEvent> => {
    for (;;) {
      const { value, done } = await events.next();
      if (done === true) assert.fail('the events ended');
      if (isIt(value)) return value;
    }
  };
  return { next };
}

async function answers(url: string): Promise<void> {
  await eventually(async () => {
    const response = await fetch(url).catch(() => undefined);
    return (await response?.text()) === 'hello\n' ? true : undefined;
  });
}

async function addressOf({ docker, installation }: DockerBench, id: string): Promise<string> {
  const found = await docker.getContainer(containerName(installation, id as InstanceId)).inspect();
  const networks = Object.values(found.NetworkSettings.Networks);
  return networks[0]?.IPAddress ?? '';
}

function refusedWith(message: RegExp) {
  return (error: unknown) =>
    error instanceof MainspringError && error.code === 'start-failed' && message.test(error.message);
}
