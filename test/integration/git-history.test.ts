import assert from 'node:assert/strict';
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CommitId } from '../../src/model/ids.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { access, never, testGit } from '../support/git-client.ts';
import { runTestGit, runTestScript, type TempRepo, tempDir, tempRepo } from '../support/git-repo.ts';
import { type GitServerOptions, startGitServer } from '../support/git-server.ts';

const GONE = 'f'.repeat(40) as CommitId;
let serial = 0;

async function bed(t: TestContext, options: Partial<GitServerOptions> & { readonly filters?: boolean } = {}) {
  const root = await tempDir(t);
  const repo = await tempRepo(t, { root });
  const server = await startGitServer(t, { root, ...options });
  await repo.gitBare('config', 'uploadpack.allowFilter', String(options.filters ?? true));
  return { repo, server, url: `${server.url}/repo.git` };
}

const GROW = [
  'shape=$1 serial=$2 parents=$3 refs=',
  'shift 3',
  'for name; do',
  '  git add "$name"',
  '  serial=$((serial + 1))',
  '  commit=$(git commit-tree "$(git write-tree)" -m "$name $serial" $parents)',
  '  echo "$commit"',
  '  test "$shape" = fan || parents="-p $commit"',
  '  refs="$refs $commit:refs/heads/$name"',
  'done',
  'git push -q --force origin $refs',
];

interface Growth {
  readonly names: readonly string[];
  /** Each on top of the one before, or all of them on these. */
  readonly shape: 'line' | 'fan';
  readonly on: readonly CommitId[];
}

/** Makes commits with a file of its own each, and pushes them at once to branches of the same names as the files. */
async function growMany(repo: TempRepo, { names, shape, on }: Growth): Promise<CommitId[]> {
  for (const name of names) await writeFile(join(repo.work, name), `${name}\n`.repeat(500));
  const parents = on.map((parent) => `-p ${parent}`).join(' ');
  const made = await runTestScript(repo.work, GROW, [shape, String(serial), parents, ...names]);
  serial += names.length;
  return made.split('\n') as CommitId[];
}

async function grow(repo: TempRepo, name: string, ...on: readonly CommitId[]): Promise<CommitId> {
  const [made] = await growMany(repo, { names: [name], shape: 'fan', on });
  assert.ok(made !== undefined);
  return made;
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => `${name}-${n}`);
}

/** `o - p - x - x2` and `p - y - y2`, where x2 and y2 merge x and y both; `z` on its own. */
async function growAll(repo: TempRepo) {
  const o = await grow(repo, 'o');
  const p = await grow(repo, 'p', o);
  const [x, y, z] = [await grow(repo, 'x', p), await grow(repo, 'y', p), await grow(repo, 'z')];
  return { o, p, x, y, z, x2: await grow(repo, 'x2', x, y), y2: await grow(repo, 'y2', y, x) };
}

function historyDir(dataDir: string): Promise<string> {
  return readdir(join(dataDir, 'mirrors')).then((names) => {
    const found = names.filter((name) => name.endsWith('.history'));
    assert.equal(found.length, 1, names.join());
    return join(dataDir, 'mirrors', found[0] ?? '');
  });
}

async function packsOf(history: string): Promise<string[]> {
  const names = await readdir(join(history, 'objects/pack'));
  return names.filter((name) => name.endsWith('.pack')).map((name) => join(history, 'objects/pack', name));
}

function objectsIn(history: string, format: string): Promise<string[]> {
  const args = ['cat-file', '--batch-all-objects', `--batch-check=${format}`];
  return runTestGit(history, args).then((text) => text.split('\n'));
}

for (const [where, options] of [
  ['a local repo', null],
  ['a server that filters', {}],
  ['a server that does not know filters', { filters: false }],
  ['a server that speaks the old protocol and gives out branches only', { protocolV2: false }],
] as const) {
  test(`the merge base in ${where} is where two commits part, whatever lies between`, async (t) => {
    const { repo, url } = await bed(t, options ?? {});
    const git = await testGit(t, { localRoots: [repo.bare] });
    const at = access(options === null ? repo.bare : url);
    const { o, p, x, y, z, x2, y2 } = await growAll(repo);
    const smaller = x < y ? x : y;
    for (const [name, a, b, expected] of [
      ['parted', x, y, p],
      ['one ahead of the other', x, o, o],
      ['equal', x, x, x],
      ['unrelated', x2, z, null],
      ['criss-cross', x2, y2, smaller],
    ] as const) {
      assert.equal(await git.mergeBase(at, a, b, never), expected, name);
      assert.equal(await git.mergeBase(at, b, a, never), expected, name);
    }
    const both = await runTestGit(repo.bare, ['merge-base', '--all', x2, y2]);
    assert.deepEqual(both.split('\n').sort(), [x, y].sort());
    const later = await grow(repo, 'x', x);
    assert.equal(await git.mergeBase(at, later, y2, never), x, 'after a push');
    await assert.rejects(git.mergeBase(at, x, GONE, never), { code: 'git-ref-moved', retry: 'now' });
    await assert.rejects(git.mergeBase(at, '--all' as CommitId, x, never), { code: 'git-ref-missing' });
    assert.equal(await git.mergeBase(at, x, y, never), p);
  });
}

test('a repo of SHA-256 objects has merge bases too', async (t) => {
  const { repo, url } = await bed(t);
  await rm(repo.bare, { recursive: true });
  await rm(join(repo.work, '.git'), { recursive: true });
  await repo.git('init', '-q', '--object-format=sha256', '--initial-branch=main', '.');
  await repo.git('init', '-q', '--object-format=sha256', '--initial-branch=main', '--bare', repo.bare);
  await repo.git('remote', 'add', 'origin', repo.bare);
  const { p, x, y, z } = await growAll(repo);
  const git = await testGit(t, { localRoots: [repo.bare] });
  for (const at of [access(url), access(repo.bare)]) {
    assert.equal(await git.mergeBase(at, x, y, never), p);
    assert.equal(await git.mergeBase(at, x, z, never), null);
  }
});

test('only commits are fetched where the server filters, each once, and nothing when all of it is there', async (t) => {
  const { repo, url, server } = await bed(t);
  const git = await testGit(t);
  const { o, p, x, y } = await growAll(repo);
  await git.mergeBase(access(url), x, y, never);
  const history = await historyDir(git.dataDir);
  assert.deepEqual((await objectsIn(history, '%(objectname)')).sort(), [o, p, x, y].sort());
  const asked = server.requests().length;
  assert.equal(await git.mergeBase(access(url), y, x, never), p);
  assert.equal(await git.mergeBase(access(url), p, o, never), o, 'never asked for, but there');
  const later = await testGit(t, { dataDir: git.dataDir });
  assert.equal(await later.mergeBase(access(url), x, o, never), o);
  assert.equal(server.requests().length, asked);
  const next = await grow(repo, 'next', x);
  assert.equal(await git.mergeBase(access(url), next, y, never), p);
  assert.equal((await packsOf(history)).length, 2);
  assert.equal(new Set(await objectsIn(history, '%(objecttype)')).size, 1);
  assert.equal((await objectsIn(history, '%(objectname)')).length, 5);
  // Files are read from the mirror, which knows nothing of this.
  await git.fetch(access(url), next, never);
  assert.equal(
    (await git.entries(url as RepoUrl, await git.treeOf(url as RepoUrl, next, ''), { recursive: true })).length,
    8,
  );
});

test('the history holds neither the credential nor where it came from', async (t) => {
  const { repo, url } = await bed(t, { users: { ada: 's3cret' } });
  const { p, x, y } = await growAll(repo);
  const tokenFile = join(await tempDir(t), 'token');
  await writeFile(tokenFile, 's3cret\n');
  const gitAuth = { ada: { urlPrefix: url, username: 'ada', tokenFile, sshKeyFile: null } };
  const git = await testGit(t, { settings: { git: { localRoots: [] }, gitAuth } });
  assert.equal(await git.mergeBase(access(url), x, y, never), p);
  const history = await historyDir(git.dataDir);
  assert.doesNotMatch(await readFile(join(history, 'config'), 'utf8'), /remote|http|s3cret|extensions/);
  const bare = await testGit(t);
  await assert.rejects(bare.mergeBase(access(url), x, y, never), { code: 'git-auth-refused' });
  await assert.rejects(git.mergeBase(access(url, 'bob'), x, y, never), { code: 'git-auth-unknown' });
});

test('a server that stops filtering is fetched from all the same', async (t) => {
  const { repo, url } = await bed(t);
  const git = await testGit(t);
  const { p, x, y } = await growAll(repo);
  assert.equal(await git.mergeBase(access(url), x, y, never), p);
  await repo.gitBare('config', 'uploadpack.allowFilter', 'false');
  // Sent as a difference to a file that the history lacks.
  await appendFile(join(repo.work, 'x'), 'more');
  await repo.git('add', 'x');
  const tree = await repo.git('write-tree');
  const next = (await repo.git('commit-tree', tree, '-m', 'next', '-p', x)) as CommitId;
  await repo.git('push', '-q', 'origin', `${next}:refs/heads/next`);
  assert.equal(await git.mergeBase(access(url), next, y, never), p);
});

test('a commit that was pushed away and collected is a moved ref, and the next one is found', async (t) => {
  const { repo, url } = await bed(t);
  const git = await testGit(t);
  const { p, x, y } = await growAll(repo);
  const lost = await grow(repo, 'lost', p);
  const kept = await grow(repo, 'lost', x);
  await repo.gitBare('reflog', 'expire', '--expire=now', '--all');
  await repo.gitBare('gc', '--quiet', '--prune=now');
  await assert.rejects(git.mergeBase(access(url), lost, y, never), {
    code: 'git-ref-moved',
    retry: 'now',
    message: new RegExp(lost),
  });
  assert.equal(await git.mergeBase(access(url), kept, y, never), p);
});

test('30 branches at once are fetched in a few goes; one that is gone fails alone', async (t) => {
  const { repo, url, server } = await bed(t);
  const git = await testGit(t);
  const o = await grow(repo, 'o');
  const main = await grow(repo, 'main', o);
  const ofMain = await growMany(repo, { names: numbered('main', 15), shape: 'fan', on: [main] });
  const branches = [...ofMain, ...(await growMany(repo, { names: numbered('o', 15), shape: 'fan', on: [o] }))];
  await git.list(access(url), never);
  const before = server.requests().length;
  const bases = await Promise.all(branches.map((branch) => git.mergeBase(access(url), main, branch, never)));
  assert.deepEqual(
    bases,
    branches.map((_, n) => (n < 15 ? main : o)),
  );
  const fetches = server
    .requests()
    .slice(before)
    .filter(({ method }) => method === 'GET').length;
  assert.ok(fetches <= 10, `${fetches} fetches`);
  const more = [await grow(repo, 'a', main), GONE, await grow(repo, 'b', o), await grow(repo, 'c', main)];
  const ended = await Promise.allSettled(more.map((branch) => git.mergeBase(access(url), main, branch, never)));
  assert.deepEqual(
    ended.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code)),
    [main, 'git-ref-moved', o, main],
  );
});

test('a silent server costs the time limit, an abort ends the wait at once, and neither harms what comes after', async (t) => {
  let silent = false;
  const { repo, url } = await bed(t, { intercept: () => silent });
  const { p, x, y } = await growAll(repo);
  const git = await testGit(t, { limits: { fetchMs: 2_000 } });
  await git.list(access(url), never);
  silent = true;
  const ended: string[] = [];
  const controller = new AbortController();
  const reason = new Error('superseded');
  const hanging = assert
    .rejects(git.mergeBase(access(url), x, y, never), { code: 'git-timeout', retry: 'after-interval' })
    .then(() => ended.push('time limit'));
  const aborted = assert
    .rejects(git.mergeBase(access(url), x, p, controller.signal), (error) => error === reason)
    .then(() => ended.push('abort'));
  controller.abort(reason);
  await Promise.all([hanging, aborted]);
  assert.deepEqual(ended, ['abort', 'time limit']);
  silent = false;
  const patient = await testGit(t, { dataDir: git.dataDir });
  assert.equal(await patient.mergeBase(access(url), x, y, never), p);
});

for (const [name, damage] of [
  ['objects are gone', async (history: string) => Promise.all((await packsOf(history)).map((pack) => rm(pack)))],
  [
    'objects are cut',
    async (history: string) => {
      for (const pack of await packsOf(history)) {
        await chmod(pack, 0o644);
        await truncate(pack, 30);
      }
    },
  ],
  [
    'older commits are gone',
    async (history: string) => {
      // What came first went into a pack of its own.
      const packs = await packsOf(history);
      const times = await Promise.all(packs.map(async (pack) => (await stat(pack)).mtimeMs));
      await rm(packs[times.indexOf(Math.min(...times))] ?? '');
    },
  ],
  ['HEAD is gone', (history: string) => rm(join(history, 'HEAD'))],
  ['the config is damaged', (history: string) => writeFile(join(history, 'config'), '[this is no config')],
  ['all of it is gone', (history: string) => rm(history, { recursive: true })],
] as const) {
  test(`a history of which ${name} is made anew, and never gives a wrong answer`, async (t) => {
    const { repo, url } = await bed(t);
    const o = await grow(repo, 'o');
    const p = await grow(repo, 'p', o);
    const first = await testGit(t);
    assert.equal(await first.mergeBase(access(url), o, p, never), o);
    const history = await historyDir(first.dataDir);
    for (const pack of await packsOf(history)) await utimes(pack, 0, 0);
    const [x, y] = [await grow(repo, 'x', p), await grow(repo, 'y', p)];
    assert.equal(await first.mergeBase(access(url), x, y, never), p);
    for (const git of [first, await testGit(t, { dataDir: first.dataDir })]) {
      await damage(history);
      assert.equal(await git.mergeBase(access(url), x, y, never), p);
      assert.equal(await git.mergeBase(access(url), x, o, never), o);
    }
  });
}

test('leftovers of a killed run are cleared away, and what it had fetched is used', async (t) => {
  const { repo, url, server } = await bed(t);
  const { p, x, y, z } = await growAll(repo);
  const before = await testGit(t);
  await before.mergeBase(access(url), x, y, never);
  const history = await historyDir(before.dataDir);
  await writeFile(join(history, 'refs/mainspring', `${z}.lock`), '');
  await writeFile(join(history, 'packed-refs.lock'), '');
  await writeFile(join(history, 'objects/pack/tmp_pack_x'), '');
  await mkdir(`${history}.new`);
  const after = await testGit(t, { dataDir: before.dataDir });
  const asked = server.requests().length;
  assert.equal(await after.mergeBase(access(url), x, y, never), p);
  assert.equal(server.requests().length, asked);
  assert.equal(await after.mergeBase(access(url), x, z, never), null);
  await after.prune([url as RepoUrl]);
  assert.equal(await historyDir(before.dataDir), history);
  assert.deepEqual(
    (await readdir(join(history, 'objects/pack'))).filter((file) => file.startsWith('tmp_')),
    [],
  );
  assert.equal(await after.mergeBase(access(url), x, y, never), p);
});

for (const filters of [true, false]) {
  test(`histories of a server that ${filters ? 'filters' : 'knows no filters'} do not grow for ever`, async (t) => {
    const { repo, url, server } = await bed(t, { filters });
    const git = await testGit(t);
    const o = await grow(repo, 'o');
    const line = [o, ...(await growMany(repo, { names: numbered('main', 22), shape: 'line', on: [o] }))];
    for (const commit of line) assert.equal(await git.mergeBase(access(url), o, commit, never), o);
    const history = await historyDir(git.dataDir);
    assert.ok((await packsOf(history)).length > 20);
    await git.prune([url as RepoUrl]);
    assert.equal((await packsOf(history)).length, 1);
    const asked = server.requests().length;
    const [older, newest] = [line[9] as CommitId, line[22] as CommitId];
    assert.equal(await git.mergeBase(access(url), older, newest, never), older);
    assert.equal(server.requests().length, asked);
    const next = await grow(repo, 'next', newest);
    assert.equal(await git.mergeBase(access(url), next, older, never), older);
  });
}

test('old pins that are neither kept nor among the newest go, and what they held is still there', async (t) => {
  const { repo, url, server } = await bed(t);
  const git = await testGit(t);
  const { o, p, x, y, z } = await growAll(repo);
  await git.mergeBase(access(url), x, y, never);
  await git.mergeBase(access(url), z, p, never);
  const pins = join(await historyDir(git.dataDir), 'refs/mainspring');
  for (const old of [x, y]) await utimes(join(pins, old), 0, 0);
  await git.prune([url as RepoUrl], { commits: new Set([x]) });
  assert.deepEqual((await readdir(pins)).sort(), [x, y, z].sort(), 'few');
  const young = Array.from({ length: 64 }, (_, n) => `${n}`.padStart(40, 'a'));
  await Promise.all(young.map((name) => writeFile(join(pins, name), `${o}\n`)));
  await git.prune([url as RepoUrl], { commits: new Set([x]) });
  assert.deepEqual((await readdir(pins)).sort(), [x, z, ...young].sort(), 'many');
  const asked = server.requests().length;
  assert.equal(await git.mergeBase(access(url), x, y, never), p);
  assert.equal(server.requests().length, asked);
});

test('a history that is mostly waste is made anew, and that of a repo that is not kept goes', async (t) => {
  const { repo, url } = await bed(t);
  const other = await bed(t);
  const git = await testGit(t);
  const foreign = await grow(other.repo, 'o');
  await git.mergeBase(access(other.url), foreign, foreign, never);
  const gone = await historyDir(git.dataDir);
  await git.prune([url as RepoUrl]);
  await assert.rejects(stat(gone), { code: 'ENOENT' });
  const o = await grow(repo, 'o');
  const topics = await growMany(repo, { names: numbered('topic', 21), shape: 'fan', on: [o] });
  for (const topic of topics) await git.mergeBase(access(url), o, topic, never);
  const history = await historyDir(git.dataDir);
  // As if a year of force pushes had been unpinned.
  const pins = (await readdir(join(history, 'refs/mainspring'))).filter((pin) => pin !== o);
  await Promise.all(pins.map((pin) => rm(join(history, 'refs/mainspring', pin))));
  await git.prune([url as RepoUrl]);
  await assert.rejects(stat(history), { code: 'ENOENT' });
  const topic = topics.at(-1) as CommitId;
  assert.equal(await git.mergeBase(access(url), topic, o, never), o);
  assert.deepEqual((await objectsIn(history, '%(objectname)')).sort(), [o, topic].sort());
});

test('a shallow repo answers only if what was cut off could not make another answer, local or not', async (t) => {
  const { repo, url } = await bed(t);
  const { o, x, y, z } = await growAll(repo);
  const root = await tempDir(t);
  const shallow = join(root, 'shallow.git');
  for (const branch of ['o', 'p']) await repo.gitBare('branch', '-D', branch);
  await runTestGit(root, ['clone', '-q', '--bare', '--depth=1', '--no-single-branch', `file://${repo.bare}`, shallow]);
  const git = await testGit(t, { localRoots: [root, repo.bare] });
  assert.equal(await git.mergeBase(access(shallow), x, x, never), x);
  const cut = { code: 'git-fetch-failed', message: /shallow/ };
  await assert.rejects(git.mergeBase(access(shallow), x, y, never), cut);
  await assert.rejects(git.mergeBase(access(shallow), x, z, never), cut);
  const server = await startGitServer(t, { root });
  await runTestGit(shallow, ['config', 'uploadpack.allowFilter', 'true']);
  const remote = access(`${server.url}/shallow.git`);
  for (let tries = 0; tries < 2; tries++) await assert.rejects(git.mergeBase(remote, x, z, never), cut);
  assert.equal(await git.mergeBase(access(url), x, z, never), null);
  // What is left of `left` leads to `o`, but what was cut off would lead to `q`, which is nearer.
  const q = await grow(repo, 'q', o);
  const end = await grow(repo, 'end', q);
  const [left, right] = [await grow(repo, 'left', o, end), await grow(repo, 'right', q)];
  assert.equal(await git.mergeBase(access(repo.bare), left, right, never), q);
  await writeFile(join(repo.bare, 'shallow'), `${end}\n`);
  assert.equal(await runTestGit(repo.bare, ['merge-base', left, right]), o);
  await assert.rejects(git.mergeBase(access(repo.bare), left, right, never), cut);
  assert.equal(await git.mergeBase(access(repo.bare), x, right, never), o);
});

test('a damaged local repo is an error, not a pair of unrelated commits', async (t) => {
  const repo = await tempRepo(t);
  const { o, p, x, y } = await growAll(repo);
  const git = await testGit(t, { localRoots: [repo.bare] });
  assert.equal(await git.mergeBase(access(repo.bare), x, y, never), p);
  await rm(join(repo.bare, 'objects', p.slice(0, 2), p.slice(2)));
  await assert.rejects(git.mergeBase(access(repo.bare), x, y, never), { code: 'git-fetch-failed' });
  await assert.rejects(git.mergeBase(access(repo.bare), x, o, never), { code: 'git-fetch-failed' });
});
