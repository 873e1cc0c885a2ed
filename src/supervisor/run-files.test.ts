import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { isAlive } from './run-files.ts';

test('a process that runs is alive, one that was never there is not', () => {
  assert.equal(isAlive(process.pid), true);
  assert.equal(isAlive(2 ** 22 + 1), false);
});

// Where the first process of a container reaps nobody, a killed supervisor would else hold its folder for ever.
test('a process that ended and that nobody has reaped is not alive', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async (t) => {
  // The shell starts a child that ends soon, and becomes a program that never asks how it went.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0.5 & echo $!; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(line.toString());
  const isZombie = () => / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  const deadline = Date.now() + 10_000;
  while (!isZombie() && Date.now() < deadline) await new Promise(setImmediate);
  assert.equal(isZombie(), true);
  assert.equal(isAlive(pid), false);
});
