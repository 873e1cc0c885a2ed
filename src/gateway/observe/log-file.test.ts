import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogFile } from './log-file.ts';

test('a full file is put aside, and so many are kept', async (t) => {
  const dir = someFolder(t);
  const log = new LogFile({ path: join(dir, 'access.log'), maxBytes: 10, keep: 2 });
  for (const line of ['first line\n', 'second line\n', 'third line\n', 'fourth line\n', 'short\n', 'end\n']) {
    await log.append(line);
    await log.refresh();
  }
  await log.close();
  assert.deepEqual(contents(dir), { 'access.log.1': 'short\nend\n', 'access.log.2': 'fourth line\n' });
});

test('with none kept a full file is removed', async (t) => {
  const dir = someFolder(t);
  const log = new LogFile({ path: join(dir, 'access.log'), maxBytes: 1, keep: 0 });
  await log.append('a line\n');
  await log.refresh();
  await log.append('another\n');
  await log.close();
  assert.deepEqual(contents(dir), { 'access.log': 'another\n' });
});

for (const [what, take] of [
  ['moved', (dir: string) => renameSync(join(dir, 'logs/access.log'), join(dir, 'logs/moved'))],
  ['removed', (dir: string) => rmSync(join(dir, 'logs/access.log'))],
  ['removed with its folder', (dir: string) => rmSync(join(dir, 'logs'), { recursive: true })],
] as const) {
  test(`a file that was ${what} is begun anew`, async (t) => {
    const dir = someFolder(t);
    const path = join(dir, 'logs/access.log');
    const log = new LogFile({ path, maxBytes: 1_000, keep: 1 });
    await log.append('before\n');
    take(dir);
    await log.refresh();
    await log.append('after\n');
    await log.close();
    assert.equal(readFileSync(path, 'utf8'), 'after\n');
    assert.equal(statSync(path).mode & 0o007, 0);
  });
}

test('a lock that a killed process left does not last', async (t) => {
  const dir = someFolder(t);
  const path = join(dir, 'access.log');
  writeFileSync(`${path}.lock`, '');
  const log = new LogFile({ path, maxBytes: 1, keep: 1 });
  await log.append('x\n');
  await log.refresh();
  assert.deepEqual(contents(dir), { 'access.log': 'x\n', 'access.log.lock': '' });
  utimesSync(`${path}.lock`, 0, 0);
  await log.refresh();
  await log.refresh();
  await log.close();
  assert.deepEqual(contents(dir), { 'access.log.1': 'x\n' });
});

test('what cannot be written throws', async (t) => {
  const dir = someFolder(t);
  await assert.rejects(new LogFile({ path: dir, maxBytes: 1, keep: 1 }).append('x\n'), { code: 'EISDIR' });
});

test('a full disk throws', { skip: process.platform !== 'linux' && 'needs /dev/full' }, async () => {
  const log = new LogFile({ path: '/dev/full', maxBytes: 1_000, keep: 0 });
  await assert.rejects(log.append('x\n'), { code: 'ENOSPC' });
  await log.close();
});

test('four processes that write and put aside at once lose no line and cut none', async (t) => {
  const dir = someFolder(t);
  const path = join(dir, 'access.log');
  const program = `
    const { LogFile } = await import(${JSON.stringify(new URL('./log-file.ts', import.meta.url).href)});
    const log = new LogFile({ path: ${JSON.stringify(path)}, maxBytes: 20_000, keep: 1_000 });
    for (let batch = 0; batch < 60; batch += 1) {
      await log.append(Array.from({ length: 20 }, (_, at) => process.argv[1] + '-' + batch + '-' + at + 'x'.repeat(100) + '\\n').join(''));
      await log.refresh();
    }`;
  const children = ['a', 'b', 'c', 'd'].map((name) =>
    spawn(process.execPath, ['--input-type=module', '-e', program, name], { stdio: ['ignore', 'inherit', 'inherit'] }),
  );
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));
  assert.deepEqual(codes, [0, 0, 0, 0]);
  const lines = Object.values(contents(dir)).join('').trimEnd().split('\n');
  assert.ok(lines.every((line) => /^[abcd]-\d+-\d+x{100}$/.test(line)));
  assert.equal(new Set(lines).size, 4 * 60 * 20);
  assert.equal(lines.length, 4 * 60 * 20);
  assert.ok(readdirSync(dir).length > 10);
});

function someFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'log-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

function contents(dir: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(dir)
      .sort()
      .map((name) => [name, readFileSync(join(dir, name), 'utf8')]),
  );
}
