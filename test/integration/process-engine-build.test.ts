import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { LogLine } from '../../src/runtime/engine.ts';
import { eventually } from '../contract/engine-contract.ts';
import { type ProcessBench, processBench } from '../contract/process-fixture.ts';
import { buildOf, never } from '../contract/process-requests.ts';

const PROCFILE = { Procfile: 'web: node server.cjs\n' };
const isRoot = process.getuid?.() === 0;

async function buildLog(bench: ProcessBench, key: ReturnType<typeof buildOf>['key']): Promise<string[]> {
  const lines: LogLine[] = [];
  for await (const line of bench.engine().logs({ of: { build: key }, tail: 1_000, follow: false }, never()))
    lines.push(line);
  return lines.map(({ stream, text }) => `${stream}: ${text}`);
}

test('what a build makes is a part of the artifact, and its output is kept', async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'echo making; echo oh >&2; echo made > out.txt' });
  const { key } = await bench.engine().build(request, never());
  const tree = join(bench.dataDir, 'process', 'artifacts', key, 'tree');
  assert.equal(await readFile(join(tree, 'out.txt'), 'utf8'), 'made\n');
  assert.deepEqual(await buildLog(bench, key), ['stdout: making', 'stderr: oh']);
});

test('equal content has an equal digest, whatever made it', async (t) => {
  const bench = await processBench(t);
  const made = await bench.engine().build(buildOf(PROCFILE, { build: 'echo made > out.txt' }), never());
  const source = await bench.engine().build(buildOf({ ...PROCFILE, 'out.txt': 'made\n' }), never());
  const other = await bench.engine().build(buildOf({ ...PROCFILE, 'out.txt': 'Made\n' }), never());
  assert.equal(made.digest, source.digest);
  assert.notEqual(made.digest, other.digest);
});

test('a failing build says how it ended and its last lines, keeps its log and leaves no artifact', async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'for n in 1 2 3 4 5 6 7 8 9 10; do echo line $n; done; exit 4' });
  await assert.rejects(bench.engine().build(request, never()), (error: Error & { code: string }) => {
    assert.equal(error.code, 'build-failed');
    assert.match(error.message, /exited with code 4\nline 3\n.*line 10$/s);
    return true;
  });
  assert.equal(await bench.engine().hasArtifact(request.key), false);
  assert.equal((await buildLog(bench, request.key)).length, 10);
});

test('a build over its time limit is ended with all it started', async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'setsid sleep 1000 & sleep 1000', build_timeout: '200ms' });
  await assert.rejects(bench.engine().build(request, never()), { code: 'build-timeout' });
  assert.deepEqual(await bench.marked(), []);
});

test('a build that is cancelled is ended with all it started', async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'echo begun; sleep 1000' });
  const cancel = new AbortController();
  const building = assert.rejects(bench.engine().build(request, cancel.signal), { name: 'AbortError' });
  await eventually(async () => ((await buildLog(bench, request.key)).length > 0 ? true : undefined));
  cancel.abort();
  await building;
  assert.deepEqual(await bench.marked(), []);
});

test('what a build leaves running is ended, and the build is done', async (t) => {
  const bench = await processBench(t);
  await bench.engine().build(buildOf(PROCFILE, { build: 'setsid sleep 1000 & echo done' }), never());
  assert.deepEqual(await bench.marked(), []);
});

test('a build that a crash of the controller left running is ended by the next one', async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'trap "" PIPE TERM; echo begun; sleep 1000 & wait' });
  bench
    .engine()
    .build(request, never())
    .catch(() => undefined);
  await eventually(async () => ((await buildLog(bench, request.key)).length > 0 ? true : undefined));
  const next = await bench.restart();
  assert.equal(await next.hasArtifact(request.key), false);
  await next.list();
  assert.deepEqual(await bench.marked(), []);
});

test('following a build gives its lines as they come and ends with it', async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'echo one; while [ ! -e "$HOME/go" ]; do :; done; echo two' });
  const building = bench.engine().build(request, never());
  await eventually(async () => ((await buildLog(bench, request.key)).length > 0 ? true : undefined));
  const lines: string[] = [];
  const of = { build: request.key };
  for await (const { text } of bench.engine().logs({ of, tail: 10, follow: true }, AbortSignal.timeout(10_000))) {
    lines.push(text);
    if (text === 'one') await writeFile(join(bench.dataDir, 'process', 'work', request.key, 'home', 'go'), '');
  }
  await building;
  assert.deepEqual(lines, ['one', 'two']);
});

test('a build sees nothing of the daemon and of params', async (t) => {
  const bench = await processBench(t);
  const { key } = await bench.engine().build(buildOf(PROCFILE, { build: 'env' }), never());
  const names = (await buildLog(bench, key)).map((line) => line.replace(/^stdout: (\w+)=.*/, '$1'));
  const shell = ['PWD', 'OLDPWD', 'SHLVL', '_'];
  assert.deepEqual(names.filter((name) => !shell.includes(name)).sort(), [
    'HOME',
    'LANG',
    'MAINSPRING_BUILD',
    'MAINSPRING_INSTALLATION',
    'PATH',
    'TMPDIR',
  ]);
});

test('a build that prints without end stays within bounds', async (t) => {
  const bench = await processBench(t, { logBounds: { maxBytes: 10_000, files: 1 } });
  const { key } = await bench.engine().build(buildOf(PROCFILE, { build: 'seq 1 200000' }), never());
  const lines = await buildLog(bench, key);
  assert.equal(lines.at(-1), 'stdout: 200000');
  const { size } = await stat(join(bench.dataDir, 'process', 'builds', key, 'stdout.log'));
  assert.ok(size <= 10_000 + 65_536, `${size} bytes`);
});

test('a Procfile with a fault fails the build and names the line', async (t) => {
  const bench = await processBench(t);
  const request = buildOf({ Procfile: '# app\nnode server.js\n' });
  await assert.rejects(bench.engine().build(request, never()), /Procfile:2: expected "type: command"/);
});

test('as root, a build runs as a user of its own, and the artifact is ours afterwards', {
  skip: !isRoot && 'needs root',
}, async (t) => {
  const bench = await processBench(t);
  const request = buildOf(PROCFILE, { build: 'id -u; touch own.txt; chmod 4777 own.txt; cat /etc/shadow || true' });
  const { key } = await bench.engine().build(request, never());
  const [uid] = await buildLog(bench, key);
  assert.notEqual(uid, 'stdout: 0');
  const own = await stat(join(bench.dataDir, 'process', 'artifacts', key, 'tree', 'own.txt'));
  assert.deepEqual([own.uid, own.mode & 0o7777], [0, 0o755]);
});
