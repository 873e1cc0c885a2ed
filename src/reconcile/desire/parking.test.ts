import assert from 'node:assert/strict';
import { test } from 'node:test';
import { told, urlOf, type World, worldWith } from '../../../test/support/branches.ts';
import type { PreviewPolicy } from '../../model/config.ts';
import { isTarget } from '../../model/desired.ts';

const DAY = 86_400_000;

/** Pushes to a branch of `a`, which is made if there is none. */
function push(world: World, branch: string, repo = 'a'): void {
  const { branches } = world.repo(repo);
  if (!branches.has(branch)) world.repo(repo).branch(branch);
  world.repo(repo).commit(branch, { '': `${repo} on ${branch} at ${world.at}` });
}

/** Previews of these branches, each pushed to an hour after the one before. */
function previewed(previews: Partial<PreviewPolicy>, branches: readonly string[]): World {
  const world = worldWith(['a'], { previews });
  for (const branch of branches) {
    push(world, branch);
    world.settle();
    world.pass(3_600_000);
  }
  return world;
}

/** Which previews are up, and which are parked. */
function standing(world: World) {
  const previews = world.previews();
  const names = (isParked: boolean) =>
    previews.filter(({ parked }) => (parked !== null) === isParked).map(({ name }) => name as string);
  return { up: names(false), parked: names(true) };
}

test('up to max all are up', () => {
  assert.deepEqual(standing(previewed({ max: 3 }, ['x', 'y', 'z'])), { up: ['x', 'y', 'z'], parked: [] });
});

test('over max the one that nobody wanted for longest is parked, and says why', () => {
  const world = previewed({ max: 2 }, ['y', 'x', 'z']);
  assert.deepEqual(standing(world), { up: ['x', 'z'], parked: ['y'] });
  const parked = world.previews().find(({ name }) => name === 'y');
  assert.equal(parked?.parked, 'there are more than 2 previews (max), and this one is idle for longest');
});

test('of those that were pushed to at the same time the first by name are up', () => {
  const world = worldWith(['a'], { previews: { max: 2 } });
  for (const branch of ['z', 'y', 'x']) push(world, branch);
  assert.deepEqual(standing(world), { up: ['x', 'y'], parked: ['z'] });
});

test('of those that were pushed to at the same time what is up stays up, whichever names are read next', () => {
  const world = worldWith(['a'], { previews: { max: 2 } });
  for (const branch of ['v', 'w', 'x', 'y', 'z']) push(world, branch);
  const known = new Set(['main', 'x', 'z']);
  world.isKnown = ({ commit }) => [...known].some((branch) => world.repo('a').tip(branch) === commit);
  const late = ['y', 'v', 'w'];
  for (;;) {
    world.settle();
    assert.deepEqual(standing(world).up, ['x', 'z']);
    world.pass(1_000);
    const [next] = late.splice(0, 1);
    if (next === undefined) break;
    known.add(next);
  }
  assert.deepEqual(standing(world).parked, ['v', 'w', 'y']);
  push(world, 'v');
  known.add('v');
  world.settle();
  assert.deepEqual(standing(world), { up: ['v', 'x'], parked: ['w', 'y', 'z'] });
});

test('one that was pushed to later takes the place of one that was pushed to before, although less was known of it then', () => {
  const world = worldWith(['a', 'b'], { previews: { max: 1 } });
  push(world, 'x');
  world.isKnown = ({ repo }) => repo === urlOf('b');
  world.settle();
  world.pass(1_000);
  push(world, 'y', 'b');
  world.settle();
  world.pass(1_000);
  world.isKnown = () => true;
  world.settle();
  assert.deepEqual(standing(world), { up: ['y'], parked: ['x'] });
});

test('max = 0 parks all', () => {
  assert.deepEqual(standing(previewed({ max: 0 }, ['x'])), { up: [], parked: ['x'] });
});

test('one that is parked is back by a commit, and the next one is parked for it', () => {
  const world = previewed({ max: 2 }, ['x', 'y', 'z']);
  world.settle();
  push(world, 'x');
  world.settle();
  assert.deepEqual(standing(world), { up: ['x', 'z'], parked: ['y'] });
  assert.deepEqual(told(world.previews()), ['x: /a', 'y (parked): /a parked', 'z: /a']);
});

test('one that is parked is back when there is room: another ended, or main says a larger max', () => {
  const world = previewed({ max: 2 }, ['x', 'y', 'z']);
  world.settle();
  world.repo('a').branches.delete('z');
  world.settle();
  assert.deepEqual(standing(world), { up: ['x', 'y'], parked: [] });
});

test('a preview that nobody pushed to for ttl is parked, and says why', () => {
  const world = previewed({ ttlMs: 14 * DAY }, ['x']);
  world.pass(14 * DAY - 3_600_000 - 1);
  assert.deepEqual(standing(world), { up: ['x'], parked: [] });
  world.pass(1);
  assert.equal(world.previews()[0]?.parked, 'nobody pushed to it for 14d (ttl)');
  push(world, 'x');
  world.settle();
  assert.deepEqual(standing(world), { up: ['x'], parked: [] });
});

test('one that is parked for its age takes no place of the others', () => {
  const world = previewed({ max: 1, ttlMs: DAY }, ['x']);
  world.pass(2 * DAY);
  push(world, 'y');
  assert.deepEqual(standing(world), { up: ['y'], parked: ['x'] });
  world.settle();
  world.pass(3_600_000);
  assert.deepEqual(standing(world), { up: ['y'], parked: ['x'] });
});

test('an environment that is only errors is never parked and takes no place', () => {
  const world = previewed({ max: 1, ttlMs: DAY }, ['x']);
  world.config.branch('e').commit('e', {}, 'broken');
  assert.deepEqual(standing(world), { up: ['e', 'x'], parked: [] });
  world.settle();
  world.pass(2 * DAY);
  assert.deepEqual(standing(world), { up: ['e'], parked: ['x'] });
});

test('one that is parked holds what it held, stopped, and what is parked from the start holds nothing', () => {
  const world = previewed({ max: 1 }, ['x', 'y']);
  push(world, 'z');
  assert.deepEqual(told(world.previews()), ['x (parked): /a parked', 'y (parked): /a parked', 'z: /a']);
  const fresh = worldWith(['a'], { previews: { max: 0 } });
  push(fresh, 'x');
  assert.deepEqual(told(fresh.previews()), ['x (parked):']);
});

test('one that is parked ends like any other', () => {
  const world = previewed({ max: 1 }, ['x', 'y']);
  world.settle();
  world.repo('a').branches.delete('x');
  assert.deepEqual(world.settle().ended, [{ name: 'x', why: `branch "x" is gone from ${urlOf('a')}` }]);
  assert.ok(!world.recorded.environments.has('x'));
});

test('parking is said once: what is recorded of it stays the same from then on', () => {
  const world = previewed({ max: 1 }, ['x', 'y']);
  world.settle();
  const row = world.recorded.environments.get('x');
  world.pass(DAY);
  world.settle();
  assert.equal(world.recorded.environments.get('x'), row);
});

test('200 branches over 20 repos with max = 20: twenty are up, the others say why; each costs one merge base and its files', () => {
  const world = worldWith(
    Array.from({ length: 20 }, (_, n) => `r${n}`),
    { previews: { max: 20 } },
  );
  for (let n = 0; n < 200; n += 1) push(world, `b${n}`, `r${n % 20}`);
  const { needs } = (() => {
    world.isKnown = () => false;
    return world.desired();
  })();
  assert.deepEqual(
    [needs.bases.length, needs.folders.length, needs.configs.length, needs.repos.length],
    [200, 0, 0, 0],
  );
  world.isKnown = ({ kind }) => kind === 'base';
  // Of each branch its own, and of each repo the commit that all of them began from.
  assert.equal(world.desired().needs.folders.length, 220);
  world.isKnown = () => true;
  const { up, parked } = standing(world);
  assert.deepEqual([up.length, parked.length], [20, 180]);
  assert.equal(
    world.previews().flatMap(({ deployments }) => deployments.filter(({ want }) => isTarget(want))).length,
    20,
  );
  world.settle();
  world.pass(DAY);
  assert.deepEqual(standing(world), { up, parked });
  push(world, 'b199', 'r19');
  assert.ok(standing(world).up.includes('b199') && standing(world).up.length === 20);
});
