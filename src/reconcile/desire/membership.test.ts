import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appFrom,
  appInside,
  type ConfigText,
  told,
  urlOf,
  type World,
  worldWith,
} from '../../../test/support/branches.ts';
import { appDeclaration } from '../../../test/support/declarations.ts';
import type { AppDeclaration } from '../../model/app.ts';
import { isTarget, type Target } from '../../model/desired.ts';
import type { AppId } from '../../model/ids.ts';

const [a, b, wiki] = [appFrom('a'), appFrom('b'), appInside('wiki')];

/** Main with apps `/a` and `/b` of repos of their own and `/wiki` of a folder of the config repo. */
function world(): World {
  return worldWith(['a', 'b', './wiki']);
}

/** Branch `x` of the config repo declares these, or says this. */
function declares(of: World, config: ConfigText | readonly AppDeclaration[], folders = {}): World {
  const text = Array.isArray(config) ? { apps: config as readonly AppDeclaration[] } : (config as ConfigText);
  of.config.branch('x').commit('x', folders, text);
  return of;
}

const changedA = appFrom('a', { params: { A: '1' } });

/** What a branch of the config repo changes, and what its preview holds. */
for (const [name, apps, folders, expected] of [
  ['an app that is new', [a, b, wiki, appInside('docs')], { docs: '1' }, ['/docs']],
  ['an app with other params', [changedA, b, wiki], {}, ['/a']],
  [
    'an app with other values for stage: they are a part of its revision',
    [appFrom('a', { stage: { params: { A: '1' } } }), b, wiki],
    {},
    ['/a'],
  ],
  ['an app with another spec', [appFrom('a', { spec: 'static_single' }), b, wiki], {}, ['/a']],
  ['an app with another source', [appFrom('b', { path: '/a' }), b, wiki], {}, ['/a']],
  [
    'an app from another source with the same files is the same',
    [appInside('same', { path: '/a' }), b, wiki],
    { same: 'a 1' },
    [],
  ],
  ['a folder of the config repo', [a, b, wiki], { wiki: 'wiki 2' }, ['/wiki']],
  ['a folder that no app comes from', [a, b, wiki], { lib: '1' }, []],
  [
    'a folder that is taken away: what it holds is a problem',
    [a, b, wiki],
    { wiki: null },
    ['/wiki blocked: git-path-missing'],
  ],
  ['an app that is renamed is a new one', [appFrom('a', { path: '/z' }), b, wiki], {}, ['/z']],
  [
    'an app that keeps its id and moves to another route is the same revision',
    [appDeclaration({ ...a, id: '/a' as AppId, path: '/z' }), b, wiki],
    {},
    [],
  ],
  ['an app that is taken away is not there to be held', [b, wiki], {}, []],
  ['all apps that are taken away', [], { wiki: null }, []],
  [
    'nothing but policy: health, idle, verify, strategy, stage = False',
    [appFrom('a', { health: { path: '/up' }, idle: false, verify: false, strategy: 'replace', stage: false }), b, wiki],
    {},
    [],
  ],
  [
    'nothing but the place in the file',
    [appFrom('a', { position: { file: 'other.star', line: 9, column: 1 } }), b, wiki],
    {},
    [],
  ],
  ['another branch with the same files', [appFrom('a', { gitBranch: 'main' }), b, wiki], {}, []],
  [
    'an app for which main says previews = True and the branch False, is previewed',
    [appFrom('a', { params: { A: '1' }, previews: false }), b, wiki],
    {},
    ['/a'],
  ],
  [
    'a new app that says previews = False of itself',
    [a, b, wiki, appInside('docs', { previews: false })],
    { docs: '1' },
    [],
  ],
] as const) {
  test(`a branch of the config repo changes ${name}`, () => {
    const preview = declares(world(), apps as readonly AppDeclaration[], folders).previews();
    assert.deepEqual(told(preview), expected.length === 0 ? [] : [`x: ${expected.join(' ')}`]);
  });
}

test('previews = False on main is main’s word, whatever the branch says', () => {
  const of = worldWith(['a', 'b'], { edit: (app) => ({ ...app, previews: app.id !== '/a' }) });
  declares(of, [changedA, b]);
  assert.deepEqual(told(of.previews()), []);
});

test('a stale branch does not preview what is newer on main backwards', () => {
  const of = declares(world(), [changedA, b, wiki]);
  const newer = [a, appFrom('b', { params: { B: '2' } }), wiki, appInside('docs')];
  of.config.commit('main', { wiki: 'wiki 2', docs: '1' }, { apps: newer });
  of.repo('b').commit('main', { '': 'b 2' });
  assert.deepEqual(told(of.previews()), ['x: /a']);
});

test('a branch that takes main in holds its own change alone', () => {
  const of = declares(world(), [changedA, b, wiki]);
  const tip = of.config.commit('main', { wiki: 'wiki 2' }, { apps: [a, b, wiki] });
  of.config.put('x', {
    folders: { wiki: 'wiki 2' },
    config: { apps: [changedA, b, wiki] },
    parents: [of.config.tip('x'), tip],
  });
  assert.deepEqual(told(of.previews()), ['x: /a']);
});

test('a branch that began from another branch differs from main by both', () => {
  const of = declares(world(), [changedA, b, wiki]);
  of.config.branch('y', 'x').commit('y', { wiki: 'wiki 2' });
  assert.deepEqual(told(of.previews()), ['x: /a', 'y: /a /wiki']);
});

test('a branch of the config repo that was merged and not deleted has no preview, however it was merged but by squashing', () => {
  for (const [squash, expected] of [
    [false, []],
    [true, ['x: /a']],
  ] as const) {
    const of = declares(world(), [changedA, b, wiki]);
    of.config.merge('x', { squash });
    assert.deepEqual(told(of.previews()), expected);
  }
});

/** What is previewed of one app. */
function previewOf(of: World, app = '/a'): Target {
  const want = of.previews()[0]?.deployments.find((one) => one.app === app)?.want;
  assert.ok(want !== undefined && isTarget(want));
  return want;
}

test('an app of a source is previewed as main declares it, an app of a branch of the config repo as that declares it', () => {
  const of = world();
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  assert.deepEqual([previewOf(of).values.params, previewOf(of).sourceCommit], [{}, of.repo('a').tip('x')]);
  declares(of, [changedA, b, wiki]);
  assert.deepEqual([previewOf(of).values.params, previewOf(of).sourceCommit], [{ A: '1' }, of.repo('a').tip('x')]);
  assert.equal(previewOf(of).configCommit, of.config.tip('x'));
});

test('an app that only the config changes has the files that are declared: the followed branch’s', () => {
  const of = declares(world(), [changedA, b, wiki]);
  of.repo('a').commit('main', { '': 'a 2' });
  const target = previewOf(of);
  assert.deepEqual(
    [target.sourceCommit, target.causes.source?.kind === 'commit' && target.causes.source.ref],
    [of.repo('a').tip('main'), 'HEAD'],
  );
});

test('an app that is declared with a branch of its own has that one’s files', () => {
  const of = world();
  of.repo('a').branch('other').commit('other', { '': 'other' });
  of.repo('a').firstSeen();
  declares(of, [appFrom('a', { gitBranch: 'other' }), b, wiki]);
  assert.deepEqual([told(of.previews()), previewOf(of).sourceCommit], [['x: /a'], of.repo('a').tip('other')]);
});

test('an app whose pin a branch moves is previewed at the pin', () => {
  const of = worldWith(['a']);
  const [old, pin] = [of.repo('a').tip('main'), of.repo('a').commit('main', { '': 'a 2' })];
  const pinned = (gitCommit: string) => appFrom('a', { gitCommit, promote: 'pinned' });
  of.config.commit('main', {}, { apps: [pinned(old)] });
  of.repo('a').commit('main', { '': 'a 3' });
  declares(of, [pinned(pin)]);
  assert.deepEqual([told(of.previews()), previewOf(of).sourceCommit], [['x: /a'], pin]);
});

test('a branch that an app is to follow from now on is previewed as what that would be', () => {
  const of = world();
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  declares(of, [appFrom('a', { gitBranch: 'x' }), b, wiki]);
  assert.deepEqual([told(of.previews()), previewOf(of).sourceCommit], [['x: /a'], of.repo('a').tip('x')]);
});

test('several apps of one repo: those whose folder differs', () => {
  const of = worldWith([]);
  of.repo('mono').commit('main', { one: '1', two: '2' });
  const apps = ['one', 'two'].map((folder) => appFrom('mono', { path: `/${folder}`, folder }));
  of.config.commit('main', {}, { apps });
  of.repo('mono').branch('x').commit('x', { two: 'changed' });
  assert.deepEqual(told(of.previews()), ['x: /two']);
});

test('an app without a source is previewed when its params differ', () => {
  const proxy = (url: string) =>
    appDeclaration({ path: '/docs', source: { kind: 'none' }, spec: 'proxy', params: { url } });
  const of = worldWith([]);
  of.config.commit('main', {}, { apps: [proxy('https://a.example.com')] });
  declares(of, [proxy('https://b.example.com')]);
  assert.deepEqual(told(of.previews()), ['x: /docs']);
});

test('a source that no spec fits on the branch is held with why, and one that has been so is not', () => {
  const of = worldWith(['a', 'b'], { edit: (app) => ({ ...app, spec: 'procfile' }) });
  of.repo('a').commit('main', { '': 'web: run' });
  of.repo('a').branch('x').commit('x', { '': 'no procfile' });
  of.repo('b').branch('x').commit('x', { other: 'folder' });
  assert.deepEqual(told(of.previews()), ['x: /a blocked: spec-undetected']);
});

test('a new app of a repo that main does not name: the repo is asked for, then its app is held, with the branch of the same name', () => {
  const of = world();
  of.repo('c').commit('main', { '': 'c 1' });
  declares(of, [a, b, wiki, appFrom('c', { gitAuth: 'acme' })]);
  const { needs, environments } = of.desired();
  assert.deepEqual(needs.repos, [{ repo: urlOf('c'), auth: 'acme' }]);
  assert.deepEqual(told(environments.filter(({ kind }) => kind === 'preview')), []);
  of.watched.add(urlOf('c'));
  assert.deepEqual([told(of.previews()), previewOf(of, '/c').sourceCommit], [['x: /c'], of.repo('c').tip('main')]);
  of.repo('c').branch('x').commit('x', { '': 'c on x' });
  assert.equal(previewOf(of, '/c').sourceCommit, of.repo('c').tip('x'));
  assert.deepEqual(of.desired().needs.repos, [{ repo: urlOf('c'), auth: 'acme' }]);
});

test('a new app of a repo that can’t be listed is held with why', () => {
  const of = declares(world(), [a, b, wiki, appFrom('c')]);
  of.watched.add(urlOf('c'));
  of.repo('c').shows(() => null);
  of.repo('c').error = { code: 'git-auth-refused', message: 'no', hint: null, retry: 'after-interval' };
  assert.deepEqual(told(of.previews()), ['x: /c blocked: git-auth-refused']);
});

test('a new app of a repo that main does not name is not told of by main’s files before it is known where its branch parted', () => {
  const of = world();
  of.repo('c').commit('main', { '': 'c 1' });
  of.repo('c').branch('x').commit('x', { part: 'c on x' });
  declares(of, [a, b, wiki, appDeclaration({ path: '/c', source: { kind: 'repo', url: urlOf('c'), folder: 'part' } })]);
  of.watched.add(urlOf('c'));
  of.isKnown = ({ kind, repo }) => kind !== 'base' || repo !== urlOf('c');
  assert.deepEqual(told(of.previews()), []);
  of.isKnown = () => true;
  assert.deepEqual(told(of.previews()), ['x: /c']);
});

/** Branch `x` of the config repo has an app of repo `c`, which main had once; its preview is there. */
function leftBehind(): World {
  const of = world();
  const c = appFrom('c');
  of.repo('c').commit('main', { '': 'c 1' });
  of.config.commit('main', {}, { apps: [a, b, wiki, c] });
  of.repo('c').branch('x').commit('x', { '': 'c on x' });
  declares(of, [a, b, wiki, c, appInside('lib')], { lib: '1' });
  of.config.commit('main', {}, { apps: [a, b, wiki] });
  of.watched.add(urlOf('c'));
  of.settle();
  return of;
}

test('an app of a repo that main has no app of any more is held for as long as its branch has it', () => {
  const of = leftBehind();
  assert.deepEqual(told(of.previews()), ['x: /c /lib']);
  of.repo('c').branches.delete('x');
  assert.deepEqual(told(of.previews()), ['x: /lib']);
});

/** Listings of a repo that only a branch names, which show nothing of what they lack. */
for (const [name, branches] of [
  ['is empty', {}],
  ['lacks the followed branch', { z: '1'.repeat(40) as never }],
] as const) {
  test(`an app of a repo that only a branch names stays when the listing of that ${name}`, () => {
    const of = leftBehind();
    of.repo('c').shows((listing) => ({ ...listing, branches }));
    assert.deepEqual([told(of.previews()), of.desired().ended], [['x: /c as-is /lib'], []]);
  });
}

test('a new app of a repo that only a branch names stays while it is read where its branch left off, whatever its main holds', () => {
  const of = world();
  of.repo('c').commit('main', { '': 'c 1' });
  of.repo('c').branch('x').commit('x', { '': 'c on x' });
  of.watched.add(urlOf('c'));
  declares(of, [a, b, wiki, appFrom('c')]).settle();
  of.repo('c').commit('main', { '': null });
  of.isKnown = ({ kind, repo }) => kind !== 'base' || repo !== urlOf('c');
  assert.deepEqual([told(of.previews()), of.desired().ended], [['x: /c as-is'], []]);
});

test('a new app of a branch goes on as it is while its source can’t be had, and is held with why where it never was', () => {
  const of = declares(world(), [a, b, wiki, appFrom('a', { path: '/new', folder: 'new' })]);
  of.repo('a').commit('main', { new: 'new 1' });
  of.settle();
  assert.deepEqual(told(of.previews()), ['x: /new']);
  of.repo('a').shows((listing) => ({ ...listing, head: null, branches: {} }));
  assert.deepEqual([told(of.previews()), of.desired().ended], [['x: /new as-is'], []]);
  of.recorded.deployments.clear();
  assert.deepEqual(told(of.previews()), ['x: /new blocked: git-ref-missing']);
});

test('an app of a repo that main names again stays until a listing of it tells where the branch is', () => {
  const of = leftBehind();
  of.settle();
  of.repo('c').shows((listing) => ({ ...listing, branches: {} }));
  of.config.commit('main', {}, { apps: [a, b, wiki, appFrom('c', { path: '/other' })] });
  assert.deepEqual([told(of.previews()), of.desired().ended], [['x: /c as-is /lib'], []]);
  of.repo('c').shows(null);
  assert.deepEqual(told(of.previews()), ['x: /c /lib']);
});

test('a new app of a branch that is not there is held with why', () => {
  const of = declares(world(), [a, b, wiki, appFrom('a', { path: '/new', gitBranch: 'nowhere' })]);
  assert.deepEqual(told(of.previews()), ['x: /new blocked: git-ref-missing']);
});

test('an engine that is off in previews holds up the apps that need it, there alone', () => {
  const of = worldWith(['a'], { edit: (app) => ({ ...app, spec: 'procfile' }) });
  of.repo('a').commit('main', { '': 'web: run' });
  of.repo('a').branch('x').commit('x', { '': 'web: run more' });
  of.engines = new Map([['process preview', { code: 'engine-off', message: 'off', hint: null, retry: 'needs-human' }]]);
  assert.deepEqual(told(of.desired().environments), ['stage: /a', 'prod: /a', 'x: /a blocked: engine-off']);
});
