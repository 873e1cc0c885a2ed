import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Git } from '../../src/git/git.ts';
import type { CommitId } from '../../src/model/ids.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { isAlive } from '../../src/supervisor/run-files.ts';
import { access, never, testGit } from '../support/git-client.ts';
import { type TempRepo, tempDir, tempRepo } from '../support/git-repo.ts';
import { type GitServerOptions, startGitServer } from '../support/git-server.ts';

async function bed(t: TestContext, options: Partial<GitServerOptions> = {}) {
  const root = await tempDir(t);
  const repo = await tempRepo(t, { root });
  const server = await startGitServer(t, { root, ...options });
  return { repo, server, url: `${server.url}/repo.git` };
}

/** Reads the file `a` of a commit, as the loop would: fetch, tree, entries, blobs. */
async function readA(git: Git, url: string, commit: CommitId): Promise<string> {
  await git.fetch(access(url), commit, never);
  const tree = await git.treeOf(url as RepoUrl, commit, '');
  const entry = (await git.entries(url as RepoUrl, tree, { recursive: true })).find(({ path }) => path === 'a');
  const [content] = await git.blobs(url as RepoUrl, [entry?.oid ?? ''], { maxBytes: 1_000_000 });
  return Buffer.from(content ?? [])
    .toString()
    .slice(0, 20);
}

async function onlyMirror(dataDir: string): Promise<string> {
  const names = await readdir(join(dataDir, 'mirrors'));
  assert.equal(names.length, 1, names.join());
  return join(dataDir, 'mirrors', names[0] ?? '');
}

async function objectsOf(mirror: string): Promise<string[]> {
  const all = await readdir(join(mirror, 'objects'), { recursive: true, withFileTypes: true });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function eventually(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 5_000; !(await isSo()); ) {
    assert.ok(Date.now() < end, what);
    await sleep(5);
  }
}

for (const [name, damage] of [
  ['objects are gone', async (mirror: string) => Promise.all((await objectsOf(mirror)).map((path) => rm(path)))],
  [
    'objects are empty',
    async (mirror: string) =>
      Promise.all(
        (await objectsOf(mirror)).map(async (path) => {
          await chmod(path, 0o644);
          await truncate(path, 0);
        }),
      ),
  ],
  [
    'objects are cut',
    async (mirror: string) =>
      Promise.all(
        (await objectsOf(mirror)).map(async (path) => {
          await chmod(path, 0o644);
          await truncate(path, 30);
        }),
      ),
  ],
  ['HEAD is gone', (mirror: string) => rm(join(mirror, 'HEAD'))],
  ['all of it is gone', (mirror: string) => rm(mirror, { recursive: true })],
] as const) {
  test(`a mirror of which ${name} is noticed when it is read, and made anew by the next fetch`, async (t) => {
    const { repo, url } = await bed(t);
    const commit = await repo.commitAndPush({ a: 'x'.repeat(100_000) });
    const first = await testGit(t);
    assert.equal(await readA(first, url, commit), 'x'.repeat(20));
    await damage(await onlyMirror(first.dataDir));
    for (const git of [await testGit(t, { dataDir: first.dataDir }), first]) {
      let answer = '';
      for (let tries = 0; tries < 2 && answer === ''; tries++) {
        answer = await readA(git, url, commit).catch((error) => {
          assert.deepEqual([error.code, error.retry], ['git-mirror-corrupt', 'now']);
          return '';
        });
      }
      assert.equal(answer, 'x'.repeat(20));
    }
  });
}

test('a mirror that git cannot fetch into is made anew at once', async (t) => {
  const { repo, url } = await bed(t);
  const git = await testGit(t);
  assert.equal(await readA(git, url, await repo.commitAndPush({ a: '1' })), '1');
  await writeFile(join(await onlyMirror(git.dataDir), 'config'), '[this is no config');
  assert.equal(await readA(git, url, await repo.commitAndPush({ a: '2' })), '2');
});

test('a fetch whose controller is killed in the middle, and not reaped, is cleared away by the next one, its orphan and its locks too', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async (t) => {
  let hold = false;
  let held = 0;
  const { repo, url } = await bed(t, {
    intercept: (request) => {
      if (!hold || request.method !== 'POST') return false;
      held += 1;
      // The first one lists, in the controller itself; the second is git's own.
      return held === 2;
    },
  });
  const first = await repo.commitAndPush({ a: '1' });
  const before = await testGit(t);
  await readA(before, url, first);
  const second = await repo.commitAndPush({ a: '2' });
  hold = true;
  const controller = await fetchInOtherProcess(t, before.dataDir, url, second);
  await eventually('git asks', () => held === 2);
  process.kill(controller, 'SIGKILL');
  await eventually('the controller has ended', () => !isAlive(controller));
  assert.ok((await gitsOf(before.dataDir, controller)).length > 0, 'the orphan goes on');
  const mirror = await onlyMirror(before.dataDir);
  await writeFile(join(mirror, 'shallow.lock'), '');
  await writeFile(join(mirror, 'refs/mainspring', `${second}.lock`), '');
  await mkdir(`${mirror}.new`);
  const after = await testGit(t, { dataDir: before.dataDir });
  assert.equal(await readA(after, url, second), '2');
  await eventually('the orphan is gone', async () => (await gitsOf(before.dataDir, controller)).length === 0);
  assert.equal(await onlyMirror(before.dataDir), mirror);
  assert.deepEqual((await pins(mirror)).sort(), [first, second].sort(), 'it was not made anew');
});

/** Starts a controller that fetches, under a parent that never reaps it; gives its pid. */
async function fetchInOtherProcess(t: TestContext, dataDir: string, url: string, commit: string): Promise<number> {
  const module = new URL('../../src/git/create-git.ts', import.meta.url).href;
  const code = `
    import { createGit } from ${JSON.stringify(module)};
    const settings = { git: { localRoots: [] }, gitAuth: {} };
    const git = createGit({ settings, env: process.env, dataDir: ${JSON.stringify(dataDir)} });
    await git.fetch({ repo: ${JSON.stringify(url)}, auth: null }, ${JSON.stringify(commit)}, new AbortController().signal);`;
  const script = '"$0" --input-type=module -e "$1" > /dev/null 2>&1 & echo $!; exec sleep 60';
  const parent = spawn('sh', ['-c', script, process.execPath, code], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => parent.kill('SIGKILL'));
  const [line] = await once(parent.stdout, 'data');
  const pid = Number(line);
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  return pid;
}

async function gitsOf(dataDir: string, owner: number): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
      return environment.includes(`MAINSPRING_GIT=${owner}:`) && environment.includes(dataDir) ? pid : '';
    }),
  );
  return found.filter((pid) => pid !== '');
}

test('many fetches of one repo at once, and of many repos, all succeed', async (t) => {
  const { repo, url } = await bed(t);
  const commits: CommitId[] = [];
  for (let n = 0; n < 5; n++) commits.push(await repo.commitAndPush({ a: `${n}` }));
  const git = await testGit(t);
  const answers = await Promise.all([...commits, ...commits].map((commit) => readA(git, url, commit)));
  assert.deepEqual(answers, ['0', '1', '2', '3', '4', '0', '1', '2', '3', '4']);
});

test('a fetch that waits for another one ends when it is aborted, and the other one goes on', async (t) => {
  let hold = false;
  const { repo, url } = await bed(t, { intercept: (request) => hold && request.method === 'POST' });
  const one = await repo.commitAndPush({ a: '1' });
  const two = await repo.commitAndPush({ a: '2' });
  const git = await testGit(t, { limits: { fetchMs: 3_000 } });
  await git.list(access(url), never);
  hold = true;
  let isFirstOver = false;
  const first = assert.rejects(git.fetch(access(url), one, never), { code: 'git-timeout' }).then(() => {
    isFirstOver = true;
  });
  const controller = new AbortController();
  const waiting = git.fetch(access(url), two, controller.signal);
  setTimeout(() => controller.abort(), 100);
  await assert.rejects(waiting, { name: 'AbortError' });
  assert.equal(isFirstOver, false);
  await first;
  // Nothing of git goes on: neither it nor the helper that it started.
  await eventually('no git is left', async () => (await gitsOf(git.dataDir, process.pid)).length === 0);
  hold = false;
  assert.equal(await readA(git, url, two), '2');
});

test('mirrors do not grow for ever: what is not kept goes, what is kept or young stays, and comes back when asked for', async (t) => {
  const { repo, url } = await bed(t);
  const other = await bed(t);
  const git = await testGit(t);
  const otherCommit = await other.repo.commitAndPush({ a: 'other' });
  await readA(git, other.url, otherCommit);
  const commits: CommitId[] = [];
  for (let n = 0; n < 6; n++) {
    const commit = await repo.commitAndPush({ a: `${n}`, big: randomText(n) });
    await readA(git, url, commit);
    commits.push(commit);
  }
  const keep = commits[4] as CommitId;
  const young = commits[5] as CommitId;
  const root = join(git.dataDir, 'mirrors');
  const [mirror] = (
    await Promise.all(
      (await readdir(root)).map(async (name) => [join(root, name), await pins(join(root, name))] as const),
    )
  )
    .filter(([, found]) => found.includes(keep))
    .map(([path]) => path);
  assert.ok(mirror !== undefined);
  for (const commit of commits.slice(0, 5)) await utimes(join(mirror, 'refs/mainspring', commit), 0, 0);
  const sizeBefore = (await objectsOf(mirror)).length;
  await git.prune([url as RepoUrl], { commits: new Set([keep]) });
  assert.deepEqual((await pins(mirror)).sort(), [keep, young].sort());
  assert.deepEqual(await readdir(root), [mirror.slice(root.length + 1)]);
  const sizeAfter = (await objectsOf(mirror)).length;
  assert.ok(sizeAfter < sizeBefore / 3, `${sizeBefore} → ${sizeAfter}`);
  assert.equal(await readA(git, url, keep), '4');
  assert.equal(await readA(git, url, young), '5');
  assert.equal(await readA(git, url, commits[0] as CommitId), '0');
  assert.equal(await readA(git, other.url, otherCommit), 'other');
  // Nothing to do any more: a second one changes nothing.
  await git.prune([url as RepoUrl, other.url as RepoUrl], { commits: new Set([keep]) });
  assert.equal(await readA(git, url, young), '5');
});

function pins(mirror: string): Promise<string[]> {
  return readdir(join(mirror, 'refs/mainspring'));
}

function randomText(seed: number): string {
  return Array.from({ length: 2_000 }, (_, n) => Math.sin(seed * 10_000 + n)).join();
}

test('ssh goes with the key bound to the prefix, strictly, and with no key of the user elsewhere', async (t) => {
  const repo = await tempRepo(t);
  const commit = await repo.commitAndPush({ a: '1' });
  const { dir, log } = await fakeSsh(t);
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, SSH_AUTH_SOCK: '/agent', GIT_SSH_COMMAND: 'false' };
  const key = {
    urlPrefix: `ssh://git@git.acme.test${repo.bare.split('/').slice(0, 3).join('/')}`,
    username: null,
    tokenFile: null,
    sshKeyFile: "/keys/it's",
  };
  const git = await testGit(t, { env, settings: { git: { localRoots: [] }, gitAuth: { key } } });
  const url = `ssh://git@git.acme.test${repo.bare}`;
  const listing = await git.list(access(url), never);
  assert.deepEqual([listing.head, listing.branches], ['main', { main: commit }]);
  assert.equal(await readA(git, url, commit), '1');
  const calls = await log();
  assert.equal(calls.length, 2);
  for (const call of calls) {
    assert.ok(call.includes("-i /keys/it's"), call);
    for (const option of [
      '-F none',
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      'IdentitiesOnly=yes',
      'IdentityAgent=none',
    ]) {
      assert.ok(call.includes(option), call);
    }
  }
  const elsewhere = await testGit(t, { env, settings: { git: { localRoots: [] }, gitAuth: { key } } });
  await elsewhere.list(access(`git@git.other.test:${repo.bare.slice(1)}`), never).catch(() => {});
  const last = (await log()).at(-1) ?? '';
  assert.ok(last.includes('IdentityFile=none') && !last.includes('/keys/'), last);
});

/** A program called `ssh` that writes down its arguments and runs the command that is its last one here. */
async function fakeSsh(t: TestContext) {
  const dir = await tempDir(t);
  const script = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/log"\nfor last in "$@"; do :; done\nexec sh -c "$last"\n';
  await writeFile(join(dir, 'ssh'), script, { mode: 0o755 });
  return { dir, log: async () => (await readFile(join(dir, 'log'), 'utf8')).trim().split('\n') };
}

test('a machine without git says so', async (t) => {
  const { repo, url } = await bed(t);
  const commit = await repo.commitAndPush({ a: '1' });
  const git = await testGit(t, { env: { PATH: '/nonexistent' }, localRoots: [repo.bare] });
  await assert.rejects(git.fetch(access(url), commit, never), { code: 'git-missing' });
  await assert.rejects(git.fetch(access(repo.bare), commit, never), { code: 'git-missing' });
});

test('an open git keeps no process alive', async (t) => {
  const repo: TempRepo = await tempRepo(t);
  const commit = await repo.commitAndPush({ a: '1' });
  const server = await startGitServer(t, { root: join(repo.bare, '..') });
  const module = new URL('../../src/git/create-git.ts', import.meta.url).href;
  const code = `
    import { createGit } from ${JSON.stringify(module)};
    const settings = { git: { localRoots: ['/'] }, gitAuth: {} };
    const git = createGit({ settings, env: process.env, dataDir: ${JSON.stringify(await tempDir(t))} });
    const signal = new AbortController().signal;
    for (const repo of ${JSON.stringify([repo.bare, `${server.url}/repo.git`])}) {
      await git.list({ repo, auth: null }, signal);
      await git.fetch({ repo, auth: null }, '${commit}', signal);
      const tree = await git.treeOf(repo, '${commit}', '');
      const [entry] = await git.entries(repo, tree, { recursive: true });
      await git.blobs(repo, [entry.oid], { maxBytes: 10 });
      git.watch(repo, () => {});
    }
    console.log('done');`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  child.stdout.on('data', (chunk) => {
    printed += chunk;
  });
  const started = performance.now();
  const exit = await new Promise((resolve) => child.on('exit', resolve));
  assert.deepEqual([printed.trim(), exit], ['done', 0]);
  assert.ok(performance.now() - started < 20_000);
});
