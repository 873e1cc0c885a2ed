import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tempDir } from '../../../test/support/git-repo.ts';
import { findSame, parseStat, procTable, psTable, systemProcessTable } from './process-table.ts';

const STAT = '42 (a (b) c) S 7 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 11 0 123456 1000 200';

test('the name of a program may hold brackets and spaces', () => {
  assert.deepEqual(parseStat(42, 'boot', STAT), {
    ...{ pid: 42, parent: 7, group: 40, session: 39, startTime: 'boot/123456', isZombie: false, isKernelThread: false },
  });
});

test('what waits to be reaped is a zombie', () => {
  assert.equal(parseStat(42, 'boot', STAT.replace(' S ', ' Z '))?.isZombie, true);
});

test('what is listed is all but the kernel threads, also in a PID namespace whose session began outside of it', async (t) => {
  const root = await tempDir(t);
  const stats = { 2: '2 (kthreadd) S 0 0 0 0 -1 2129984 0 0', 42: STAT, 43: STAT.replace('7 40 39', '0 0 0') };
  for (const [pid, stat] of Object.entries(stats)) {
    await mkdir(join(root, pid));
    await writeFile(join(root, pid, 'stat'), stat);
  }
  assert.deepEqual(
    (await procTable(root).all()).map(({ pid }) => pid),
    [42, 43],
  );
});

for (const [name, table] of [
  ['the table of this system', systemProcessTable()],
  ['ps', psTable()],
] as const) {
  test(`${name} finds this process, and not one that had its pid before`, () => {
    const own = table.find(process.pid) ?? assert.fail('not found');
    assert.equal(own.parent, process.ppid);
    assert.deepEqual(findSame(table, process.pid, own.startTime), own);
    assert.equal(findSame(table, process.pid, 'another time'), undefined);
    assert.ok(table.memoryBytes(process.pid) > 1_000_000);
  });

  test(`${name} lists this process and has nothing of a pid that is not there`, async () => {
    assert.ok((await table.all()).some(({ pid }) => pid === process.pid));
    assert.equal(table.find(2 ** 30), undefined);
  });
}
