import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { LogFiles } from '../log-files.ts';
import { launch } from './launch.ts';
import { systemProcessTable } from './process-table.ts';

async function waiting(
  t: TestContext,
  command: string,
  { entries = [], variables = {} }: { entries?: readonly string[]; variables?: Record<string, string> } = {},
) {
  const cwd = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const logs = new LogFiles(join(cwd, 'log'), { maxBytes: 1_000, files: 0 });
  const environment = { PATH: '/usr/bin:/bin', ...variables };
  return { logs, launched: await launch({ command, cwd, environment, user: null, nofile: null, logs, entries }) };
}

test('nothing of the command runs before it is released', async (t) => {
  const { launched, logs } = await waiting(t, 'echo ran');
  assert.deepEqual(await logs.tail(1), []);
  launched.release();
  assert.equal(await launched.exited, 'exited with code 0');
  assert.equal((await logs.tail(1))[0]?.text, 'ran');
});

test("what waits has put itself into its entries before, and one that refuses it is in nobody's way", async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const entries = [join(dir, 'a b'), join(dir, 'missing', 'tasks'), join(dir, 'c')];
  const { launched, logs } = await waiting(t, 'echo ran', { entries });
  await launched.waiting;
  const written = await Promise.all(['a b', 'c'].map((name) => readFile(join(dir, name), 'utf8')));
  assert.deepEqual(written, ['0\n', '0\n']);
  launched.release();
  assert.equal(await launched.exited, 'exited with code 0');
  assert.deepEqual(
    (await logs.tail(9)).map(({ text }) => text),
    ['ran'],
  );
});

test('the command sees nothing of the gate', async (t) => {
  const command = '[ -e /proc/self/fd/3 ] || echo "closed, $go, $#"; read -r line || echo "no input"';
  const { launched, logs } = await waiting(t, command, { variables: { go: 'its own' } });
  launched.release();
  await launched.exited;
  assert.deepEqual(
    (await logs.tail(9)).map(({ text }) => text),
    ['closed, its own, 0', 'no input'],
  );
});

for (const [what, command, text, end] of [
  ['sees nothing of the gate either', `printf '%s|' "$1" "$go" a\\ b`, '|its own|a b|', 'exited with code 0'],
  ['that is not there', 'no-such-program', '/bin/sh: 9: exec: no-such-program: not found', 'exited with code 127'],
] as const)
  test(`a plain command ${what}`, async (t) => {
    const { launched, logs } = await waiting(t, command, { variables: { go: 'its own' } });
    launched.release();
    assert.equal(await launched.exited, end);
    assert.equal((await logs.tail(1))[0]?.text.replace(/: (?:line )?\d+:/, ': 9:'), text);
  });

test('one that ends at the gate is not waited for', async (t) => {
  const { launched } = await waiting(t, 'echo ran');
  process.kill(launched.pid, 'SIGKILL');
  await launched.waiting;
  launched.release();
  assert.equal(await launched.exited, 'ended by SIGKILL');
});

test('what waits at the gate ends when its controller dies', async (t) => {
  const { launched } = await waiting(t, 'sleep 1000');
  process.kill(launched.pid, 'SIGKILL');
  assert.equal(await launched.exited, 'ended by SIGKILL');
  const launcher = new URL('./launch.ts', import.meta.url).href;
  const files = new URL('../log-files.ts', import.meta.url).href;
  const cwd = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const script = `
    import { launch } from '${launcher}';
    import { LogFiles } from '${files}';
    const logs = new LogFiles('${cwd}/log', { maxBytes: 1000, files: 0 });
    const request = { command: 'echo ran', cwd: '${cwd}', environment: {}, user: null, nofile: null, logs, entries: [] };
    console.log((await launch(request)).pid);
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const deadline = Date.now() + 5_000;
  while (systemProcessTable().find(Number(line))?.isZombie === false) {
    assert.ok(Date.now() < deadline, 'it still waits');
    await delay(10);
  }
  assert.equal(await readFile(join(cwd, 'log', 'stdout.log'), 'utf8'), '');
});
