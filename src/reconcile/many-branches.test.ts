import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Loop } from '../../test/support/loop.ts';
import type { Evaluator } from './ports.ts';

const MAX = 20;
const NAMES = Array.from({ length: 20 }, (_, at) => `app-${at}`);
const BRANCHES = NAMES.flatMap((name) => Array.from({ length: 10 }, (_, at) => ({ name, branch: `${name}-b${at}` })));
const POLL_MS = 30_000;

const urlOf = (name: string) => `https://git.example.com/${name}`;

/** What is asked of others. */
interface Cost {
  readonly listings: number;
  readonly bases: number;
  readonly fetches: number;
  readonly evaluations: number;
  readonly builds: number;
  /** Calls of engines besides builds. */
  readonly engines: number;
}

/** Twenty apps from a repo each, of whose previews twenty may be up, and what is asked of others; watched at every commit to the store. */
async function watched(t: ConstructorParameters<typeof Loop>[0]) {
  let [evaluations, builds, engines] = [0, 0, 0];
  const loop = new Loop(t, {
    fault: ({ method }) => {
      if (method === 'build') builds += 1;
      else engines += 1;
      return 'none';
    },
  });
  const { git, store } = loop.ports;
  const { evaluate } = loop.ports.evaluator;
  const evaluator: Evaluator = {
    evaluate: (tree, signal) => {
      evaluations += 1;
      return evaluate(tree, signal);
    },
  };
  Object.assign(loop.ports, { evaluator });
  for (const name of NAMES) git.repo(urlOf(name)).push({ 'index.html': name });
  const apps = NAMES.map((name) => ({
    path: `/${name}`,
    source: { kind: 'repo', url: urlOf(name), folder: '' } as const,
  }));
  loop.config({ apps, previews: { max: MAX } });
  let most = 0;
  store.onChange(() => {
    most = Math.max(most, previews(loop).up.length);
  });
  const cost = (): Cost => {
    const of = (method: string) => git.calls.filter((call) => call.startsWith(`${method} `));
    const [listings, bases] = [of('list').length, of('mergeBase').length];
    // What is there already is asked for again where it is built, which costs nothing.
    const fetches = new Set(of('fetch')).size;
    const spent = { listings, bases, fetches, evaluations, builds, engines };
    git.calls.length = 0;
    [evaluations, builds, engines] = [0, 0, 0];
    return spent;
  };
  await loop.start();
  await loop.pass(2 * POLL_MS);
  cost();
  loop.news();
  return { loop, cost, most: () => most };
}

/** Pushes to a branch, which begins from main if it is new. */
function push(loop: Loop, name: string, branch: string, text = branch): void {
  const repo = loop.ports.git.repo(urlOf(name));
  const parent = repo.branches.get(branch) ?? repo.branches.get('main');
  repo.push({ 'index.html': text }, branch, parent === undefined ? [] : [parent]);
}

function previews(loop: Loop) {
  const all = [...loop.ports.store.recorded.environments.values()].filter(({ kind }) => kind === 'preview');
  const names = (isParked: boolean) =>
    all.filter(({ parked }) => (parked !== null) === isParked).map(({ name }) => name);
  return { up: names(false), parked: names(true) };
}

function count(kinds: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

test('200 branches at once over 20 repos: twenty are opened, built and stay, in whichever order the repos answer', async (t) => {
  const { loop, cost, most } = await watched(t);
  const { git, clock } = loop.ports;
  for (const { name, branch } of BRANCHES) push(loop, name, branch);
  // Each repo takes its time, the first ones the longest.
  const lateness = new Map(NAMES.map((name, at) => [urlOf(name), (NAMES.length - at) * 100]));
  git.before = async (method, repo, signal) => {
    if (method === 'list') await clock.sleep(lateness.get(repo) ?? 0, signal);
  };
  await loop.look(10_000);
  const { up, parked } = previews(loop);
  assert.deepEqual([up.length, parked.length, most()], [MAX, BRANCHES.length - MAX, MAX]);
  const { engines, ...spent } = cost();
  // Of each repo main's files at the merge base are read as well.
  assert.deepEqual(spent, { listings: 21, bases: 200, fetches: 220, evaluations: 0, builds: MAX });
  assert.equal(engines, MAX);
  assert.deepEqual(count(loop.news()), {
    'environment.opened': BRANCHES.length,
    'deployment.planned': MAX,
    'artifact.built': MAX,
    'instance.started': MAX,
    'deployment.live': MAX,
  });

  await loop.pass(POLL_MS);
  assert.deepEqual(cost(), { listings: 21, bases: 0, fetches: 0, evaluations: 0, builds: 0, engines: 0 });
  assert.deepEqual([loop.news(), previews(loop)], [[], { up, parked }]);
});

test('one of 200 that moves is back for one that is idle for longer, at the cost of itself', async (t) => {
  const { loop, cost, most } = await watched(t);
  for (const { name, branch } of BRANCHES) push(loop, name, branch);
  await loop.look(10_000);
  const before = previews(loop);
  const moved = BRANCHES.find(({ branch }) => before.parked.some((name) => name === branch));
  assert.ok(moved !== undefined);
  cost();
  loop.news();
  push(loop, moved.name, moved.branch, 'again');
  await loop.look(10_000);
  const { listings, bases, fetches, evaluations, builds } = cost();
  assert.deepEqual(
    { listings, bases, fetches, evaluations, builds },
    { listings: 21, bases: 1, fetches: 1, evaluations: 0, builds: 1 },
  );
  const { up, parked } = previews(loop);
  assert.deepEqual([up.length, parked.length, most()], [MAX, BRANCHES.length - MAX, MAX]);
  assert.ok(up.some((name) => name === moved.branch));
  assert.equal(up.filter((name) => before.up.includes(name)).length, MAX - 1);
  const { 'environment.parked': left, 'environment.unparked': back, 'artifact.built': built } = count(loop.news());
  assert.deepEqual({ left, back, built }, { left: 1, back: 1, built: 1 });
});
