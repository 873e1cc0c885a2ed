import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_REPO } from '../../../test/support/declarations.ts';
import { Loop } from '../../../test/support/loop.ts';

const at = (name: string, url = `https://git.example.com/${name}`) =>
  ({ path: `/${name}`, source: { kind: 'repo', url, folder: '' } }) as const;

/** A loop whose config names these source repos. */
async function watching(t: ConstructorParameters<typeof Loop>[0], names: readonly string[]) {
  const loop = new Loop(t);
  for (const name of names) loop.ports.git.repo(`https://git.example.com/${name}`).push({ 'index.html': name });
  loop.config({ apps: names.map((name) => at(name)) });
  await loop.start();
  const listed = () =>
    loop.ports.git.calls.flatMap((call) => (call.startsWith('list ') ? [call.slice('list '.length)] : []));
  return { loop, listed };
}

test('nothing is watched or listed before it is started', async (t) => {
  const loop = new Loop(t);
  loop.config({ apps: [] });
  await loop.pass(60_000);
  assert.deepEqual(loop.ports.git.calls, []);
});

test('each poll lists every repo once, however many apps use it', async (t) => {
  const { loop, listed } = await watching(t, ['x', 'y']);
  loop.config({ apps: [at('x'), { ...at('x'), path: '/x2', gitBranch: 'main' }, at('y')] });
  await loop.look();
  loop.ports.git.calls.length = 0;
  await loop.pass(30_000);
  assert.deepEqual(listed().toSorted(), [CONFIG_REPO, 'https://git.example.com/x', 'https://git.example.com/y']);
});

test('a repo that no app names any more is neither listed nor remembered', async (t) => {
  const { loop, listed } = await watching(t, ['x', 'y']);
  loop.config({ apps: [at('y')] });
  await loop.look();
  loop.ports.git.calls.length = 0;
  await loop.pass(30_000);
  assert.deepEqual(listed().toSorted(), [CONFIG_REPO, 'https://git.example.com/y']);
  const { repos, sources } = loop.ports.store.recorded;
  assert.deepEqual([[...repos.keys()].toSorted(), sources.size], [[CONFIG_REPO, 'https://git.example.com/y'], 1]);
});

test('a repo that a branch alone names is looked at once a poll, and is not forgotten when main moves', async (t) => {
  const { loop, listed } = await watching(t, ['x']);
  loop.ports.git.repo('https://git.example.com/z').push({ 'index.html': 'z' });
  loop.branch('b', { apps: [at('x'), at('z')] });
  await loop.look();
  assert.equal(loop.deployment('z', 'b')?.live?.target.source?.repo, 'https://git.example.com/z');
  const dropped: string[] = [];
  loop.ports.store.onChange((changes) => {
    for (const change of changes) if ('drop' in change && change.drop === 'repo') dropped.push(change.row.repo);
  });
  loop.ports.git.calls.length = 0;
  loop.config({ apps: [at('x'), { ...at('x'), path: '/x2' }] });
  await loop.pass(30_000);
  assert.deepEqual([dropped, listed().filter((repo) => repo.endsWith('/z')).length], [[], 1]);
  loop.ports.git.repo(CONFIG_REPO).branches.delete('b');
  await loop.pass(60_000);
  assert.deepEqual(dropped, ['https://git.example.com/z']);
});

test('what is new is looked at although what is old can’t be forgotten for now, which is done by a later pass', async (t) => {
  const { loop } = await watching(t, ['x']);
  const url = 'https://git.example.com/y';
  loop.ports.git.repo(url).push({ 'index.html': 'y' });
  loop.config({ apps: [at('y')] });
  const { store } = loop.ports;
  const transact = store.transact.bind(store);
  store.transact = (decide) =>
    transact((...given) => {
      const changes = decide(...given);
      if (changes.some((change) => 'drop' in change && change.drop === 'repo')) throw new Error('disk full');
      return changes;
    });
  await loop.look();
  assert.notEqual(loop.served('y'), null);
  assert.ok(store.recorded.repos.has('https://git.example.com/x'));
  store.transact = transact;
  await loop.pass(60_000);
  assert.deepEqual([...store.recorded.repos.keys()].toSorted(), [CONFIG_REPO, url]);
});

test('apps may have the config repo itself as their source repo, which is listed once', async (t) => {
  const { loop, listed } = await watching(t, []);
  loop.config({ apps: [at('self', CONFIG_REPO)] });
  await loop.look();
  assert.notEqual(loop.served('self'), null);
  loop.ports.git.calls.length = 0;
  await loop.pass(30_000);
  assert.deepEqual(listed(), [CONFIG_REPO]);
});

test('a look that finds nothing new costs one pass a poll, however many repos there are', async (t) => {
  const { loop } = await watching(t, ['x', 'y', 'z']);
  const before = loop.reconciler.passes;
  await loop.pass(30_000);
  assert.equal(loop.reconciler.passes - before, 1);
});

test('what is seen by one look is seen at one time, however long some repos take to answer', async (t) => {
  const { loop } = await watching(t, ['x', 'y', 'z']);
  await loop.pass(30_000);
  const late: Record<string, number> = { 'https://git.example.com/y': 2_000, 'https://git.example.com/z': 5_000 };
  for (const name of ['x', 'y', 'z']) loop.ports.git.repo(`https://git.example.com/${name}`).push({ '1': name }, 'new');
  const { git, clock } = loop.ports;
  git.before = async (method, repo, signal) => {
    if (method === 'list') await clock.sleep(late[repo] ?? 0, signal);
  };
  await loop.pass(36_000);
  const repos = [...loop.ports.store.recorded.repos.values()].filter(({ repo }) => repo !== CONFIG_REPO);
  const times = repos.map(({ movedAt }) => movedAt.new);
  assert.deepEqual([times.length, new Set(times).size, typeof times[0]], [3, 1, 'number']);
});

test('the snapshot stays as it was taken, whatever is recorded after', async (t) => {
  const { loop } = await watching(t, ['x']);
  const snapshot = loop.reconciler.snapshot();
  const count = snapshot.recorded.deployments.size;
  loop.config({ apps: [] });
  await loop.look(60_000);
  assert.deepEqual(
    [snapshot.recorded.deployments.size, loop.reconciler.snapshot().recorded.deployments.size],
    [count, 0],
  );
});

test('when a repo was listed last is known, also where nothing changed', async (t) => {
  const { loop } = await watching(t, ['x']);
  await loop.pass(30_000);
  assert.equal(loop.reconciler.asOf(CONFIG_REPO), loop.ports.clock.now() - 1_000);
  assert.equal(loop.reconciler.asOf('https://git.example.com/no'), null);
});

test('a repo that lacks what an app runs from is told of once, and once more when it has it again', async (t) => {
  const { loop } = await watching(t, ['x']);
  const { branches } = loop.ports.git.repo('https://git.example.com/x');
  const known = new Map(branches);
  loop.news();
  branches.clear();
  await loop.pass(3_600_000);
  assert.deepEqual(loop.news(), ['source.stale']);
  assert.equal(loop.ports.store.recorded.repos.get('https://git.example.com/x')?.error?.code, 'git-repo-empty');
  for (const [branch, commit] of known) branches.set(branch, commit);
  await loop.pass(60_000);
  assert.deepEqual(loop.news(), ['source.recovered']);
});
