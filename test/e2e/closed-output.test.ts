import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { staticApp } from './support/apps.ts';
import { PROGRAM } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { Installation } from './support/installation.ts';

test('a daemon whose output nobody reads any more goes on, and still ends in order', async (t) => {
  const home = await Installation.create(t, { 'apps.star': 'app("/", "./page")\n', ...staticApp('first', 'page/') });
  const child = spawn(PROGRAM[0], [...PROGRAM.slice(1), 'serve', '--config', home.file], {
    cwd: home.root,
    env: home.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'exit');
  child.stderr.resume();
  await once(child.stdout, 'data');
  child.stdout.destroy();
  child.stderr.destroy();
  await home.push('config', { 'apps.star': 'app("/", "./page")\nbroken(\n' });
  await home.push('config', { 'apps.star': 'app("/", "./page")\n', ...staticApp('second', 'page/') });
  const page = async () => ((await home.get('/')).body.includes('second') ? true : undefined);
  assert.ok(await eventually(page, { what: 'the second page' }));
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
});
