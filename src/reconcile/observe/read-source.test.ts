import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeGit, type Files } from '../../../test/support/fake-git.ts';
import type { RepoUrl } from '../../model/source.ts';
import { SourceReader } from './read-source.ts';

const repo = 'https://git.example.com/mono' as RepoUrl;
const never = new AbortController().signal;
const files: Files = {
  'README.md': 'hello',
  'apps/a/index.html': 'a',
  'apps/a/css/style.css': 'x',
  'apps/b/Procfile': 'web: ./run',
};

function reading() {
  const git = new FakeGit();
  const reader = new SourceReader(git, 1_000);
  const open = async (of: Files) => reader.open({ repo, auth: null }, git.repo(repo).push(of), never);
  return { git, reader, open, counted: (method: string) => git.calls.filter((call) => call.startsWith(method)).length };
}

test('a folder is read with its commit, tree, author, names and Procfile', async () => {
  const { git, open } = reading();
  const commit = git.repo(repo).push(files);
  assert.deepEqual(await (await open(files)).read('apps/b'), {
    commit,
    tree: await git.treeOf(repo, commit, 'apps/b'),
    author: 'dev@example.com',
    entries: ['Procfile'],
    procfile: 'web: ./run',
    survey: { dependencies: [], scripts: [] },
  });
});

test('folders among the names end with a slash', async () => {
  const { open } = reading();
  const opened = await open(files);
  assert.deepEqual((await opened.read('apps/a')).entries, ['css/', 'index.html']);
  assert.deepEqual((await opened.read('')).entries, ['README.md', 'apps/']);
});

for (const folder of ['apps/c', 'apps/a/index.html', 'nowhere/at/all']) {
  test(`${folder} is no folder, and git says so`, async () => {
    const { open } = reading();
    await assert.rejects((await open(files)).read(folder), { code: 'git-path-missing' });
  });
}

test('a thousand folders of one commit are one fetch and one look at the commit', async () => {
  const { open, counted } = reading();
  const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`apps/a${n}/index.html`, String(n)]));
  const opened = await open(many);
  for (let n = 0; n < 1_000; n += 1) await opened.read(`apps/a${n}`);
  assert.deepEqual([counted('fetch'), counted('commitFacts'), counted('treeOf')], [1, 1, 1]);
  assert.ok(counted('entries') <= 1_002, `${counted('entries')} listings`);
});

test('of the next commit only what differs is read', async () => {
  const { git, open } = reading();
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`apps/a${n}/index.html`, String(n)]));
  const all = async (of: Files) => {
    const opened = await open(of);
    for (let n = 0; n < 100; n += 1) await opened.read(`apps/a${n}`);
  };
  await all(many);
  git.calls.length = 0;
  await all({ ...many, 'apps/a7/index.html': 'changed' });
  assert.deepEqual(
    git.calls.map((call) => call.split(' ')[0]),
    ['fetch', 'treeOf', 'commitFacts', 'entries', 'entries', 'entries'],
  );
});
