import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ArtifactKey, InstanceId } from '../../src/model/ids.ts';
import type { Engine, EngineEvent } from '../../src/runtime/engine.ts';
import {
  cgroupDirs,
  enterCgroups,
  findParents,
  makeCgroups,
  NO_PARENTS,
  pidsIn,
  removeCgroups,
} from '../../src/runtime/process/cgroups.ts';
import { ProcessEngine } from '../../src/runtime/process/process-engine.ts';
import { psTable, systemProcessTable } from '../../src/runtime/process/process-table.ts';
import { eventually, systemClock } from '../contract/engine-contract.ts';
import { tempFolder } from '../contract/fixtures.ts';
import { PROGRAM_PATH, type ProcessBench, processBench, STEADY_APP } from '../contract/process-fixture.ts';
import { buildOf, instanceOf, never, run } from '../contract/process-requests.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = { skip: !isRoot && 'needs root' };

/** The text of a file in the app's data folder, once it is there and whole. */
function written(bench: ProcessBench, name: string, dataName = 'prod/app-0123456789ab'): Promise<string> {
  const path = join(bench.dataDir, 'process', 'data', dataName, name);
  return eventually(async () => {
    const text = await readFile(path, 'utf8').catch(() => '');
    return text.endsWith('\n') ? text : undefined;
  });
}

async function exitOf(engine: Engine, events: AsyncIterable<EngineEvent>): Promise<string> {
  for await (const event of events) if (event.kind === 'exited') return event.reason;
  return assert.fail(`no exit of ${engine.name} was told`);
}

test('an app sees its variables and nothing of the daemon', async (t) => {
  const bench = await processBench(t);
  const script = 'env > "$APP_DATA/part"; mv "$APP_DATA/part" "$APP_DATA/env"; sleep 1000';
  const { url } = await run(
    bench.engine(),
    { Procfile: `web: ${script}` },
    { variables: { APP_PATH: '/app', BUCKET: 'a b' } },
  );
  const lines = (await written(bench, 'env')).trim().split('\n');
  const seen = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
  for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) seen.delete(name);
  assert.deepEqual([...seen.keys()].sort(), [
    ...['APP_DATA', 'APP_PATH', 'BUCKET', 'HOME', 'LANG', 'MAINSPRING_APP', 'MAINSPRING_ENV', 'MAINSPRING_GENERATION'],
    ...['MAINSPRING_INSTALLATION', 'MAINSPRING_INSTANCE', 'PATH', 'PORT', 'TMPDIR'],
  ]);
  assert.deepEqual(
    [seen.get('BUCKET'), seen.get('PORT'), seen.get('MAINSPRING_GENERATION')],
    ['a b', new URL(url).port, '7'],
  );
});

test('params can not replace what the engine sets', async (t) => {
  const bench = await processBench(t);
  const variables = { PORT: '1', MAINSPRING_INSTANCE: 'somebody', APP_DATA: '/etc' };
  const { request } = await run(bench.engine(), STEADY_APP, { variables });
  assert.equal(await written(bench, 'used'), `${request.id}\n`);
});

test('an app can write its data, home and temp folders, and has no open file but its output', async (t) => {
  const bench = await processBench(t);
  const script = `touch "$HOME/a" "$TMPDIR/b" "$APP_DATA/c" && readlink /proc/self/fd/0 > "$APP_DATA/in"; ls /proc/$$/fd > "$APP_DATA/part"; mv "$APP_DATA/part" "$APP_DATA/fds"; sleep 1000`;
  await run(bench.engine(), { Procfile: `web: ${script}` });
  // The shell itself holds 0, 1 and 2, and some keep a copy of their script's input at 10 and above.
  const fds = (await written(bench, 'fds')).trim().split('\n').map(Number);
  assert.deepEqual(
    fds.filter((fd) => fd < 10),
    [0, 1, 2],
  );
  assert.equal(await written(bench, 'in'), '/dev/null\n');
});

test('as root, each app and environment has a user of its own, which can not write the artifact', asRoot, async (t) => {
  const bench = await processBench(t);
  const script =
    '(id -u; id -G; touch x 2>&1 | wc -l) > "$APP_DATA/part"; mv "$APP_DATA/part" "$APP_DATA/id"; sleep 1000';
  const names = ['prod/app-1', 'prod/app-2', 'stage/app-1'];
  for (const dataName of names) {
    await run(
      bench.engine(),
      { Procfile: `web: ${script}` },
      { id: dataName.replace('/', '-') as InstanceId, dataName },
    );
  }
  const seen = await Promise.all(names.map(async (name) => (await written(bench, 'id', name)).trim().split('\n')));
  assert.equal(new Set(seen.map(([uid]) => uid)).size, 3);
  for (const [uid, groups, refusals] of seen) assert.deepEqual([groups, refusals], [uid, '1']);
  const data = await stat(join(bench.dataDir, 'process', 'data', 'prod', 'app-1'));
  assert.deepEqual([String(data.uid), data.mode & 0o777], [seen[0]?.[0], 0o700]);
});

test('as root, a data folder that other users can not enter is refused with what to do', asRoot, async (t) => {
  const bench = await processBench(t);
  const closed = join(bench.dataDir, 'closed');
  await mkdir(closed);
  await chmod(closed, 0o700);
  const engine = new ProcessEngine({
    ...{ dataDir: join(closed, 'data'), installation: bench.installation, clock: systemClock, path: PROGRAM_PATH },
  });
  t.after(() => engine.close());
  await assert.rejects(run(engine, STEADY_APP), (error: Error & { code: string; hint: string }) => {
    assert.equal(error.code, 'data-folder-failed');
    assert.ok(error.message.includes(`"${closed}"`) && error.hint.includes(`chmod o+x ${closed}`), error.message);
    return true;
  });
  const folder = join(closed, 'data', 'process', 'run');
  assert.deepEqual(await readdir(folder), ['i-1']);
  await engine.remove('i-1' as InstanceId);
  assert.deepEqual(await readdir(folder), [], 'its folders were left behind');
});

test('an app that heeds SIGTERM ends in its own time', async (t) => {
  const bench = await processBench(t);
  const app = `process.on('SIGTERM', () => { console.log('bye'); process.exit() }); setInterval(() => {}, 1000); console.log('up')`;
  const { request } = await run(bench.engine(), { Procfile: 'web: node a.cjs', 'a.cjs': app });
  const log = async () => {
    const texts: string[] = [];
    const of = { instance: request.id };
    for await (const { text } of bench.engine().logs({ of, tail: 10, follow: false }, never())) texts.push(text);
    return texts;
  };
  await eventually(async () => ((await log()).includes('up') ? true : undefined));
  await bench.engine().stop(request.id, { graceMs: 10_000 });
  assert.deepEqual(await log(), ['up', 'bye']);
});

test('an app that heeds nothing is killed after its grace time, with children in other sessions', async (t) => {
  const bench = await processBench(t);
  const script = `trap '' TERM; setsid sleep 1000 & setsid sh -c "trap '' TERM; while :; do sleep 1000; done" & echo up > "$APP_DATA/up"; while :; do sleep 1000; done`;
  const { request } = await run(bench.engine(), { Procfile: `web: ${script}` });
  await written(bench, 'up');
  const before = Date.now();
  await bench.engine().stop(request.id, { graceMs: 300 });
  assert.ok(Date.now() - before >= 300);
  assert.deepEqual(await bench.marked(), []);
});

test('a child that left session, group, parent and environment behind is found by its cgroup', asRoot, async (t) => {
  const bench = await processBench(t);
  // Two shells in between, so that the last one's parent is init.
  const hide = `env -i PATH="$PATH" setsid sh -c 'setsid sleep 4321 & echo $!'`;
  const { request } = await run(bench.engine(), { Procfile: `web: ${hide} > "$APP_DATA/pid"; sleep 1000` });
  const pid = Number(await written(bench, 'pid'));
  assert.deepEqual(systemProcessTable().environment(pid)?.has('MAINSPRING_INSTANCE'), false);
  await bench.engine().remove(request.id);
  assert.equal(systemProcessTable().find(pid)?.isZombie ?? true, true);
});

test(
  'as root, all that an app runs is in its cgroups from the beginning, and it can not open them any more',
  asRoot,
  async (t) => {
    const bench = await processBench(t);
    const look = 'cat /proc/self/cgroup > "$APP_DATA/part"; mv "$APP_DATA/part" "$APP_DATA/cgroup"';
    const containerOpts = { memory: '64m', cpus: 0.5, pids: 50 };
    const { request } = await run(bench.engine(), { Procfile: `web: ${look}; sleep 1000` }, { containerOpts });
    const seen = (await written(bench, 'cgroup')).split('\n').filter((line) => line.endsWith(`/${request.id}`));
    const dirs = cgroupDirs(findParents(), [`mainspring-${bench.installation}`, request.id]);
    assert.equal(seen.length, dirs.length);
    const files = dirs.flatMap((dir) => ['tasks', 'cgroup.procs'].map((name) => join(dir, name)));
    const owners = await Promise.all(files.filter(existsSync).map(async (file) => (await stat(file)).uid));
    assert.deepEqual([...new Set(owners)], dirs.length === 0 ? [] : [0]);
  },
);

test('as root, a process that has not put itself into a cgroup is moved there', asRoot, async (t) => {
  const installation = `test-${process.pid}`;
  const none = { memoryBytes: null, cpus: null, pids: null, nofile: null };
  const { dirs } = await makeCgroups(findParents(), [`mainspring-${installation}`, 'i-1'], none);
  const child = spawn('sleep', ['1000']);
  t.after(async () => {
    child.kill('SIGKILL');
    await removeCgroups(dirs);
  });
  // The second time it is there already.
  for (const _ of ['moved', 'left']) {
    await enterCgroups(dirs, child.pid ?? 0);
    assert.deepEqual(pidsIn(dirs), dirs.length === 0 ? [] : [child.pid]);
  }
});

test('children that outlive an instance which died are ended before it is told', async (t) => {
  const bench = await processBench(t);
  const { request } = await run(bench.engine(), {
    Procfile: 'web: setsid sleep 1000 & echo up > "$APP_DATA/up"; sleep 1000',
  });
  await written(bench, 'up');
  const events = bench.engine().events(AbortSignal.timeout(10_000));
  process.kill((await bench.record(request.id)).pid, 'SIGKILL');
  assert.equal(await exitOf(bench.engine(), events), 'ended by SIGKILL');
  assert.deepEqual(await bench.marked(), []);
});

test('a new start gets the port of the last one, or another where that is taken', async (t) => {
  const bench = await processBench(t);
  const { request, url } = await run(bench.engine(), STEADY_APP);
  await bench.engine().stop(request.id, { graceMs: 5_000 });
  assert.deepEqual(await bench.engine().start(request, never()), { kind: 'http', url, external: false });
  await bench.engine().stop(request.id, { graceMs: 5_000 });
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(Number(new URL(url).port), '127.0.0.1', resolve));
  t.after(() => other.close());
  const next = await bench.engine().start(request, never());
  assert.ok(next.kind === 'http' && next.url !== url);
});

test('a start that fails for want of its artifact takes no port', async (t) => {
  const bench = await processBench(t);
  const nowhere = 'f'.repeat(64) as ArtifactKey;
  await assert.rejects(bench.engine().start(instanceOf(nowhere), never()), /is not there/);
  const { request, url } = await run(bench.engine(), STEADY_APP);
  await bench.engine().remove(request.id);
  // An engine of which no start has failed.
  const next = await bench.restart();
  assert.deepEqual(await next.start(request, never()), { kind: 'http', url, external: false });
});

test('instances that are started together have ports of their own', async (t) => {
  const bench = await processBench(t);
  const artifact = await bench.engine().build(buildOf(STEADY_APP), never());
  const ids = ['a', 'b', 'c', 'd', 'e'] as InstanceId[];
  const targets = await Promise.all(ids.map((id) => bench.engine().start(instanceOf(artifact, { id }), never())));
  assert.equal(new Set(targets.map((target) => target.kind === 'http' && target.url)).size, 5);
});

test('an instance whose record is lost is still listed with its port, and can be removed', async (t) => {
  const bench = await processBench(t);
  const { request, url } = await run(bench.engine(), STEADY_APP);
  await written(bench, 'used');
  await rm(join(bench.dataDir, 'process', 'instances', `${request.id}.json`));
  const next = await bench.restart();
  const target = { kind: 'http', url, external: false } as const;
  assert.deepEqual(await next.list(), [{ id: request.id, state: { state: 'running', target } }]);
  await next.remove(request.id);
  assert.deepEqual(await bench.marked(), []);
});

test('a process that claims to be an instance with a name that leads elsewhere is none', async (t) => {
  const bench = await processBench(t);
  const env = { MAINSPRING_INSTALLATION: bench.installation, MAINSPRING_INSTANCE: '../../data' };
  const claimant = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { env, stdio: 'ignore' });
  t.after(() => claimant.kill('SIGKILL'));
  await eventually(async () => ((await bench.marked()).length > 0 ? true : undefined));
  assert.deepEqual(await bench.engine().list(), []);
  await assert.rejects(bench.engine().remove('../../data' as InstanceId), { code: 'engine-failed' });
  claimant.kill('SIGKILL');
  await eventually(async () => ((await bench.marked()).length === 0 ? true : undefined));
});

test('a command that can not be found is told by the shell, with its code', async (t) => {
  const bench = await processBench(t);
  const events = bench.engine().events(AbortSignal.timeout(10_000));
  await run(bench.engine(), { Procfile: 'web: no-such-program' });
  assert.equal(await exitOf(bench.engine(), events), 'exited with code 127');
});

test('a limit that can not be understood refuses the start', async (t) => {
  const bench = await processBench(t);
  await assert.rejects(run(bench.engine(), STEADY_APP, { containerOpts: { memory: 'much' } }), {
    code: 'start-failed',
    message: /container_opts "memory": expected a size such as "512m" or "2g", got "much"/,
  });
});

const EATER = {
  Procfile: 'web: node eat.cjs',
  'eat.cjs': `const held = []; setInterval(() => held.push(Buffer.alloc(8 << 20, 1)), 5)`,
};

test('as root, an app over its memory limit is killed by the kernel and the reason says so', asRoot, async (t) => {
  const bench = await processBench(t);
  const events = bench.engine().events(AbortSignal.timeout(20_000));
  await run(bench.engine(), EATER, { containerOpts: { memory: '96m', cpus: 0.5, pids: 50 } });
  assert.match(await exitOf(bench.engine(), events), /^killed: used more than 96m of memory \(cgroup v[12]\)/);
});

test('where no cgroup may be made, memory is watched and the reason says so', async (t) => {
  const bench = await processBench(t, { cgroups: NO_PARENTS });
  const events = bench.engine().events(AbortSignal.timeout(20_000));
  const { request } = await run(bench.engine(), EATER, { containerOpts: { memory: '128m', cpus: 1 } });
  assert.equal(await exitOf(bench.engine(), events), 'killed: used more than 128m of memory (watched)');
  const lines: string[] = [];
  const of = { instance: request.id };
  for await (const { text } of bench.engine().logs({ of, tail: 9, follow: false }, never())) lines.push(text);
  assert.equal(lines[0], '[mainspring] limits: memory 128m (watched), cpus 1 (not enforced)');
});

test('where no cgroup may be made, the number of processes is watched, also of an adopted instance', async (t) => {
  const bench = await processBench(t, { cgroups: NO_PARENTS });
  const script = 'while [ ! -e "$APP_DATA/go" ]; do sleep 0.05; done; for n in 1 2 3 4 5; do sleep 1000 & done; wait';
  const { request } = await run(bench.engine(), { Procfile: `web: ${script}` }, { containerOpts: { pids: 4 } });
  const next = await bench.restart();
  const events = next.events(AbortSignal.timeout(20_000));
  await writeFile(join(bench.dataDir, 'process', 'data', request.dataName, 'go'), '');
  assert.equal(await exitOf(next, events), 'killed: had more than 4 processes (watched)');
});

test('all that are watched are looked for in one reading of the process table', async (t) => {
  const table = systemProcessTable();
  /** The leaders looked at since each reading of the table. */
  const readings: Set<number>[] = [];
  const all = () => {
    readings.push(new Set());
    return table.all();
  };
  const memoryBytes = (pid: number) => {
    readings.at(-1)?.add(pid);
    return table.memoryBytes(pid);
  };
  const bench = await processBench(t, { cgroups: NO_PARENTS, table: { ...table, all, memoryBytes } });
  const leaders: number[] = [];
  for (const name of ['one', 'two', 'three']) {
    const changes = { id: `${name}-1` as InstanceId, dataName: `prod/${name}-0123456789ab` };
    const { request } = await run(bench.engine(), STEADY_APP, { ...changes, containerOpts: { memory: '512m' } });
    leaders.push((await bench.record(request.id)).pid);
  }
  const before = readings.length;
  // Neither the first, which may have begun before the last was there, nor the last, which may not be over.
  await eventually(() => (readings.length > before + 5 ? true : undefined));
  for (const looked of readings.slice(before + 1, -1)) {
    assert.deepEqual(
      leaders.filter((pid) => !looked.has(pid)),
      [],
    );
  }
});

test('where cgroups may be made but not entered, limits are watched', async (t) => {
  const parent = await tempFolder(t);
  const bench = await processBench(t, { cgroups: { v1: { pids: parent }, v2: null } });
  const group = join(parent, `mainspring-${bench.installation}`, 'i-1');
  // Nothing can be written to what is a folder.
  await mkdir(join(group, 'cgroup.procs'), { recursive: true });
  await writeFile(join(group, 'pids.max'), '');
  const { request } = await run(bench.engine(), STEADY_APP, { containerOpts: { pids: 50 } });
  assert.deepEqual((await bench.record(request.id)).enforcement, { pids: 'watched' });
});

test('an instance whose stop a crash cut off is made anew when it is wanted again', async (t) => {
  const bench = await processBench(t);
  const script = `trap 'echo asked > "$APP_DATA/asked"' TERM; echo up > "$APP_DATA/up"; while :; do sleep 0.05; done`;
  const { request } = await run(bench.engine(), { Procfile: `web: ${script}` });
  await written(bench, 'up');
  const { pid } = await bench.record(request.id);
  bench
    .engine()
    .stop(request.id, { graceMs: 60_000 })
    .catch(() => undefined);
  await written(bench, 'asked');
  const next = await bench.restart();
  await next.start(request, never());
  const record = await bench.record(request.id);
  assert.notEqual(record.pid, pid);
  const events = next.events(AbortSignal.timeout(10_000));
  process.kill(record.pid, 'SIGKILL');
  assert.equal(await exitOf(next, events), 'ended by SIGKILL');
});

test('a limit on open files holds', async (t) => {
  const bench = await processBench(t);
  await run(
    bench.engine(),
    { Procfile: 'web: ulimit -n > "$APP_DATA/n"; sleep 1000' },
    { containerOpts: { nofile: 64 } },
  );
  assert.equal(await written(bench, 'n'), '64\n');
});

test('the log of an app that prints without end stays within bounds, and following it misses little', async (t) => {
  const bench = await processBench(t, { logBounds: { maxBytes: 20_000, files: 1 } });
  const app = `let n = 0; const tick = setInterval(() => { for (let i = 0; i < 20; i++) console.log('line ' + ++n); if (n === 6000) { clearInterval(tick); console.log('last') } }, 2); setInterval(() => {}, 1000)`;
  const { request } = await run(bench.engine(), { Procfile: 'web: node a.cjs', 'a.cjs': app });
  const seen: string[] = [];
  const of = { instance: request.id };
  for await (const { text } of bench.engine().logs({ of, tail: 10_000, follow: true }, AbortSignal.timeout(20_000))) {
    seen.push(text);
    if (text === 'last') break;
  }
  assert.equal(seen.at(-1), 'last');
  assert.ok(seen.length > 1_000, `${seen.length} lines`);
  await eventually(async () => {
    const { size } = await stat(join(bench.dataDir, 'process', 'logs', request.id, 'stdout.log'));
    return size <= 20_000 ? true : undefined;
  });
});

test('without /proc, instances are found by what ps tells: adopted, told when they die, stopped with their group', async (t) => {
  const bench = await processBench(t, { table: psTable(), cgroups: NO_PARENTS });
  const { request } = await run(bench.engine(), { Procfile: 'web: sleep 1000 & sleep 1000' });
  const next = await bench.restart();
  assert.equal((await next.inspect(request.id)).state, 'running');
  const events = next.events(AbortSignal.timeout(10_000));
  process.kill((await bench.record(request.id)).pid, 'SIGKILL');
  assert.match(await exitOf(next, events), /exit status is not known/);
  await next.start(request, never());
  await next.stop(request.id, { graceMs: 5_000 });
  assert.deepEqual(await bench.marked(), []);
});
