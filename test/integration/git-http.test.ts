import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Git, RepoAccess } from '../../src/git/git.ts';
import type { CommitId } from '../../src/model/ids.ts';
import type { GitCredential } from '../../src/model/settings.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { access, never, testGit } from '../support/git-client.ts';
import { type TempRepo, tempDir, tempRepo } from '../support/git-repo.ts';
import { type GitServer, type GitServerOptions, startGitServer } from '../support/git-server.ts';

interface Bed {
  readonly repo: TempRepo;
  readonly server: GitServer;
  readonly url: string;
}

async function bed(t: TestContext, options: Partial<GitServerOptions> = {}): Promise<Bed> {
  const root = await tempDir(t);
  const repo = await tempRepo(t, { root, name: 'acme/app' });
  const server = await startGitServer(t, { root, ...options });
  return { repo, server, url: `${server.url}/acme/app.git` };
}

async function credential(
  t: TestContext,
  urlPrefix: string,
  token: string,
  username: string | null,
): Promise<GitCredential> {
  const tokenFile = join(await tempDir(t), 'token');
  await writeFile(tokenFile, `${token}\n`);
  return { urlPrefix, username, tokenFile, sshKeyFile: null };
}

async function readAll(git: Git, at: RepoAccess, commit: CommitId): Promise<Record<string, string>> {
  await git.fetch(at, commit, never);
  const entries = await git.entries(at.repo, await git.treeOf(at.repo, commit, ''), { recursive: true });
  const contents = await git.blobs(
    at.repo,
    entries.map((entry) => entry.oid),
    { maxBytes: 10_000 },
  );
  return Object.fromEntries(entries.map((entry, index) => [entry.path, Buffer.from(contents[index] ?? []).toString()]));
}

/** Makes the repo anew, empty, with objects of SHA-256. */
async function remakeWithSha256(repo: TempRepo): Promise<void> {
  await rm(repo.bare, { recursive: true });
  await rm(join(repo.work, '.git'), { recursive: true });
  await repo.git('init', '-q', '--object-format=sha256', '--initial-branch=main', '.');
  await repo.git('init', '-q', '--object-format=sha256', '--initial-branch=main', '--bare', repo.bare);
  await repo.git('remote', 'add', 'origin', repo.bare);
}

for (const protocolV2 of [true, false]) {
  const name = protocolV2 ? 'version 2' : 'the old protocol';
  test(`a server that speaks ${name} is listed, fetched from and read`, async (t) => {
    const { repo, url } = await bed(t, { protocolV2 });
    const git = await testGit(t);
    const empty = await git.list(access(url), never);
    assert.deepEqual([empty.repo, empty.head, empty.branches], [url, null, {}]);
    const first = await repo.commitAndPush({ 'a.txt': 'one', 'b/c.txt': 'two' });
    await repo.push({ to: `übung/${'x'.repeat(240)}` });
    await repo.gitBare('tag', '-a', '-m', 'tag', 'v1', first);
    const listing = await git.list(access(url), never);
    assert.deepEqual([listing.head, listing.branches], ['main', { main: first, [`übung/${'x'.repeat(240)}`]: first }]);
    assert.deepEqual(await readAll(git, access(url), first), { 'a.txt': 'one', 'b/c.txt': 'two' });
    await repo.gitBare('symbolic-ref', 'HEAD', 'refs/heads/gone');
    assert.equal((await git.list(access(url), never)).head, null);
    const tag = (await repo.gitBare('rev-parse', 'v1')) as CommitId;
    await assert.rejects(git.fetch(access(url), tag, never), { code: 'git-fetch-failed' });
  });
}

test('a repo of SHA-256 objects is listed, fetched and read', async (t) => {
  const { repo, url } = await bed(t);
  await remakeWithSha256(repo);
  const commit = await repo.commitAndPush({ a: '1' });
  assert.equal(commit.length, 64);
  const git = await testGit(t);
  assert.deepEqual((await git.list(access(url), never)).branches, { main: commit });
  assert.deepEqual(await readAll(git, access(url), commit), { a: '1' });
});

test('what a server announced is asked for once; then a listing is one request, until it fails', async (t) => {
  let faults = 0;
  const { repo, server, url } = await bed(t, {
    intercept: (request, response) => {
      if (faults === 0 || request.method !== 'POST') return false;
      faults -= 1;
      response.writeHead(500).end();
      return true;
    },
  });
  const commit = await repo.commitAndPush({ a: '1' });
  const git = await testGit(t);
  const methodsOfListing = async (branches: object) => {
    const before = server.requests().length;
    assert.deepEqual((await git.list(access(url), never)).branches, branches);
    return server
      .requests()
      .slice(before)
      .map(({ method }) => method)
      .join();
  };
  assert.equal(await methodsOfListing({ main: commit }), 'GET,POST');
  assert.equal(await methodsOfListing({ main: commit }), 'POST');
  await repo.push({ to: 'dev' });
  assert.equal(await methodsOfListing({ dev: commit, main: commit }), 'POST');
  faults = 1;
  assert.equal(await methodsOfListing({ dev: commit, main: commit }), 'POST,GET,POST');
  assert.equal(await methodsOfListing({ dev: commit, main: commit }), 'POST');
  faults = 2;
  await assert.rejects(git.list(access(url), never), { code: 'git-list-failed' });
  assert.equal(await methodsOfListing({ dev: commit, main: commit }), 'GET,POST');
  // What was announced of it is true no more.
  await remakeWithSha256(repo);
  const other = await repo.commitAndPush({ a: '1' });
  assert.equal(await methodsOfListing({ main: other }), 'POST,GET,POST');
});

test('what is announced in the old protocol or behind a redirect is asked for each time', async (t) => {
  let location = '';
  const target = await bed(t);
  const old = await bed(t, { protocolV2: false });
  const moved = await bed(t, {
    intercept: (request, response) => {
      response.writeHead(302, { location: `${location}${request.url?.replace('/acme/app.git', '')}` }).end();
      return true;
    },
  });
  location = target.url;
  const git = await testGit(t);
  for (const { repo, url, server } of [old, { ...moved, repo: target.repo }]) {
    const commit = await repo.commitAndPush({ a: '1' });
    for (let times = 1; times <= 2; times++) {
      assert.deepEqual((await git.list(access(url), never)).branches, { main: commit });
      assert.deepEqual(
        server.requests().map(({ method }) => method),
        Array(times).fill('GET'),
      );
    }
  }
});

test('a fetched commit is not fetched again, and reading asks the server nothing', async (t) => {
  const { repo, server, url } = await bed(t);
  const commit = await repo.commitAndPush({ a: '1' });
  const git = await testGit(t);
  await readAll(git, access(url), commit);
  const before = server.requests().length;
  await readAll(git, access(url), commit);
  const again = await testGit(t, { dataDir: git.dataDir });
  await readAll(again, access(url), commit);
  assert.equal(server.requests().length, before);
});

test('force push, deleted and re-created branches and a renamed default branch show in the next listing', async (t) => {
  const { repo, url } = await bed(t);
  const git = await testGit(t);
  const first = await repo.commitAndPush({ a: '1' });
  await repo.push({ to: 'dev' });
  await readAll(git, access(url), first);
  await repo.git('commit', '-q', '--amend', '-m', 'other');
  const forced = (await repo.git('rev-parse', 'HEAD')) as CommitId;
  await repo.push({ force: true });
  assert.deepEqual((await git.list(access(url), never)).branches, { dev: first, main: forced });
  assert.deepEqual(await readAll(git, access(url), forced), { a: '1' });
  await repo.git('push', '-q', 'origin', '--delete', 'dev');
  assert.deepEqual((await git.list(access(url), never)).branches, { main: forced });
  await repo.push({ to: 'dev' });
  assert.deepEqual((await git.list(access(url), never)).branches, { dev: forced, main: forced });
  await repo.gitBare('branch', '-m', 'main', 'trunk');
  assert.equal((await git.list(access(url), never)).head, 'trunk');
});

for (const username of ['ada', null]) {
  const way = username === null ? 'a bearer token' : 'basic auth';
  test(`${way} works for listing and fetching, and a wrong one is refused without being told`, async (t) => {
    const auth = username === null ? { tokens: ['s3cret'] } : { users: { ada: 's3cret' } };
    const { repo, url, server } = await bed(t, auth);
    const commit = await repo.commitAndPush({ a: '1' });
    const right = await credential(t, `${server.url}/acme`, 's3cret', username);
    const wrong = await credential(t, `${server.url}/acme/`, 'wr0ng', username);
    const git = await testGit(t, { settings: { git: { localRoots: [] }, gitAuth: { right, wrong } } });
    assert.deepEqual((await git.list(access(url, 'right'), never)).branches, { main: commit });
    assert.deepEqual(await readAll(git, access(url, 'right'), commit), { a: '1' });
    const refused = (error: Error & { code?: string }) => {
      assert.equal(error.code, 'git-auth-refused');
      assert.doesNotMatch(error.message, /wr0ng/);
      return true;
    };
    const fresh = await testGit(t, { settings: { git: { localRoots: [] }, gitAuth: { right, wrong } } });
    await assert.rejects(fresh.list(access(url, 'wrong'), never), refused);
    await assert.rejects(fresh.fetch(access(url, 'wrong'), commit, never), refused);
    // The wrong one after a listing with the right one: here it is git itself that is refused.
    await fresh.list(access(url, 'right'), never);
    await assert.rejects(fresh.fetch(access(url, 'wrong'), commit, never), refused);
    const bare = await testGit(t);
    await assert.rejects(bare.list(access(url), never), { code: 'git-auth-refused', retry: 'after-interval' });
  });
}

test('the credential whose prefix fits best is found by itself; a named one must exist and fit', async (t) => {
  const { repo, url, server } = await bed(t, { users: { ada: 'right' } });
  await repo.commitAndPush({ a: '1' });
  const gitAuth = {
    wide: await credential(t, `${server.url}/`, 'wrong', 'ada'),
    narrow: await credential(t, `${server.url}/acme/app.git`, 'right', 'ada'),
    beside: await credential(t, `${server.url}/ac`, 'right', 'ada'),
    ssh: { urlPrefix: server.url, username: null, tokenFile: null, sshKeyFile: '/key' },
  };
  const git = await testGit(t, { settings: { git: { localRoots: [] }, gitAuth } });
  assert.equal((await git.list(access(url), never)).head, 'main');
  await assert.rejects(git.list(access(url, 'nobody'), never), { code: 'git-auth-unknown' });
  await assert.rejects(git.list(access(url, 'constructor'), never), { code: 'git-auth-unknown' });
  for (const name of ['beside', 'ssh']) {
    await assert.rejects(git.list(access(url, name), never), { code: 'git-auth-refused', retry: 'needs-human' });
    await assert.rejects(git.fetch(access(url, name), 'a'.repeat(40) as CommitId, never), { code: 'git-auth-refused' });
  }
});

test('a credential stays below its prefix: a redirect to another server, or out of the prefix, goes without it', async (t) => {
  const target = await bed(t);
  const commit = await target.repo.commitAndPush({ a: '1' });
  const redirects = new Map<string, string>();
  const entry = await bed(t, {
    users: { ada: 's3cret' },
    intercept: (request: IncomingMessage, response: ServerResponse) => {
      for (const [from, to] of redirects) {
        if (request.url?.startsWith(from) !== true) continue;
        response.writeHead(302, { location: to + request.url.slice(from.length) }).end();
        return true;
      }
      return false;
    },
  });
  const own = await entry.repo.commitAndPush({ b: '2' });
  redirects.set('/acme/old.git', `${target.server.url}/acme/app.git`);
  redirects.set('/acme/moved.git', '/acme/app.git');
  redirects.set('/outside/app.git', '/acme/app.git');
  const gitAuth = { ada: await credential(t, `${entry.server.url}/acme/`, 's3cret', 'ada') };
  const git = await testGit(t, { settings: { git: { localRoots: [] }, gitAuth } });

  const old = access(`${entry.server.url}/acme/old.git`);
  assert.deepEqual((await git.list(old, never)).branches, { main: commit });
  assert.deepEqual(await readAll(git, old, commit), { a: '1' });
  assert.ok(target.server.requests().length >= 4);
  assert.deepEqual(
    target.server.requests().filter((request) => request.authorization !== null),
    [],
  );

  const moved = access(`${entry.server.url}/acme/moved.git`);
  assert.deepEqual((await git.list(moved, never)).branches, { main: own });
  assert.deepEqual(await readAll(git, moved, own), { b: '2' });

  await assert.rejects(git.list(access(`${entry.server.url}/outside/app.git`), never), { code: 'git-auth-refused' });
});

test('endless, odd and credential-bearing redirects are refused', async (t) => {
  let location = '';
  const { server } = await bed(t, {
    intercept: (_request, response) => {
      response.writeHead(301, { location }).end();
      return true;
    },
  });
  const git = await testGit(t);
  for (const to of [
    '/x.git/info/refs?service=git-upload-pack',
    '/login',
    '',
    'file:///etc/passwd/info/refs?service=git-upload-pack',
    `http://a:b@127.0.0.1:${server.port}/x/info/refs?service=git-upload-pack`,
  ]) {
    location = to;
    await assert.rejects(git.list(access(`${server.url}/acme/app.git`), never), { code: 'git-list-failed' }, to);
  }
});

test('a server that accepts and says nothing costs the time limit, in listing and fetching, and others go on', async (t) => {
  let silent = true;
  const { repo, url } = await bed(t, { intercept: () => silent });
  const other = await bed(t);
  const commit = await repo.commitAndPush({ a: '1' });
  await other.repo.commitAndPush({ a: '1' });
  // What does not hang must be done within these on a busy machine too.
  const git = await testGit(t, { limits: { listMs: 2_000, fetchMs: 4_000 } });
  const ended: string[] = [];
  const hanging = assert
    .rejects(git.list(access(url), never), { code: 'git-timeout', retry: 'after-interval' })
    .then(() => ended.push('the silent one'));
  await git.list(access(other.url), never).then(() => ended.push('the other'));
  await hanging;
  assert.deepEqual(ended, ['the other', 'the silent one']);
  silent = false;
  await git.list(access(url), never);
  silent = true;
  await assert.rejects(git.fetch(access(url), commit, never), { code: 'git-timeout' });
  silent = false;
  assert.deepEqual(await readAll(git, access(url), commit), { a: '1' });
});

test('an abort ends listing and fetching at once, with the reason that was given', async (t) => {
  let silent = false;
  const { repo, url } = await bed(t, { intercept: () => silent });
  const commit = await repo.commitAndPush({ a: '1' });
  const git = await testGit(t);
  await git.list(access(url), never);
  silent = true;
  for (const work of [
    (signal: AbortSignal) => git.list(access(url), signal),
    (signal: AbortSignal) => git.fetch(access(url), commit, signal),
  ]) {
    const controller = new AbortController();
    const reason = new Error('superseded');
    setTimeout(() => controller.abort(reason), 50);
    const started = performance.now();
    await assert.rejects(work(controller.signal), (error) => error === reason);
    assert.ok(performance.now() - started < 10_000);
  }
});

const service = '001e# service=git-upload-pack\n0000';
const oid = 'a'.repeat(40);
const line = (text: string) => (text.length + 4).toString(16).padStart(4, '0') + text;
for (const [name, status, body] of [
  ['500', 500, 'boom'],
  ['404', 404, 'nothing here'],
  ['a page instead of git', 200, '<html>sign in</html>'],
  ['an empty answer', 200, ''],
  [
    'an answer without its end',
    200,
    `${service}${line(`${oid} HEAD\0symref=HEAD:refs/heads/main`)}${line(`${oid} refs/heads/main`)}`,
  ],
  [
    'an answer cut within a line',
    200,
    `${service}${line(`${oid} HEAD\0symref=HEAD:refs/heads/main`)}${line(`${oid} refs/heads/main`).slice(0, 30)}`,
  ],
  [
    'a branch with an odd id',
    200,
    `${service}${line(`--upload-pack=x HEAD\0x`)}${line('--upload-pack=x refs/heads/main')}0000`,
  ],
  ['an error of the server', 200, `${service}${line('ERR access denied or repository not exported')}0000`],
  [
    'more than the limit',
    200,
    `${service}${line(`${oid} HEAD\0x`)}${line(`${oid} refs/heads/main`).repeat(2_000)}0000`,
  ],
] as const) {
  test(`${name} is a failed listing, never an empty one`, async (t) => {
    const { url } = await bed(t, {
      intercept: (_request, response) => {
        response.writeHead(status, { 'content-type': 'application/x-git-upload-pack-advertisement' }).end(body);
        return true;
      },
    });
    const git = await testGit(t, { limits: { listBytes: 60_000 } });
    await assert.rejects(git.list(access(url), never), { code: 'git-list-failed', retry: 'after-interval' });
  });
}

test('an answer that breaks off, and a server that is gone, are failed listings', async (t) => {
  const { server, url } = await bed(t, {
    intercept: (_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write(service);
      setImmediate(() => response.destroy());
      return true;
    },
  });
  const git = await testGit(t);
  await assert.rejects(git.list(access(url), never), { code: 'git-list-failed' });
  await server.close();
  await assert.rejects(git.list(access(url), never), { code: 'git-list-failed' });
});

test('a vanished repo fails to list and to fetch, and what was fetched can still be read', async (t) => {
  const { repo, url } = await bed(t);
  const commit = await repo.commitAndPush({ a: '1' });
  const git = await testGit(t);
  await readAll(git, access(url), commit);
  await rm(repo.bare, { recursive: true });
  await assert.rejects(git.list(access(url), never), { code: 'git-list-failed' });
  await assert.rejects(git.fetch(access(url), oid as CommitId, never), { code: 'git-fetch-failed' });
  assert.deepEqual(await readAll(git, access(url), commit), { a: '1' });
});

for (const [name, options, config] of [
  ['any commit by id (version 2)', {}, []],
  ['any commit by id (old protocol)', { protocolV2: false }, ['uploadpack.allowAnySHA1InWant', 'true']],
  ['branches only', { protocolV2: false }, []],
] as const) {
  test(`a pinned commit below the tip is fetched from a server that gives out ${name}; one that is gone is no failure`, async (t) => {
    const { repo, url } = await bed(t, options);
    if (config.length > 0) await repo.gitBare('config', ...config);
    const pinned = await repo.commitAndPush({ a: 'pinned' });
    for (let n = 0; n < 5; n++) await repo.commitAndPush({ a: `${n}` });
    const tip = (await repo.git('rev-parse', 'HEAD')) as CommitId;
    const git = await testGit(t);
    assert.deepEqual(await readAll(git, access(url), tip), { a: '4' });
    assert.deepEqual(await readAll(git, access(url), pinned), { a: 'pinned' });
    await assert.rejects(git.fetch(access(url), oid as CommitId, never), { code: 'git-ref-moved', retry: 'now' });
    const next = await repo.commitAndPush({ a: 'next' });
    assert.deepEqual(await readAll(git, access(url), next), { a: 'next' });
  });
}

test('https is verified against the certificates that the environment names, in listing and fetching', async (t) => {
  const dir = await tempDir(t);
  const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' });
  const { repo, url } = await bed(t, { tls: { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') } });
  const commit = await repo.commitAndPush({ a: '1' });
  const trusting = await testGit(t, { env: { PATH: process.env.PATH, GIT_SSL_CAINFO: cert } });
  assert.deepEqual((await trusting.list(access(url), never)).branches, { main: commit });
  assert.deepEqual(await readAll(trusting, access(url), commit), { a: '1' });
  const careful = await testGit(t, { env: { PATH: process.env.PATH } });
  await assert.rejects(careful.list(access(url), never), { code: 'git-list-failed' });
});

test('URLs and refs that git would take for options or commands never reach it', async (t) => {
  const git = await testGit(t, { localRoots: ['/'] });
  const touched = join(await tempDir(t), 'touched');
  for (const url of [
    `--upload-pack=touch ${touched}`,
    `ext::touch ${touched}`,
    '-x',
    'http://host/../x',
    'http://user:pass@host/x',
    `ssh://-oProxyCommand=touch${touched}/x`,
  ]) {
    await assert.rejects(git.list(access(url), never), { code: 'git-url-refused' }, url);
    await assert.rejects(git.fetch(access(url), oid as CommitId, never), { code: 'git-url-refused' }, url);
  }
  assert.equal(git.watch('https://host/x' as RepoUrl, () => {})(), undefined);
});
