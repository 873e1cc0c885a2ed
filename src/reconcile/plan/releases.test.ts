import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, appInside, type ConfigText, type World, worldWith } from '../../../test/support/branches.ts';
import { finish } from '../../../test/support/declarations.ts';
import type { AppDeclaration } from '../../model/app.ts';
import type { Plan } from '../../model/plan.ts';
import { put } from '../../store/changes.ts';
import { plan } from '../plan.ts';
import { nextOfRelease } from '../progress.ts';

/** Apps without a stage, so that there is production alone. */
const from = (repo: string, edit: Parameters<typeof appFrom>[1] = {}) => appFrom(repo, { stage: false, ...edit });
const inside = (folder: string, edit: Parameters<typeof appInside>[1] = {}) =>
  appInside(folder, { stage: false, ...edit });
const two = (edit: Parameters<typeof appFrom>[1] = {}) =>
  ['one', 'two'].map((folder) => from('mono', { path: `/${folder}`, folder, ...edit }));

/** `/a`, `/b` and `/c` of repos of their own, `/one` and `/two` of one repo, `/wiki` of the config repo: all live. */
const ALL = [from('a'), from('b'), from('c'), ...two(), inside('wiki')];

function world(): World {
  const of = worldWith([]);
  for (const repo of ['a', 'b', 'c']) of.repo(repo).commit('main', { '': `${repo} 1` });
  of.repo('mono').commit('main', { one: '1', two: '1' });
  of.config.commit('main', { wiki: '1' }, { apps: ALL });
  of.settle();
  return of;
}

/** Main declares the apps as before, but for these (by path); null: it is taken away. */
function declare(
  of: World,
  edits: Readonly<Record<string, Partial<AppDeclaration> | null>>,
  more: Partial<ConfigText & object> = {},
): void {
  const apps = ALL.flatMap((app): AppDeclaration[] => {
    const edit = edits[app.id];
    return edit === null ? [] : [{ ...app, ...edit }];
  });
  of.config.commit('main', {}, { apps, ...more });
}

const push = (of: World, repo: string, text: string) => void of.repo(repo).commit('main', { '': text });
const pushBoth = (of: World, text: string) => void of.repo('mono').commit('main', { one: text, two: text });

function planOf(of: World): Plan {
  return finish(plan(of.desired(), of.recorded.facts(), of.at));
}

function accept(of: World): Plan {
  return of.recorded.accept(of.desired(), of.at);
}

const members = ({ releases }: Plan) => releases.map(({ env, members: apps }) => `${env}: ${apps.join(' ')}`);
/** Which steps are in no release. */
const alone = ({ steps }: Plan) =>
  steps.flatMap((step) => ('release' in step && step.release === null ? [`${step.kind} ${step.app}`] : []));
/** Who is in which release by what is recorded. */
const pending = (of: World) =>
  [...of.recorded.releases.values()]
    .map(({ id }) =>
      of.recorded
        .membersOf(id)
        .map(({ app }) => app as string)
        .sort()
        .join(' '),
    )
    .sort();
/** What production's only release does next. */
function due(of: World) {
  const [release] = [...of.recorded.releases.values()];
  return release && nextOfRelease(release, of.recorded).do;
}

const A = { params: { A: '1' } };

/** What moves, which releases that makes, and what goes by itself. */
for (const [name, change, expected, byItself] of [
  ['a commit over two apps', (of: World) => declare(of, { '/a': A, '/b': A }), ['prod: /a /b'], []],
  ['a commit over one app', (of: World) => declare(of, { '/a': A }), [], ['update /a']],
  ['a push of a repo that two apps come from', (of: World) => pushBoth(of, '2'), ['prod: /one /two'], []],
  [
    'a push of a repo of which one app’s folder changes',
    (of: World) => void of.repo('mono').commit('main', { one: '2' }),
    [],
    ['update /one'],
  ],
  [
    'pushes of two repos at once are two moves',
    (of: World) => {
      push(of, 'a', '2');
      push(of, 'b', '2');
    },
    [],
    ['update /a', 'update /b'],
  ],
  [
    'pushes of a repo and of another one with two apps',
    (of: World) => {
      push(of, 'a', '2');
      pushBoth(of, '2');
    },
    ['prod: /one /two'],
    ['update /a'],
  ],
  [
    'what two moves change joins them',
    (of: World) => {
      push(of, 'a', '2');
      declare(of, { '/a': A, '/b': A });
    },
    ['prod: /a /b'],
    [],
  ],
  [
    'one app that two moves change joins all of both',
    (of: World) => {
      pushBoth(of, '2');
      declare(of, { '/one': A, '/c': A });
    },
    ['prod: /c /one /two'],
    [],
  ],
  [
    'a removal with a change of the same commit',
    (of: World) => declare(of, { '/a': null, '/b': A }),
    ['prod: /a /b'],
    [],
  ],
  ['two removals', (of: World) => declare(of, { '/a': null, '/b': null }), ['prod: /a /b'], []],
  ['one removal', (of: World) => declare(of, { '/a': null }), [], ['remove /a']],
  [
    'a renamed app: the old one goes when the new one comes',
    (of: World) => declare(of, { '/a': { id: '/z', route: { host: '', path: '/z' } } as never }),
    ['prod: /a /z'],
    [],
  ],
  [
    'changes of policy with each other',
    (of: World) => declare(of, { '/a': { health: { path: '/up' } }, '/b': { verify: false } }),
    ['prod: /a /b'],
    [],
  ],
  [
    'a change of policy with one of what runs',
    (of: World) => declare(of, { '/a': { health: { path: '/up' } }, '/b': A }),
    ['prod: /a /b'],
    [],
  ],
  [
    'a fault in one app with a change of another',
    (of: World) => declare(of, { '/a': { spec: 'statik' }, '/b': A }),
    ['prod: /a /b'],
    [],
  ],
  [
    'a folder of the config repo with an app',
    (of: World) => {
      of.config.commit('main', { wiki: '2' });
      declare(of, { '/a': A });
    },
    ['prod: /a /wiki'],
    [],
  ],
  ['nothing', () => {}, [], []],
  [
    'release(atomic = False)',
    (of: World) => declare(of, { '/a': A, '/b': A, '/c': null }, { release: { atomic: false } }),
    [],
    ['update /a', 'update /b', 'remove /c'],
  ],
] as const) {
  test(`releases: ${name}`, () => {
    const of = world();
    change(of);
    const value = planOf(of);
    assert.deepEqual([members(value), alone(value)], [expected, byItself]);
  });

  test(`releases: ${name}; the same plan twice, and nothing more once it is accepted`, () => {
    const of = world();
    change(of);
    const first = planOf(of);
    assert.deepEqual(planOf(of), first);
    accept(of);
    assert.deepEqual(pending(of), first.releases.map(({ members: apps }) => apps.join(' ')).sort());
    const { steps, releases, environments } = planOf(of);
    assert.deepEqual([steps, releases, environments], [[], [], []]);
  });
}

test('in an environment that is made anew each app goes by itself: at the first start, and in a new preview', () => {
  const of = worldWith(['a', 'b', 'c']);
  const value = planOf(of);
  assert.deepEqual([value.releases, value.steps.length], [[], 6]);
  of.settle();
  for (const repo of ['a', 'b'])
    of.repo(repo)
      .branch('x')
      .commit('x', { '': `${repo} on x` });
  assert.deepEqual([planOf(of).releases, planOf(of).steps.length], [[], 2]);
});

test('stage and production have releases of their own, of the same apps; a preview too', () => {
  const of = worldWith(['a', 'b']);
  const apps = (params: object) => [
    appFrom('a', { params: params as never }),
    appFrom('b', { params: params as never }),
  ];
  of.config.branch('x').commit('x', {}, { apps: apps({ X: 1 }) });
  of.settle();
  of.config.commit('main', {}, { apps: apps({ A: 1 }) });
  of.config.commit('x', {}, { apps: apps({ X: 2 }) });
  const value = planOf(of);
  assert.deepEqual(members(value).sort(), ['prod: /a /b', 'stage: /a /b', 'x: /a /b']);
  assert.equal(new Set(value.releases.map(({ id }) => id)).size, 3);
});

test('a release is caused by the commit that moved, and is named by it: another commit, another name', () => {
  const ids = ['1', '2'].map((text) => {
    const of = world();
    pushBoth(of, text.repeat(2));
    const [release] = planOf(of).releases;
    assert.equal(release?.cause.kind === 'commit' && release.cause.commit, of.repo('mono').tip('main'));
    return release?.id;
  });
  assert.notEqual(ids[0], ids[1]);
});

test('members are fixed when the move is seen: what moves later is no member', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A });
  accept(of);
  push(of, 'c', '2');
  const value = accept(of);
  assert.deepEqual([value.releases, alone(value), pending(of)], [[], ['update /c'], ['/a /b']]);
});

test('an app that changes again while it is in a release stays in it, with all that changes with it', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A });
  const [first] = accept(of).releases;
  declare(of, { '/a': { params: { A: '2' } }, '/b': A, '/c': A });
  const value = accept(of);
  assert.deepEqual([members(value), value.releases[0]?.id, pending(of)], [['prod: /a /b /c'], first?.id, ['/a /b /c']]);
  assert.deepEqual(
    value.steps.map(({ app }) => app),
    ['/a', '/c'],
  );
});

test('an app that is pending in one release and changes with another joins the two: the older one has all', () => {
  const of = world();
  pushBoth(of, '2');
  const [older] = accept(of).releases;
  declare(of, { '/a': A, '/b': A });
  const [newer] = accept(of).releases;
  const row = of.recorded.releases.get(newer?.id ?? '');
  assert.ok(row !== undefined);
  of.recorded.apply(put('release', { ...row, since: row.since + 1_000 }));
  assert.deepEqual(pending(of), ['/a /b', '/one /two']);
  declare(of, { '/a': A, '/b': { params: { A: '2' } }, '/one': A });
  const value = accept(of);
  assert.deepEqual(
    value.releases.map(({ id, joins }) => [id, joins]),
    [[older?.id, [newer?.id]]],
  );
  assert.deepEqual([members(value), pending(of)], [['prod: /a /b /one /two'], ['/a /b /one /two']]);
});

test('the fix of an app that failed lets those follow that wait for it', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A });
  accept(of);
  of.recorded.becomes('/a', 'quarantined');
  of.recorded.becomes('/b', 'ready');
  assert.equal(due(of), 'hold');
  declare(of, { '/a': { params: { A: 'fixed' } }, '/b': A });
  const value = accept(of);
  assert.deepEqual([value.steps.map(({ app }) => app), pending(of)], [['/a'], ['/a /b']]);
  assert.equal(due(of), 'wait');
  of.recorded.becomes('/a', 'ready');
  assert.equal(due(of), 'switch');
});

test('a revert of an app that failed takes it out of the release, and the others switch', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A, '/c': A });
  accept(of);
  of.recorded.becomes('/a', 'quarantined');
  for (const app of ['/b', '/c']) of.recorded.becomes(app, 'ready');
  declare(of, { '/b': A, '/c': A });
  assert.deepEqual(
    accept(of).steps.map(({ kind, app }) => `${kind} ${app}`),
    ['cancel /a'],
  );
  assert.deepEqual([pending(of), due(of)], [['/b /c'], 'switch']);
});

test('a revert of all is no release: nothing is left of the one that was pending', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A });
  accept(of);
  declare(of, {});
  accept(of);
  assert.deepEqual([pending(of), [...of.recorded.releases.keys()]], [[], []]);
});

test('an app that is taken away while it is in a release is still a member: its removal waits for the others', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A });
  accept(of);
  declare(of, { '/a': null, '/b': A });
  accept(of);
  assert.deepEqual([pending(of), of.recorded.of('/a').next?.removes], [['/a /b'], true]);
  assert.equal(due(of), 'wait');
  of.recorded.becomes('/b', 'ready');
  assert.equal(due(of), 'switch');
});

test('a release of which not all is written down yet takes in what moves now', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A });
  accept(of);
  const [row] = [...of.recorded.releases.values()];
  assert.ok(row !== undefined);
  of.recorded.apply(put('release', { ...row, state: 'forming' }));
  assert.equal(due(of), 'wait');
  push(of, 'c', '2');
  const value = accept(of);
  assert.deepEqual(
    [members(value), pending(of), of.recorded.releases.get(row.id)?.state],
    [['prod: /a /b /c'], ['/a /b /c'], 'moving'],
  );
});

test('release(atomic = False) lets go of a release that is pending, and of those that were held in it', () => {
  const of = world();
  declare(of, { '/a': A, '/b': A, '/c': null, '/one': { health: { path: '/up' } } });
  accept(of);
  of.recorded.becomes('/a', 'quarantined');
  const blocked = {
    problem: { code: 'release-blocked', message: 'blocked', hint: null, retry: 'needs-human' },
    reason: 'blocked',
  } as const;
  of.recorded.becomes('/b', 'ready');
  for (const app of ['/b', '/c', '/one']) of.recorded.becomes(app, 'held', blocked);
  declare(of, { '/a': A, '/b': A, '/c': null, '/one': { health: { path: '/up' } } }, { release: { atomic: false } });
  accept(of);
  assert.deepEqual([...of.recorded.releases.keys()], []);
  const states = ['/a', '/b', '/c', '/one'].map((app) => of.recorded.of(app).next);
  assert.deepEqual(
    states.map((next) => [next?.state, next?.problem?.code ?? null, next?.release]),
    [
      ['quarantined', null, null],
      ['verifying', null, null],
      ['removing', null, null],
      ['ready', null, null],
    ],
  );
});

test('removals that the brake holds are in one release, with what else the commit changes; main lets go of it by the hash', () => {
  const of = world();
  const most = { '/a': null, '/b': null, '/c': null, '/one': null } as const;
  declare(of, { ...most, '/two': A });
  const value = accept(of);
  assert.deepEqual(members(value), ['prod: /a /b /c /one /two']);
  const [release] = [...of.recorded.releases.values()];
  assert.deepEqual([release?.removalHash, value.removalHash !== null], [value.removalHash, true]);
  of.recorded.becomes('/two', 'ready');
  assert.equal(due(of), 'hold');
  declare(of, { ...most, '/two': A }, { release: { allowRemoval: value.removalHash } });
  accept(of);
  assert.deepEqual([pending(of), [...of.recorded.releases.values()][0]?.removalHash], [['/a /b /c /one /two'], null]);
  assert.equal(due(of), 'switch');
});

test('removals that the brake holds are together also where nothing else is', () => {
  const of = world();
  declare(of, { '/a': null, '/b': null, '/c': null, '/one': null, '/two': A }, { release: { atomic: false } });
  const value = accept(of);
  assert.deepEqual(
    [members(value), alone(value), pending(of)],
    [['prod: /a /b /c /one'], ['update /two'], ['/a /b /c /one']],
  );
});

test('a held set of which some apps come back is let go, and those are as they were', () => {
  const of = world();
  declare(of, { '/a': null, '/b': null, '/c': null, '/one': null });
  accept(of);
  declare(of, { '/a': null });
  const value = accept(of);
  assert.deepEqual(
    [value.removalHash, value.steps.map(({ kind, app }) => `${kind} ${app}`)],
    [null, ['remove /a', 'cancel /b', 'cancel /c', 'cancel /one']],
  );
  assert.deepEqual([of.recorded.of('/a').next?.state, pending(of)], ['removing', []]);
});
