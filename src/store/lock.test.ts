import assert from 'node:assert/strict';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { storeProcess } from '../../test/support/store-process.ts';
import { tempStore } from '../../test/support/temp-store.ts';
import { takeLock } from './lock.ts';

test('a second process on the same folder is refused with the pid of the first', async (t) => {
  const { folder } = tempStore(t);
  const first = await storeProcess(t, 'lock', folder);
  assert.equal(first.ok, true);
  assert.throws(() => takeLock(folder), {
    code: 'store-locked',
    message: new RegExp(`process ${first.pid} is using it`),
  });
  const third = await storeProcess(t, 'lock', folder);
  assert.deepEqual([third.ok, third.code], [false, 'store-locked']);
});

test('a process that is killed lets go of its lock', async (t) => {
  const { folder } = tempStore(t);
  const first = await storeProcess(t, 'lock', folder);
  await first.kill();
  takeLock(folder).release();
});

test('within one process the lock is held once, until it is released', (t) => {
  const { folder } = tempStore(t);
  const lock = takeLock(folder);
  assert.throws(() => takeLock(folder), { code: 'store-locked' });
  lock.release();
  takeLock(folder).release();
});

test('the pid of the holder stands beside the lock; it is the lock that counts', (t) => {
  const { folder } = tempStore(t);
  writeFileSync(join(folder, 'controller.pid'), '1\n');
  const lock = takeLock(folder);
  assert.equal(readFileSync(join(folder, 'controller.pid'), 'utf8'), `${process.pid}\n`);
  rmSync(join(folder, 'controller.pid'));
  assert.throws(() => takeLock(folder), { code: 'store-locked', message: /process unknown/ });
  lock.release();
});

test('a folder that can not be written is said, not taken for locked', async (t) => {
  const { folder } = tempStore(t);
  chmodSync(folder, 0o555);
  const { code } = await storeProcess(t, 'lock', folder, { asNobody: true });
  assert.equal(code, 'store-read-only');
});
