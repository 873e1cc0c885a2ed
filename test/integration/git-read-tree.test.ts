import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CommitId, TreeId } from '../../src/model/ids.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { contextStream } from '../../src/runtime/docker/build/context.ts';
import { folderTree } from '../../src/runtime/docker/build/folder-tree.ts';
import { eventually } from '../contract/engine-contract.ts';
import { never, testGit } from '../support/git-client.ts';
import { tempDir, tempRepo } from '../support/git-repo.ts';

const LARGE_BYTES = 12 * 1024 ** 2;

/** A repo with these files, to be read. */
async function pushed(t: TestContext, files: Parameters<Awaited<ReturnType<typeof tempRepo>>['commit']>[0]) {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush(files);
  const git = await testGit(t, { localRoots: [repo.bare] });
  const url = repo.bare as RepoUrl;
  return { repo, git, url, tree: await git.treeOf(url, commit, '') };
}

async function sumOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of stream) hash.update(piece);
  return hash.digest('hex');
}

test('what is read in the mirror is, byte for byte, what an export would be sent as', async (t) => {
  const { git, url, tree } = await pushed(t, {
    'Dockerfile.x': 'FROM x',
    'bin/run': { exec: '#!/bin/sh\n' },
    'a/b/c/deep.txt': 'deep',
    'a.txt': 'sorted between',
    empty: '',
    'odd/ü日本 "x"\n\t\\$': 'odd',
    [`${'long/'.repeat(40)}name-${'x'.repeat(120)}`]: 'long',
    'large.bin': randomBytes(LARGE_BYTES),
    'lnk/up': { link: '../a.txt' },
    'lnk/dir': { link: '../a/b' },
    'logs/only.log': 'left out',
    'logs-too/kept.log': 'taken in again',
  });
  const into = join(await tempDir(t), 'out');
  await git.exportTree(url, tree, into, never);
  const parts = { ignore: '**/*.log\n!logs-too/*', own: { own: 'ours' } };
  const exported = await sumOf(contextStream({ tree: await folderTree(into), ...parts }, never));
  const read = await sumOf(contextStream({ tree: await git.readTree(url, tree, never), ...parts }, never));
  assert.equal(read, exported);
});

test('what nobody takes any more is not read on: no process is left', async (t) => {
  const { repo, git, url, tree } = await pushed(t, { 'large.bin': randomBytes(LARGE_BYTES) });
  for (const end of ['destroy', 'abort'] as const) {
    const cancel = new AbortController();
    const parts = { tree: await git.readTree(url, tree, never), ignore: null, own: {} };
    const stream = contextStream(parts, cancel.signal);
    stream.on('error', () => undefined);
    const pieces = stream[Symbol.asyncIterator]();
    for (let bytes = 0; bytes < 1024 ** 2; ) bytes += (await pieces.next()).value?.length ?? 0;
    assert.equal((await readersOf(repo.bare)).length, 1);
    if (end === 'abort') cancel.abort();
    else stream.destroy();
    await eventually(async () => ((await readersOf(repo.bare)).length === 0 ? true : undefined));
  }
});

for (const [name, files] of [
  ['a Git LFS pointer', { bad: 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' }],
  ['a symlink that leaves the tree', { bad: { link: '../../x' } }],
] as const) {
  test(`${name} is refused by name when it is read`, async (t) => {
    const { git, url, tree } = await pushed(t, { ok: 'x', ...files });
    const stream = contextStream({ tree: await git.readTree(url, tree, never), ignore: null, own: {} }, never);
    await assert.rejects(stream.toArray(), { code: 'git-tree-unsupported', message: /"bad"/ });
  });
}

test('a submodule, and a tree that is not there, are refused before anything is read', async (t) => {
  const { repo, git, url } = await pushed(t, { ok: 'x' });
  await repo.git('update-index', '--add', '--cacheinfo', `160000,${'f'.repeat(40)},vendor/lib`);
  await repo.git('commit', '-q', '-m', 'submodule');
  await repo.push();
  const tree = await git.treeOf(url, (await repo.git('rev-parse', 'HEAD')) as CommitId, '');
  await assert.rejects(git.readTree(url, tree, never), { code: 'git-tree-unsupported', message: /"vendor\/lib"/ });
  await assert.rejects(git.readTree(url, 'e'.repeat(40) as TreeId, never), { code: /^git-/ });
});

/** Processes that read a blob of the repo. */
async function readersOf(gitDir: string): Promise<string[]> {
  const found: string[] = [];
  for (const id of await readdir('/proc')) {
    const line = /^\d+$/.test(id) ? await readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '') : '';
    if (line.includes(`--git-dir=${gitDir}`) && line.includes('\0blob\0')) found.push(line);
  }
  return found;
}
