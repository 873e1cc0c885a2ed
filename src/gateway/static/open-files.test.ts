import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type OpenFile, OpenFiles } from './open-files.ts';

test('many who read one file at a time share one descriptor, which is closed after the last', async (t) => {
  const [path = ''] = someFiles(t, 1);
  const files = new OpenFiles();
  const before = process.platform === 'linux' ? descriptorsOf(path) : 0;
  const opened = await Promise.all(Array.from({ length: 50 }, () => opening(files, path)));
  assert.equal(files.count, 1);
  if (process.platform === 'linux') assert.equal(descriptorsOf(path) - before, 1);
  for (const file of opened.slice(1)) file.close();
  const buffer = Buffer.alloc(4);
  assert.equal(await opened[0]?.read(buffer, 4, 2), 4);
  assert.equal(buffer.toString(), 'le 0');
  opened[0]?.close();
  opened[0]?.close();
  assert.equal(files.count, 0);
});

test('beyond the limit it says busy, until one is given back', async (t) => {
  const [a = '', b = '', c = ''] = someFiles(t, 3);
  const files = new OpenFiles(2);
  const first = await opening(files, a);
  const second = await opening(files, b);
  assert.equal(await files.open(c), 'busy');
  const again = await opening(files, a);
  first.close();
  assert.equal(await files.open(c), 'busy');
  again.close();
  const third = await opening(files, c);
  for (const file of [second, third]) file.close();
});

test('what is gone, or is a folder, is said to be gone and holds no place', async (t) => {
  const [path = ''] = someFiles(t, 1);
  const files = new OpenFiles(1);
  assert.equal(await files.open(`${path}.none`), 'gone');
  assert.equal(await files.open(join(path, '..')), 'gone');
  assert.equal(files.count, 0);
});

async function opening(files: OpenFiles, path: string): Promise<OpenFile> {
  const file = await files.open(path);
  if (typeof file === 'string') throw new Error(file);
  return file;
}

function someFiles(t: TestContext, count: number): string[] {
  const dir = mkdtempSync(join(tmpdir(), 'open-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return Array.from({ length: count }, (_, at) => {
    writeFileSync(join(dir, `${at}`), `file ${at}`);
    return join(dir, `${at}`);
  });
}

/** How many descriptors of this process lead to the file; only Linux tells. */
function descriptorsOf(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === path).length;
}

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return '';
  }
}
