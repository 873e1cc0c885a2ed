import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { extract } from 'tar-stream';
import { contextStream } from './context.ts';

test('the same files are the same bytes, whatever their times', async (t) => {
  const folder = await someFiles(t);
  const sent = () => buffer(contextStream({ folder, ignore: null, own: { Containerfile: 'FROM scratch\n' } }));
  const first = await sent();
  await utimes(join(folder, 'sub', 'file'), 1_700_000_000, 1_700_000_000);
  assert.deepEqual(await sent(), first);
});

test('nothing that is sent has a time that programs take for none', async (t) => {
  const folder = await someFiles(t);
  const tar = extract();
  contextStream({ folder, ignore: null, own: { Containerfile: 'FROM scratch\n' } }).pipe(tar);
  const times: Record<string, string | undefined> = {};
  for await (const entry of tar) {
    times[entry.header.name] = entry.header.mtime?.toISOString();
    entry.resume();
  }
  const time = '2000-01-01T00:00:00.000Z';
  assert.deepEqual(times, { Containerfile: time, link: time, 'sub/': time, 'sub/file': time });
});

async function someFiles(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mainspring-context-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'sub'));
  await writeFile(join(folder, 'sub', 'file'), 'text');
  await symlink('sub/file', join(folder, 'link'));
  return folder;
}
