import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appFrom,
  appInside,
  type FactName,
  told,
  urlOf,
  type World,
  worldWith,
} from '../../../test/support/branches.ts';
import { CONFIG_REPO } from '../../../test/support/declarations.ts';
import type { Needs } from '../../model/git-facts.ts';

/** How much is asked for, and how many commits are needed. */
function counts({ configs, bases, folders, repos }: Needs) {
  return { configs: configs.length, bases: bases.length, folders: folders.length, repos: repos.length };
}

const NOTHING = { configs: 0, bases: 0, folders: 0, repos: 0 };

/** A preview of branch `x` of the config repo and sources `a` and `b`, which is there. */
function previewed(): World {
  const world = worldWith(['a', 'b', './wiki']);
  for (const name of ['a', 'b'])
    world
      .repo(name)
      .branch('x')
      .commit('x', { '': `${name} on x` });
  world.config.branch('x').commit('x', { wiki: 'wiki 2' });
  world.settle();
  return world;
}

const unread = (kind: FactName['kind'], repo?: string) => (fact: FactName) =>
  fact.kind !== kind || (repo !== undefined && fact.repo !== urlOf(repo));

/** Facts that are not read yet: what is there stays, what is not is waited for, and what is asked for. */
for (const [name, isKnown, expected, needs] of [
  ['the config of the branch', unread('config'), ['x: /a as-is /b as-is /wiki as-is'], { configs: 1 }],
  ['where the config parts from main', unread('base', 'config'), ['x: /a as-is /b as-is /wiki as-is'], { bases: 1 }],
  ['where a source parts from main', unread('base', 'a'), ['x: /a as-is /b /wiki'], { bases: 1 }],
  [
    'where all sources part from main',
    (fact: FactName) => fact.kind !== 'base' || fact.repo === CONFIG_REPO,
    ['x: /a as-is /b as-is /wiki'],
    { bases: 2 },
  ],
  ['the files of a source', unread('folder', 'a'), ['x: /a as-is /b /wiki'], { folders: 2 }],
  ['any files', unread('folder'), ['x: /a as-is /b as-is /wiki as-is'], { folders: 6 }],
] as const) {
  test(`not known yet: ${name}; it stays as it is and is asked for`, () => {
    const world = previewed();
    world.isKnown = isKnown;
    const desired = world.desired();
    assert.deepEqual(told(desired.environments.filter(({ kind }) => kind === 'preview')), expected);
    assert.deepEqual([counts(desired.needs), desired.ended], [{ ...NOTHING, ...needs }, []]);
  });

  test(`not known yet: ${name}; a preview that is not there holds what is known`, () => {
    const world = previewed();
    world.recorded.environments.delete('x');
    for (const key of [...world.recorded.deployments.keys()])
      if (key.startsWith('x ')) world.recorded.deployments.delete(key);
    world.isKnown = isKnown;
    const held = expected.map((text) => text.replaceAll(/ \S+ as-is/g, '')).filter((text) => text !== 'x:');
    assert.deepEqual(told(world.previews()), held);
    assert.deepEqual(counts(world.desired().needs), { ...NOTHING, ...needs });
  });
}

test('what is known of nothing ends nothing, also where nothing was deployed: a branch that is mended', () => {
  const world = worldWith(['./wiki']);
  world.config.branch('x').commit('x', {}, 'broken');
  world.settle();
  world.config.commit('x', { wiki: 'wiki 2' }, { apps: [appInside('wiki')] });
  world.isKnown = unread('folder');
  assert.deepEqual([told(world.previews()), world.desired().ended], [['x:'], []]);
});

test('a member that is new in a preview is waited for, and what it takes the place of goes', () => {
  const world = worldWith(['./wiki', './docs']);
  const apps = [appInside('wiki'), appInside('docs')];
  world.config.branch('x').commit('x', { wiki: 'wiki 2' });
  world.settle();
  world.config.branch('x').commit('x', {}, { apps: [...apps, appInside('new')] });
  const tip = world.config.tip('x');
  world.isKnown = ({ kind, commit }) => kind !== 'folder' || commit !== tip;
  assert.deepEqual([told(world.previews()), world.desired().ended], [['x: /wiki as-is'], []]);
});

test('a preview that is parked and of which nothing is known stays parked', () => {
  const world = worldWith(['a'], { previews: { max: 0 } });
  world.repo('a').branch('x').commit('x', { '': 'a on x' });
  world.settle();
  assert.deepEqual(told(world.previews()), ['x (parked):']);
  world.isKnown = () => false;
  assert.deepEqual([told(world.previews()), world.desired().ended], [['x (parked):'], []]);
});

test('all of a kind is asked for at once, each in one go: configs, then where they part, then files', () => {
  const world = worldWith(['a']);
  for (let n = 0; n < 10; n += 1) {
    world
      .repo('a')
      .branch(`s${n}`)
      .commit(`s${n}`, { '': `a on s${n}` });
    world.config.branch(`c${n}`).commit(`c${n}`, { docs: `${n}` }, { apps: [appFrom('a'), appInside('docs')] });
  }
  const rounds: object[] = [];
  const known = new Set<string>();
  world.isKnown = ({ kind, repo, commit }) => known.has(`${kind} ${repo} ${commit}`);
  for (let round = 0; round < 9; round += 1) {
    const { needs } = world.desired();
    if (Object.values(counts(needs)).every((count) => count === 0)) break;
    rounds.push(counts(needs));
    for (const commit of needs.configs) known.add(`config ${CONFIG_REPO} ${commit}`);
    for (const { repo, a } of needs.bases) known.add(`base ${repo} ${a}`);
    for (const { repo, commit } of needs.folders) known.add(`folder ${repo} ${commit}`);
  }
  assert.deepEqual(rounds, [
    { ...NOTHING, configs: 10, bases: 10 },
    // Each branch and the one commit that all of them began from.
    { ...NOTHING, bases: 10, folders: 11 },
    { ...NOTHING, folders: 10 },
  ]);
  assert.equal(world.previews().length, 20);
});

test('an app that is the same as where its branch began is compared without reading its files', () => {
  const world = worldWith(Array.from({ length: 50 }, (_, n) => `r${n}`));
  world.repo('r7').branch('x').commit('x', { '': 'changed' });
  const asked: FactName[] = [];
  world.isKnown = (fact) => asked.push(fact) > 0;
  assert.deepEqual(told(world.previews()), ['x: /r7']);
  assert.deepEqual(new Set(asked.map(({ repo }) => repo)), new Set([urlOf('r7')]));
});

test('the commits that previews are derived from are needed, and no others', () => {
  const world = worldWith(['a']);
  const base = world.repo('a').tip('main');
  const tip = world.repo('a').branch('x').commit('x', { '': 'a on x' });
  const main = world.repo('a').commit('main', { '': 'newer' });
  assert.deepEqual(world.desired().needs.commits, new Set([tip, main, base]));
  world.repo('a').branches.delete('x');
  assert.deepEqual(world.desired().needs.commits, new Set());
});
