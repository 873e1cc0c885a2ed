import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { extract } from 'tar-stream';
import type { SourceContent, SourceEntry, SourceTree } from '../../../model/source-tree.ts';
import { contextStream } from './context.ts';
import { folderTree } from './folder-tree.ts';

const never = new AbortController().signal;
const PIECE = Buffer.alloc(64 * 1024);

type Content = SourceContent['content'];

/** A tree of these files, in this order; `name@` is a symlink. */
function treeOf(files: Readonly<Record<string, string | ((signal: AbortSignal) => Content)>>, size = 0): SourceTree {
  const entries = Object.entries(files).map(([name, text]): SourceEntry => {
    const kind = name.endsWith('@') ? 'symlink' : 'file';
    return { path: name.replace('@', ''), kind, mode: 0o644, size: typeof text === 'string' ? text.length : size };
  });
  return {
    entries,
    read: async function* (wanted, signal) {
      for (const entry of wanted) {
        const text = files[entry.path] ?? files[`${entry.path}@`] ?? '';
        yield { entry, content: typeof text === 'string' ? Buffer.from(text) : text(signal) };
      }
    },
  };
}

/** What a tar holds: `path` or `path=text`, `path -> target`. */
async function listing(parts: Parameters<typeof contextStream>[0]): Promise<string[]> {
  const found: string[] = [];
  const reader = extract();
  contextStream(parts, never).pipe(reader);
  for await (const file of reader) {
    const pieces: Buffer[] = [];
    for await (const piece of file) pieces.push(piece as Buffer);
    const { name, type, linkname } = file.header;
    const text = Buffer.concat(pieces).toString();
    found.push(type === 'symlink' ? `${name} -> ${linkname}` : type === 'directory' ? name : `${name}=${text}`);
  }
  return found;
}

test('folders come before what is in them, by name, whatever the order of the entries', async () => {
  const files = { 'b/y': '1', 'b/x/z': '2', a: '3', 'b.txt': '4', 'link@': 'b/y', empty: '' };
  assert.deepEqual(await listing({ tree: treeOf(files), ignore: null, own: { own: 'o' } }), [
    ...['own=o', 'a=3', 'b/', 'b/x/', 'b/x/z=2', 'b/y=1', 'b.txt=4', 'empty=', 'link -> b/y'],
  ]);
});

test('what is left out is not even read; a folder that is left out comes without those that are taken in again', async () => {
  const unread = () => assert.fail('it was read');
  const files = { 'out/x': unread, 'out/in': '1', 'kept/x.log': unread, 'z.log': unread };
  const ignore = 'out\n!out/in\n**/*.log\n';
  assert.deepEqual(await listing({ tree: treeOf(files), ignore, own: {} }), ['kept/', 'out/in=1']);
});

test('a file of our own takes the place of the one of the source', async () => {
  const parts = { tree: treeOf({ Dockerfile: 'theirs', a: '1' }), ignore: null, own: { Dockerfile: 'ours' } };
  assert.deepEqual(await listing(parts), ['Dockerfile=ours', 'a=1']);
  assert.deepEqual(await listing({ ...parts, tree: null }), ['Dockerfile=ours']);
});

/** A large file of which is known how many pieces were taken, and whether it was let go of. */
function large() {
  const seen = { pieces: 0, isOver: false };
  async function* content(signal: AbortSignal) {
    try {
      for (; seen.pieces < 1_000; seen.pieces++) {
        signal.throwIfAborted();
        yield PIECE;
      }
    } finally {
      seen.isOver = true;
    }
  }
  return { seen, tree: treeOf({ large: content, next: 'x' }, 1_000 * PIECE.length) };
}

test('a large file is read no faster than it is taken', async () => {
  const { seen, tree } = large();
  const stream = contextStream({ tree, ignore: null, own: {} }, never);
  let bytes = 0;
  let most = 0;
  for await (const piece of stream) {
    await settled();
    bytes += piece.length;
    most = Math.max(most, seen.pieces * PIECE.length - bytes);
  }
  assert.ok(bytes > 1_000 * PIECE.length);
  assert.ok(most <= 8 * PIECE.length, `${most} bytes were waiting`);
});

test('who takes no more of it ends the reading', async () => {
  const { seen, tree } = large();
  const stream = contextStream({ tree, ignore: null, own: {} }, never);
  await stream[Symbol.asyncIterator]().next();
  stream.destroy();
  await settled();
  assert.equal(seen.isOver, true);
});

test('what can not be read is the error of the stream, and so is the reason of an abort', async () => {
  const broken = treeOf({
    a: '1',
    b: () => {
      throw new Error('own');
    },
  });
  await assert.rejects(contextStream({ tree: broken, ignore: null, own: {} }, never).toArray(), /own/);
  const cancel = new AbortController();
  const stream = contextStream({ tree: large().tree, ignore: null, own: {} }, cancel.signal);
  const all = stream.toArray();
  cancel.abort(new DOMException('superseded', 'AbortError'));
  await assert.rejects(all, /superseded/);
});

test('the same files are the same bytes, whatever their times', async (t) => {
  const folder = await someFiles(t);
  const sent = async () => {
    const tree = await folderTree(folder);
    return buffer(contextStream({ tree, ignore: null, own: { Containerfile: 'FROM scratch\n' } }, never));
  };
  const first = await sent();
  await utimes(join(folder, 'sub', 'file'), 1_700_000_000, 1_700_000_000);
  assert.deepEqual(await sent(), first);
});

test('nothing that is sent has a time that programs take for none', async (t) => {
  const folder = await someFiles(t);
  const tar = extract();
  const tree = await folderTree(folder);
  contextStream({ tree, ignore: null, own: { Containerfile: 'FROM scratch\n' } }, never).pipe(tar);
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

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
