import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CommitId, TreeId } from '../../src/model/ids.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { access, never, testGit } from '../support/git-client.ts';
import { tempDir, tempRepo } from '../support/git-repo.ts';

const url = (path: string) => path as RepoUrl;
const GONE = 'f'.repeat(40) as CommitId;

test('a local repo is listed with its branches and HEAD, loose, packed and with odd names', async (t) => {
  const repo = await tempRepo(t);
  const first = await repo.commitAndPush({ a: '1' });
  const long = `x/${'y'.repeat(248)}`;
  for (const branch of ['feature/x', 'übung/日本', long, '__proto__']) await repo.push({ to: branch });
  await repo.gitBare('pack-refs', '--all');
  const second = await repo.commitAndPush({ a: '2' });
  const git = await testGit(t, { localRoots: [repo.bare] });
  const before = Date.now();
  const listing = await git.list(access(repo.bare), never);
  assert.equal(listing.head, 'main');
  assert.ok(listing.asOf >= before && listing.asOf <= Date.now());
  const expected = [['main', second], ...['feature/x', 'übung/日本', long, '__proto__'].map((name) => [name, first])];
  assert.deepEqual(Object.entries(listing.branches).sort(), expected.sort());
});

test('force push, deleted, re-created and renamed branches show in the next listing', async (t) => {
  const repo = await tempRepo(t);
  const git = await testGit(t, { localRoots: [repo.bare] });
  const list = () => git.list(access(repo.bare), never);
  const first = await repo.commitAndPush({ a: '1' });
  await repo.push({ to: 'feature/x' });
  await repo.commitAndPush({ a: '2' });
  await repo.git('reset', '-q', '--hard', first);
  const forced = await repo.commit({ a: '3' });
  await repo.push({ force: true });
  assert.deepEqual((await list()).branches, { 'feature/x': first, main: forced });
  await repo.git('push', '-q', 'origin', '--delete', 'feature/x');
  assert.deepEqual((await list()).branches, { main: forced });
  await repo.push({ to: 'feature/x' });
  assert.deepEqual((await list()).branches, { 'feature/x': forced, main: forced });
  await repo.gitBare('branch', '-m', 'main', 'trunk');
  assert.deepEqual(await list().then(({ head, branches }) => [head, Object.keys(branches)]), [
    'trunk',
    ['feature/x', 'trunk'],
  ]);
});

test('an empty repo is a listing without branches, and a HEAD that points to no branch is none', async (t) => {
  const repo = await tempRepo(t);
  const git = await testGit(t, { localRoots: [repo.bare] });
  const empty = await git.list(access(repo.bare), never);
  assert.deepEqual([empty.head, empty.branches], [null, {}]);
  await repo.commitAndPush({ a: '1' });
  await repo.gitBare('symbolic-ref', 'HEAD', 'refs/heads/elsewhere');
  assert.equal((await git.list(access(repo.bare), never)).head, null);
});

test('a vanished repo fails to list, and a damaged ref does too instead of looking deleted', async (t) => {
  const repo = await tempRepo(t);
  await repo.commitAndPush({ a: '1' });
  const git = await testGit(t, { localRoots: [repo.bare, '/nonexistent'] });
  await git.list(access(repo.bare), never);
  await writeFile(join(repo.bare, 'refs/heads/main'), '');
  await assert.rejects(git.list(access(repo.bare), never), { code: 'git-list-failed', retry: 'after-interval' });
  await rm(repo.bare, { recursive: true });
  await assert.rejects(git.list(access(repo.bare), never), (error: { code: string }) =>
    ['git-list-failed', 'git-url-refused'].includes(error.code),
  );
});

test('a work tree and a linked work tree are read like a bare repo', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commit({ 'apps/wiki/index.html': 'hi' });
  const linked = join(await tempDir(t), 'linked');
  await repo.git('worktree', 'add', '-q', '-b', 'other', linked);
  const git = await testGit(t, { localRoots: [repo.work, linked] });
  for (const [path, head] of [
    [repo.work, 'main'],
    [linked, 'other'],
  ] as const) {
    const listing = await git.list(access(path), never);
    assert.deepEqual([listing.head, listing.branches], [head, { main: commit, other: commit }]);
    await git.fetch(access(path), commit, never);
    const tree = await git.treeOf(url(path), commit, 'apps/wiki');
    assert.deepEqual(
      (await git.entries(url(path), tree, { recursive: true })).map((entry) => entry.path),
      ['index.html'],
    );
  }
});

test('only what lies below a local root is read, symlinks and .git files included', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush({ a: '1' });
  const root = await tempDir(t);
  await symlink(repo.bare, join(root, 'link.git'));
  await mkdir(join(root, 'pointer'));
  await writeFile(join(root, 'pointer/.git'), `gitdir: ${repo.bare}\n`);
  await mkdir(`${root}-beside`);
  t.after(() => rm(`${root}-beside`, { recursive: true }));
  const git = await testGit(t, { localRoots: [root] });
  for (const path of [repo.bare, join(root, 'link.git'), join(root, 'pointer'), `${root}-beside`, '/etc']) {
    await assert.rejects(git.list(access(path), never), { code: 'git-url-refused' }, path);
    await assert.rejects(git.fetch(access(path), commit, never), { code: 'git-url-refused' }, path);
    await assert.rejects(git.treeOf(url(path), commit, ''), { code: 'git-url-refused' }, path);
  }
  const open = await testGit(t, { localRoots: [root, join(repo.bare, '..')] });
  assert.deepEqual(Object.keys((await open.list(access(join(root, 'link.git')), never)).branches), ['main']);
});

test('a repo owned by another user is read', { skip: process.getuid?.() !== 0 && 'needs root' }, async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush({ 'big.bin': Buffer.alloc(9 * 1024 ** 2, 7), a: '1' });
  execFileSync('chown', ['-R', 'nobody', repo.bare]);
  const git = await testGit(t, { localRoots: [repo.bare] });
  await git.fetch(access(repo.bare), (await git.list(access(repo.bare), never)).branches.main ?? GONE, never);
  const into = join(await tempDir(t), 'out');
  await git.exportTree(url(repo.bare), await git.treeOf(url(repo.bare), commit, ''), into, never);
  assert.deepEqual(await readdir(into), ['a', 'big.bin']);
});

test('a repo that brings its own hooks, helpers and replacements cannot make us run or see them', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush({ a: 'true' });
  const touched = join(await tempDir(t), 'touched');
  await repo.gitBare('config', 'core.fsmonitor', `touch ${touched}`);
  await repo.gitBare('config', 'remote.evil.url', `ext::touch ${touched}`);
  await repo.gitBare('config', 'remote.evil.promisor', 'true');
  await repo.gitBare('config', 'extensions.partialClone', 'evil');
  await repo.gitBare('config', 'core.repositoryFormatVersion', '1');
  const other = await repo.commitAndPush({ a: 'false' });
  await repo.gitBare('replace', commit, other);
  const git = await testGit(t, { localRoots: [repo.bare] });
  await git.fetch(access(repo.bare), commit, never);
  await assert.rejects(git.fetch(access(repo.bare), GONE, never), { code: 'git-ref-moved' });
  const [entry] = await git.entries(url(repo.bare), await git.treeOf(url(repo.bare), commit, ''), { recursive: false });
  const [content] = await git.blobs(url(repo.bare), [entry?.oid ?? ''], { maxBytes: 10 });
  assert.equal(Buffer.from(content ?? []).toString(), 'true');
  await assert.rejects(stat(touched));
});

test('facts, folders, entries and blobs of a commit are read', async (t) => {
  const repo = await tempRepo(t);
  await repo.commitAndPush(
    {
      'z.star': 'app()',
      'lib/a.star': 'x',
      'lib/deep/b c.star': '',
      'lib.x': '1',
      run: { exec: '#!/bin/sh' },
      ln: { link: 'z.star' },
    },
    'Add all\n\nand more',
  );
  const commit = (await repo.gitBare('rev-parse', 'main')) as CommitId;
  const git = await testGit(t, { localRoots: [repo.bare] });
  const bare = url(repo.bare);
  await git.fetch(access(repo.bare), commit, never);
  assert.deepEqual(await git.commitFacts(bare, commit), { commit, author: 'Ada', subject: 'Add all' });
  const root = await git.treeOf(bare, commit, '');
  assert.equal(root, await repo.gitBare('rev-parse', `${commit}^{tree}`));
  assert.equal(await git.treeOf(bare, commit, 'lib/deep'), await repo.gitBare('rev-parse', `${commit}:lib/deep`));
  for (const folder of ['nope', 'z.star', 'lib/nope', 'lib/../lib', '../x', 'ln', '-x']) {
    await assert.rejects(git.treeOf(bare, commit, folder), { code: 'git-path-missing' }, folder);
  }
  const all = await git.entries(bare, root, { recursive: true });
  const lsTree = (await repo.gitBare('ls-tree', '-r', '-l', '-z', root)).split('\0').filter((line) => line !== '');
  assert.deepEqual(
    all.map((entry) => `${entry.mode} blob ${entry.oid} ${String(entry.size).padStart(7)}\t${entry.path}`),
    lsTree,
  );
  const top = await git.entries(bare, root, { recursive: false });
  assert.deepEqual(
    top.map((entry) => [entry.path, entry.mode, entry.size === null]),
    [
      ['lib.x', '100644', false],
      ['lib', '040000', true],
      ['ln', '120000', false],
      ['run', '100755', false],
      ['z.star', '100644', false],
    ],
  );
  const contents = await git.blobs(
    bare,
    all.map((entry) => entry.oid),
    { maxBytes: 100 },
  );
  assert.deepEqual(
    contents.map((content) => Buffer.from(content).toString()),
    ['1', 'x', '', 'z.star', '#!/bin/sh', 'app()'],
  );
  await assert.rejects(git.blobs(bare, [all[0]?.oid ?? ''], { maxBytes: 0 }), { code: 'git-tree-unsupported' });
  await assert.rejects(git.blobs(bare, ['HEAD\nx'], { maxBytes: 10 }), TypeError);
  await assert.rejects(git.fetch(access(repo.bare), '--upload-pack=x' as CommitId, never), { code: 'git-ref-missing' });
});

test('a local repo that is replaced by another is read as the new one', async (t) => {
  const old = await tempRepo(t);
  const oldCommit = await old.commitAndPush({ a: 'old' });
  const made = await tempRepo(t);
  const newCommit = await made.commitAndPush({ b: 'new' });
  const git = await testGit(t, { localRoots: [old.bare] });
  await git.fetch(access(old.bare), oldCommit, never);
  await git.treeOf(url(old.bare), oldCommit, '');
  await rename(old.bare, `${old.bare}.old`);
  await rename(made.bare, old.bare);
  assert.deepEqual((await git.list(access(old.bare), never)).branches, { main: newCommit });
  await git.fetch(access(old.bare), newCommit, never);
  const tree = await git.treeOf(url(old.bare), newCommit, '');
  assert.deepEqual(
    (await git.entries(url(old.bare), tree, { recursive: true })).map((entry) => entry.path),
    ['b'],
  );
});

test('a tree is exported with modes, empty files, large files and inner symlinks', async (t) => {
  const repo = await tempRepo(t);
  const large = Buffer.alloc(9 * 1024 ** 2, 'large');
  const commit = await repo.commitAndPush({
    'index.html': 'hello',
    'bin/run': { exec: '#!/bin/sh\n' },
    'a/b/c/deep.txt': 'deep',
    empty: '',
    'Case.txt': 'upper',
    'case.txt': 'lower',
    'large.bin': large,
    'lnk/up': { link: '../index.html' },
    'lnk/dir': { link: '../a/b' },
    dangling: { link: 'not/there' },
  });
  const git = await testGit(t, { localRoots: [repo.bare] });
  await git.fetch(access(repo.bare), commit, never);
  const into = join(await tempDir(t), 'new', 'out');
  const umask = process.umask(0o077);
  try {
    await git.exportTree(url(repo.bare), await git.treeOf(url(repo.bare), commit, ''), into, never);
  } finally {
    process.umask(umask);
  }
  assert.equal(await readFile(join(into, 'index.html'), 'utf8'), 'hello');
  assert.equal(await readFile(join(into, 'lnk/dir/c/deep.txt'), 'utf8'), 'deep');
  assert.equal(await readFile(join(into, 'Case.txt'), 'utf8'), 'upper');
  assert.equal(await readlink(join(into, 'dangling')), 'not/there');
  assert.ok((await readFile(join(into, 'large.bin'))).equals(large));
  const mode = async (path: string) => ((await stat(join(into, path))).mode & 0o777).toString(8);
  assert.deepEqual(await Promise.all(['bin/run', 'index.html', 'large.bin', 'a/b', '.'].map(mode)), [
    '755',
    '644',
    '644',
    '755',
    '755',
  ]);
  assert.deepEqual(await readdir(join(into, '..')), ['out']);
  await assert.rejects(git.exportTree(url(repo.bare), await git.treeOf(url(repo.bare), commit, ''), into, never), {
    code: 'unexpected',
  });
});

for (const [name, files, named] of [
  ['an absolute symlink', { 'sub/bad': { link: '/etc/passwd' } }, 'sub/bad'],
  ['a symlink that climbs out', { 'sub/bad': { link: '../../x' } }, 'sub/bad'],
  [
    'a symlink that climbs out through another one',
    { 'd/e/x': { link: '../../r' }, 'd/e/bad': { link: 'x/../..' }, 'r/f': '' },
    'd/e/bad',
  ],
  ['a Git LFS pointer', { 'big.bin': 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' }, 'big.bin'],
] as const) {
  test(`${name} is refused by name, and nothing is left behind`, async (t) => {
    const repo = await tempRepo(t);
    const commit = await repo.commitAndPush({ ok: 'x', ...files });
    const git = await testGit(t, { localRoots: [repo.bare] });
    const dir = await tempDir(t);
    const tree = await git.treeOf(url(repo.bare), commit, '');
    await assert.rejects(
      git.exportTree(url(repo.bare), tree, join(dir, 'out'), never),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'git-tree-unsupported');
        assert.match(error.message, new RegExp(`"${named}"`));
        return true;
      },
    );
    assert.deepEqual(await readdir(dir), []);
  });
}

test('a submodule is listed but not exported', async (t) => {
  const repo = await tempRepo(t);
  await repo.commit({ ok: 'x' });
  await repo.git('update-index', '--add', '--cacheinfo', `160000,${GONE},vendor/lib`);
  await repo.git('commit', '-q', '-m', 'submodule');
  await repo.push();
  const commit = (await repo.git('rev-parse', 'HEAD')) as CommitId;
  const git = await testGit(t, { localRoots: [repo.bare] });
  const tree = await git.treeOf(url(repo.bare), commit, '');
  const entries = await git.entries(url(repo.bare), tree, { recursive: true });
  assert.deepEqual(
    entries.map(({ path, mode, size }) => [path, mode, size]),
    [
      ['ok', '100644', 1],
      ['vendor/lib', '160000', null],
    ],
  );
  await assert.rejects(git.exportTree(url(repo.bare), tree, join(await tempDir(t), 'out'), never), {
    code: 'git-tree-unsupported',
    message: /"vendor\/lib"/,
  });
});

test('trees that only an attacker writes are refused: odd names, twice the same, too many files, too many bytes', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush({ one: '1', two: '22' });
  const blob = await repo.gitBare('rev-parse', `${commit}:one`);
  const dir = await tempDir(t);
  const git = await testGit(t, {
    localRoots: [repo.bare],
    limits: { exportFiles: 3, exportBytes: 100, treeEntries: 1_000 },
  });
  const make = async (entries: readonly (readonly [mode: string, name: string, oid: string])[]) => {
    const bytes = entries.map(([mode, name, oid]) =>
      Buffer.concat([Buffer.from(`${mode} ${name}\0`), Buffer.from(oid, 'hex')]),
    );
    const file = join(await tempDir(t), 'tree');
    await writeFile(file, Buffer.concat(bytes));
    return (await repo.gitBare('hash-object', '-t', 'tree', '-w', '--literally', file)) as TreeId;
  };
  const refused = async (tree: TreeId, message?: RegExp) => {
    const into = join(dir, 'out');
    await assert.rejects(git.exportTree(url(repo.bare), tree, into, never), {
      code: 'git-tree-unsupported',
      ...(message === undefined ? {} : { message }),
    });
    assert.deepEqual(await readdir(dir), []);
  };
  for (const name of ['..', '.', '.git', '.GIT', 'a/b', '../x', 'x'.repeat(256)])
    await refused(await make([['100644', name, blob]]));
  await refused(
    await make([
      ['120000', 'a', blob],
      ['40000', 'a', await make([['100644', 'x', blob]])],
    ]),
    /twice/,
  );
  await refused(await make(['a', 'b', 'c', 'd'].map((name) => ['100644', name, blob] as const)), /more than 3 files/);
  let bomb = await make([['100644', 'x', blob]]);
  for (let level = 0; level < 12; level++)
    bomb = await make(Array.from({ length: 10 }, (_, n) => ['40000', `d${n}`, bomb] as const));
  await refused(bomb, /more than 1000 entries/);
  const big = await repo.commitAndPush({ big: 'x'.repeat(101) });
  await refused(await git.treeOf(url(repo.bare), big, ''), /more than 100 bytes/);
});

test('an export that is aborted leaves nothing behind and says so', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush(Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`f${n}`, `${n}`])));
  const git = await testGit(t, { localRoots: [repo.bare] });
  const dir = await tempDir(t);
  const tree = await git.treeOf(url(repo.bare), commit, '');
  const controller = new AbortController();
  const running = git.exportTree(url(repo.bare), tree, join(dir, 'out'), controller.signal);
  setImmediate(() => controller.abort());
  await assert.rejects(running, { name: 'AbortError' });
  assert.deepEqual(await readdir(dir), []);
});

test('an unreadable object in a local repo is an error that a later read survives', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush({ bad: randomBytes(10_000), worse: 'no header', good: 'fine' });
  const git = await testGit(t, { localRoots: [repo.bare] });
  for (const [name, code, keep] of [
    ['bad', 'git-fetch-failed', 5_000],
    ['worse', 'git-ref-missing', 0],
  ] as const) {
    const oid = await repo.gitBare('rev-parse', `${commit}:${name}`);
    const path = join(repo.bare, 'objects', oid.slice(0, 2), oid.slice(2));
    const whole = await readFile(path);
    await rm(path);
    await writeFile(path, whole.subarray(0, keep));
    await assert.rejects(git.blobs(url(repo.bare), [oid], { maxBytes: 100_000 }), { code });
  }
  const good = await repo.gitBare('rev-parse', `${commit}:good`);
  const bad = await repo.gitBare('rev-parse', `${commit}:bad`);
  // What was asked for behind the culprit is innocent.
  const asked = [bad, good].map((oid) => git.blobs(url(repo.bare), [oid], { maxBytes: 100_000 }));
  assert.deepEqual(
    (await Promise.allSettled(asked)).map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
  const [content] = await git.blobs(url(repo.bare), [good], { maxBytes: 100 });
  assert.equal(Buffer.from(content ?? []).toString(), 'fine');
});
