import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { launch } from './launch.ts';
import { LogFiles } from './log-files.ts';
import { systemProcessTable } from './process-table.ts';

async function waiting(t: TestContext, command: string) {
  const cwd = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const logs = new LogFiles(join(cwd, 'log'), { maxBytes: 1_000, files: 0 });
  const environment = { PATH: '/usr/bin:/bin' };
  return { logs, launched: await launch({ command, cwd, environment, user: null, nofile: null, logs }) };
}

test('nothing of the command runs before it is released', async (t) => {
  const { launched, logs } = await waiting(t, 'echo ran');
  assert.deepEqual(await logs.tail(1), []);
  launched.release();
  assert.equal(await launched.exited, 'exited with code 0');
  assert.equal((await logs.tail(1))[0]?.text, 'ran');
});

test('what waits at the gate ends when its controller dies', async (t) => {
  const { launched } = await waiting(t, 'sleep 1000');
  process.kill(launched.pid, 'SIGKILL');
  assert.equal(await launched.exited, 'ended by SIGKILL');
  const launcher = new URL('./launch.ts', import.meta.url).href;
  const files = new URL('./log-files.ts', import.meta.url).href;
  const cwd = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(cwd, { recursive: true, force: true }));
  const script = `
    import { launch } from '${launcher}';
    import { LogFiles } from '${files}';
    const logs = new LogFiles('${cwd}/log', { maxBytes: 1000, files: 0 });
    const request = { command: 'echo ran', cwd: '${cwd}', environment: {}, user: null, nofile: null, logs };
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
