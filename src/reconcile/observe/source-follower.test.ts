import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appDeclaration, commitId, declarations } from '../../../test/support/declarations.ts';
import { type TestPorts, testPorts } from '../../../test/support/ports.ts';
import type { AppDeclaration } from '../../model/app.ts';
import { MainspringError } from '../../model/errors.ts';
import type { RefListing, RepoUrl } from '../../model/source.ts';
import { queriesByRepo } from './queries.ts';
import { SourceReader } from './read-source.ts';
import { followSources } from './source-follower.ts';

const REPO = 'https://git.example.com/a' as RepoUrl;
const never = new AbortController().signal;

/** Follows the sources of these apps in a repo with an index.html at its root and in `svc`. */
async function follow(
  ports: TestPorts,
  apps: readonly AppDeclaration[],
  edit: Partial<RefListing> = {},
): Promise<MainspringError | null> {
  const { head, branches } = ports.git.repo(REPO);
  const listing = { repo: REPO, asOf: ports.clock.now(), head, branches: Object.fromEntries(branches), ...edit };
  const reader = new SourceReader(ports.git, 1_000);
  return followSources(queriesByRepo(declarations(apps)).get(REPO) ?? [], { listing, ports, reader, signal: never });
}

/** What is recorded of each source: its commit or none, and the code of its problem or none. */
function recorded(ports: TestPorts): (string | null)[][] {
  return [...ports.store.recorded.sources.values()].map((row) => [
    row.resolved?.commit ?? null,
    row.problem?.code ?? null,
  ]);
}

function withRepo(t: Parameters<typeof testPorts>[0]) {
  const ports = testPorts(t);
  return { ports, commit: ports.git.repo(REPO).push({ 'index.html': '1', 'svc/index.html': '1' }) };
}

const at = (folder: string, edit: Partial<AppDeclaration> = {}) =>
  appDeclaration({ path: `/x${folder}`, source: { kind: 'repo', url: REPO, folder }, ...edit });

test('each source is recorded at the commit of its branch; a second look records nothing and asks git nothing', async (t) => {
  const { ports, commit } = withRepo(t);
  await follow(ports, [at(''), at('svc')]);
  assert.deepEqual(recorded(ports), [
    [commit, null],
    [commit, null],
  ]);
  const rows = [...ports.store.recorded.sources.values()];
  ports.git.calls.length = 0;
  await follow(ports, [at(''), at('svc')]);
  assert.deepEqual(ports.git.calls, []);
  assert.deepEqual([...ports.store.recorded.sources.values()], rows);
});

test('apps that share a source share its row', async (t) => {
  const { ports } = withRepo(t);
  await follow(ports, [at(''), at('', { id: 'other' as never })]);
  assert.equal(ports.store.recorded.sources.size, 1);
});

test('a pinned commit wins over the branch', async (t) => {
  const { ports, commit } = withRepo(t);
  const newer = ports.git.repo(REPO).push({ 'index.html': '2' });
  await follow(ports, [at('', { gitCommit: commit })]);
  assert.notEqual(commit, newer);
  assert.deepEqual(recorded(ports), [[commit, null]]);
});

/** What a listing lacks is a problem of the app that wants it; what was known of it goes on. */
for (const [name, app, listing, code] of [
  ['a branch that is missing', at('', { gitBranch: 'gone' }), {}, 'git-ref-missing'],
  ['a HEAD that points nowhere', at(''), { head: null }, 'git-ref-missing'],
  ['an empty repo', at(''), { head: null, branches: {} }, 'git-repo-empty'],
  ['a folder that is not there', at('gone'), {}, 'git-path-missing'],
  ['a pinned commit that is not there', at('', { gitCommit: commitId('9') }), {}, 'git-ref-missing'],
] as const) {
  test(`${name} is the affair of its app alone`, async (t) => {
    const { ports, commit } = withRepo(t);
    assert.equal(await follow(ports, [app, at('svc', { gitCommit: commit })], listing), null);
    assert.deepEqual(recorded(ports), [
      [null, code],
      [commit, null],
    ]);
  });
}

test('an empty listing takes nothing away that was known', async (t) => {
  const { ports, commit } = withRepo(t);
  await follow(ports, [at('')]);
  assert.equal((await follow(ports, [at('')], { head: null, branches: {} }))?.code, 'git-repo-empty');
  assert.deepEqual(recorded(ports), [[commit, 'git-repo-empty']]);
  assert.equal(await follow(ports, [at('')]), null);
  assert.deepEqual(recorded(ports), [[commit, null]]);
});

test('a fetch that fails is noted on its source, holds up no other, and is the error of the repo', async (t) => {
  const { ports, commit } = withRepo(t);
  const other = ports.git.repo(REPO).push({ 'index.html': '2' }, 'other');
  ports.git.before = (method, subject) => {
    if (method === 'fetch' && subject === other)
      throw new MainspringError('git-fetch-failed', 'no', { retry: 'after-interval' });
  };
  const apps = [at('', { gitBranch: 'other' }), at('svc')];
  await assert.rejects(follow(ports, apps), { code: 'git-fetch-failed' });
  assert.deepEqual(recorded(ports), [
    [null, 'git-fetch-failed'],
    [commit, null],
  ]);
});

test('a branch that moved since it was listed is noted nowhere, and said to whoever lists', async (t) => {
  const { ports } = withRepo(t);
  const listing = { branches: { main: commitId('9') } };
  await assert.rejects(follow(ports, [at('')], listing), { code: 'git-ref-moved' });
  assert.deepEqual(recorded(ports), []);
});

test('a full disk is said, and takes nothing away', async (t) => {
  const { ports } = withRepo(t);
  ports.connection.isFull = true;
  await assert.rejects(follow(ports, [at('')]), { code: 'store-full' });
  assert.deepEqual(recorded(ports), []);
});

test('many sources are looked at in slices', async (t) => {
  let turns = 0;
  const ports = testPorts(t, {
    yieldTurn: async () => {
      turns += 1;
    },
  });
  const many = Array.from({ length: 1_000 }, (_, n) => `a${n}`);
  ports.git.repo(REPO).push(Object.fromEntries(many.map((name) => [`${name}/index.html`, name])));
  await follow(
    ports,
    many.map((name) => at(name)),
  );
  assert.ok(turns >= 3, `${turns} turns`);
  assert.equal(ports.store.recorded.sources.size, 1_000);
});
