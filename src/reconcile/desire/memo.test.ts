import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, appInside, type ConfigText, told, type World, worldWith } from '../../../test/support/branches.ts';
import { CONFIG_REPO, finish } from '../../../test/support/declarations.ts';
import { fc } from '../../../test/support/properties.ts';
import type { AppDeclaration } from '../../model/app.ts';
import type { EnvName } from '../../model/ids.ts';
import { desire } from '../desire.ts';
import { DesireMemo } from './memo.ts';

const REPOS = ['a', 'b', 'config'] as const;
const BRANCHES = ['main', 'x', 'y'] as const;

/** Something that happens between two passes. */
type Edit = (world: World) => void;

/** An edit that a counterexample shows by these words. */
function named(words: string, edit: Edit): Edit {
  return Object.assign(edit, { [fc.toStringMethod]: () => words });
}

const repo = fc.constantFrom(...REPOS);
const branch = fc.constantFrom(...BRANCHES);
const proposal = fc.constantFrom('x' as const, 'y' as const);
const small = fc.integer({ min: 0, max: 2 });

function hasBranch(world: World, from: string, name: string): boolean {
  return world.repo(from).branches.has(name);
}

const push = fc.tuple(repo, branch, small).map(([of, name, n]) =>
  named(`push ${n} to ${name} of ${of}`, (world) => {
    if (!hasBranch(world, of, name)) world.repo(of).branch(name);
    world.repo(of).commit(name, of === 'config' ? { wiki: `wiki ${n}` } : { '': `${of} ${n}` });
  }),
);

const remove = fc
  .tuple(repo, proposal)
  .map(([of, name]) => named(`delete ${name} of ${of}`, (world) => void world.repo(of).branches.delete(name)));

const reset = fc
  .tuple(repo, proposal)
  .map(([of, name]) => named(`reset ${name} of ${of} to main`, (world) => void world.repo(of).branch(name)));

const merge = fc.tuple(repo, proposal, fc.boolean()).map(([of, name, squash]) =>
  named(`${squash ? 'squash' : 'merge'} ${name} of ${of}`, (world) => {
    if (hasBranch(world, of, name)) world.repo(of).merge(name, { squash });
  }),
);

const apps = fc
  .record({
    params: small,
    previews: fc.boolean(),
    gitBranch: fc.constantFrom(null, 'x'),
    promote: fc.constantFrom('on_merge', 'pinned'),
  })
  .map(({ params, ...edit }): AppDeclaration[] => [
    appFrom('a', { params: { A: params }, ...edit } as Partial<AppDeclaration>),
    appFrom('b'),
    appInside('wiki'),
    ...(params === 2 ? [appFrom('c')] : []),
  ]);

const text: fc.Arbitrary<ConfigText> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ apps, previews: fc.record({ max: small, branches: fc.constantFrom(['*'], ['x']) }) }),
  },
  { weight: 1, arbitrary: fc.constant('broken' as const) },
);

const declare = fc.tuple(branch, text).map(([name, config]) =>
  named(`declare on ${name}: ${fc.stringify(config)}`, (world) => {
    if (!hasBranch(world, 'config', name)) world.config.branch(name);
    world.config.commit(name, {}, config);
  }),
);

/** Facts of a kind are not read for now; what was read once stays known. */
const hide = fc.constantFrom('base', 'folder', 'config', 'nothing').map((kind) =>
  named(`hide ${kind}`, (world) => {
    const read = readOf(world);
    world.isKnown = (fact) => {
      const key = `${fact.kind} ${fact.repo} ${fact.commit}`;
      if (fact.kind !== kind) read.add(key);
      return read.has(key);
    };
  }),
);

const reads = new WeakMap<World, Set<string>>();

function readOf(world: World): Set<string> {
  const read = reads.get(world) ?? new Set<string>();
  reads.set(world, read);
  return read;
}

const show = fc.tuple(repo, fc.boolean()).map(([of, isEmpty]) =>
  named(`${of} ${isEmpty ? 'lists nothing' : 'lists all'}`, (world) => {
    world.repo(of).shows(isEmpty ? (listing) => ({ ...listing, branches: {} }) : null);
  }),
);

const follow = fc
  .boolean()
  .map((isFollowing) =>
    named(isFollowing ? 'follow' : 'follow no more', (world) => void Object.assign(world, { isFollowing })),
  );

const watch = fc.boolean().map((isWatched) =>
  named(isWatched ? 'watch c' : 'watch c no more', (world) => {
    if (isWatched) world.watched.add(world.repo('c').url);
    else world.watched.delete(world.repo('c').url);
  }),
);

const pass = fc.constant(named('a day passes', (world) => world.pass(86_400_000)));
const settle = fc.constant(named('settle', (world) => void world.settle()));

const edits = fc.array(
  fc.oneof(push, push, remove, reset, merge, declare, declare, hide, show, follow, watch, pass, settle),
  {
    minLength: 4,
    maxLength: 30,
  },
);

function start(): World {
  const world = worldWith(['a', 'b', './wiki']);
  world.repo('c').commit('main', { '': 'c 1' });
  const read = readOf(world);
  world.isKnown = ({ kind, repo: of, commit }) => read.add(`${kind} ${of} ${commit}`).size > 0;
  world.desired();
  return world;
}

test('what is remembered of passes before changes nothing of what is desired', () => {
  fc.assert(
    fc.property(edits, (all) => {
      const world = start();
      const memo = new DesireMemo();
      for (const edit of all) {
        edit(world);
        const remembered = world.desired(memo);
        assert.deepEqual(remembered, world.desired());
        // Once more, with nothing changed: all of it is remembered now.
        assert.deepEqual(world.desired(memo), remembered);
      }
    }),
    { numRuns: 150 },
  );
});

test('no preview ends but by evidence, and none is desired and over at once', () => {
  fc.assert(
    fc.property(edits, (all) => {
      const world = start();
      for (const edit of all) {
        edit(world);
        const { environments, ended } = world.desired();
        const names = environments.map(({ name }) => name);
        assert.equal(new Set(names).size, names.length);
        for (const { name, why } of ended) assert.ok(!names.includes(name) && why !== '', name);
        // Whatever is there is named in one of the two: nothing is forgotten.
        const named = new Set([...names, ...ended.map(({ name }) => name)]);
        for (const name of world.recorded.environments.keys()) assert.ok(named.has(name as never), name);
      }
    }),
    { numRuns: 100 },
  );
});

/** Whether main itself says of all that a preview holds that it is no proposal: that needs no listing to be evidence. */
function isTakenOut(world: World, branch: string): boolean {
  const main = new Map(world.snapshot().config?.declarations.apps.map((app) => [app.id, app]));
  const declares = world.recorded.environments.get(branch as EnvName)?.heads[CONFIG_REPO] !== undefined;
  const held = [...world.recorded.deployments.values()].filter(({ env }) => env === branch).map(({ app }) => app);
  return held.every((id) => {
    const app = main.get(id);
    return app === undefined ? !declares : app.previews === false || app.gitBranch === branch;
  });
}

test('with nothing known and no listing that is evidence, whatever is there stays as it is, but for what main takes out', () => {
  fc.assert(
    fc.property(edits, (all) => {
      const world = start();
      for (const edit of all) edit(world);
      world.settle();
      const before = [...world.recorded.environments.keys()].sort();
      for (const name of ['a', 'b', 'c', 'config']) world.repo(name).shows((listing) => ({ ...listing, branches: {} }));
      world.isKnown = () => false;
      world.isFollowing = false;
      const { environments, ended } = world.desired();
      const over = ended.map(({ name }) => name);
      for (const name of over) assert.ok(isTakenOut(world, name), name);
      assert.deepEqual([...environments.map(({ name }) => name), ...over].sort(), before);
      const wants = environments.filter(({ kind }) => kind === 'preview').flatMap(({ deployments }) => deployments);
      for (const { want } of wants) assert.ok('stay' in want);
    }),
    { numRuns: 100 },
  );
});

test('an app that main takes out of previews goes, though it was main’s listing that moved first', () => {
  const world = start();
  world.config
    .branch('x')
    .commit('x', {}, { apps: [appFrom('a', { params: { A: '1' } }), appFrom('b'), appInside('wiki')] });
  const memo = new DesireMemo();
  world.settle(memo);
  world.isFollowing = false;
  world.config.commit('main', {}, { apps: [appFrom('a', { previews: false }), appFrom('b'), appInside('wiki')] });
  assert.deepEqual(told(world.previews(memo)), ['x: /a']);
  world.isFollowing = true;
  assert.deepEqual(told(world.previews(memo)), []);
});

function deepFreeze<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Object.isFrozen(value)) return value;
  Object.freeze(value);
  const members = value instanceof Map ? [...value.values()] : Object.values(value);
  for (const member of members) deepFreeze(member);
  return value;
}

test('deciding about previews changes nothing of the snapshot, and equal snapshots give equal decisions', () => {
  fc.assert(
    fc.property(edits, (all) => {
      const world = start();
      for (const edit of all) edit(world);
      const snapshot = deepFreeze(world.snapshot());
      const [once, twice] = [finish(desire(snapshot)), finish(desire(world.snapshot()))];
      assert.deepEqual(once, twice);
    }),
    { numRuns: 100 },
  );
});
