import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, urlOf, type World, worldWith } from '../../../test/support/branches.ts';
import type { AppDeclaration } from '../../model/app.ts';
import { isTarget, type Target } from '../../model/desired.ts';

/** Main with `/a`, declared like this, and a branch `x` of its repo. */
function world(edit: Partial<AppDeclaration> = {}): World {
  const of = worldWith(['a'], { edit: (app) => ({ ...app, ...edit }) });
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  return of;
}

/** What is wanted of `/a` in each environment. */
function targets(of: World): Readonly<Record<string, Target>> {
  const wanted = of
    .desired()
    .environments.flatMap(({ name, deployments }) =>
      deployments.flatMap(({ want }) => (isTarget(want) ? [[name, want] as const] : [])),
    );
  return Object.fromEntries(wanted);
}

/** One value of each environment: of stage, prod and preview `x`. */
function each<T>(of: World, value: (target: Target) => T): (T | undefined)[] {
  const all = targets(of);
  return ['stage', 'prod', 'x'].map((name) => (all[name] === undefined ? undefined : value(all[name])));
}

const params = { A: 'prod', B: 'all' };

/** What may differ by environment, and how it comes out in stage, prod and the preview. */
for (const [name, edit, value, expected] of [
  [
    'params are merged',
    { params, stage: { params: { A: 'stage' } }, previews: { params: { A: 'x', C: 'x' } } },
    (of: Target) => of.values.params,
    [{ A: 'stage', B: 'all' }, params, { A: 'x', B: 'all', C: 'x' }],
  ],
  [
    'container_opts are merged',
    {
      containerOpts: { memory: '1g', cpus: 1 },
      stage: { containerOpts: { memory: '512m' } },
      previews: { containerOpts: { cpus: 0.5 } },
    },
    (of: Target) => of.values.containerOpts,
    [
      { memory: '512m', cpus: 1 },
      { memory: '1g', cpus: 1 },
      { memory: '1g', cpus: 0.5 },
    ],
  ],
  [
    'idle: nothing of a static app runs',
    { idle: { pauseMs: null, stopMs: 9_000 } },
    (of: Target) => of.policy.idle,
    [null, null, null],
  ],
  [
    'health is merged, and defaults fill in the rest',
    { health: { path: '/up' }, stage: { health: { timeoutMs: 5_000 } }, previews: { health: { path: '/' } } },
    ({ policy: { health } }: Target) => [health.path, health.timeoutMs],
    [
      ['/up', 5_000],
      ['/up', 60_000],
      ['/', 60_000],
    ],
  ],
  [
    'addresses (APP_URL)',
    {},
    (of: Target) => of.values.url,
    ['https://stage.env.example.com/a', 'https://example.com/a', 'https://x.env.example.com/a'],
  ],
  ['hosts', {}, (of: Target) => of.policy.host, ['stage.env.example.com', 'example.com', 'x.env.example.com']],
  ['paths are the same (APP_PATH)', {}, (of: Target) => of.values.path, ['/a', '/a', '/a']],
  [
    'production comes after stage, and nothing else after anything',
    {},
    (of: Target) => of.policy.after,
    [null, 'stage', null],
  ],
  ['without stage production comes first', { stage: false }, (of: Target) => of.policy.after, [undefined, null, null]],
  ['without previews there is none', { previews: false }, (of: Target) => of.policy.after, [null, 'stage', undefined]],
  ['a pinned promotion waits for no stage', { promote: 'pinned' }, (of: Target) => of.policy.after, [null, null, null]],
] as const) {
  test(`by environment: ${name}`, () => {
    assert.deepEqual(each(world(edit as Partial<AppDeclaration>), value as (of: Target) => unknown), expected);
  });
}

test('a laptop’s environments are below its own domain, with the port that people type', () => {
  const of = world();
  of.settings = { ...of.settings, domain: 'localhost', envDomain: 'env.localhost', publicUrl: 'http://localhost:8080' };
  assert.deepEqual(
    each(of, ({ values }) => values.url),
    ['http://stage.env.localhost:8080/a', 'http://localhost:8080/a', 'http://x.env.localhost:8080/a'],
  );
});

test('an app of another host is beside the label, in its address too', () => {
  const of = worldWith([]);
  of.repo('a').commit('main', { '': 'a 1' });
  of.config.commit('main', {}, { apps: [appFrom('a', { path: 'reports.:/' })] });
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  assert.deepEqual(
    each(of, ({ values }) => values.url),
    ['https://stage--reports.env.example.com/', 'https://reports.example.com/', 'https://x--reports.env.example.com/'],
  );
});

test('the revision is the same in every environment, whatever differs there; so is the artifact', () => {
  const of = world({
    params,
    stage: { params: { A: 'stage' }, idle: false },
    previews: { params: { A: 'x' }, health: { path: '/x' } },
  });
  of.repo('a').merge('x', { squash: true });
  const all = Object.values(targets(of));
  assert.equal(all.length, 3);
  assert.equal(new Set(all.map(({ revision }) => revision)).size, 1);
  assert.equal(new Set(all.map(({ artifact }) => artifact)).size, 1);
  assert.equal(new Set(all.map(({ instanceHash }) => instanceHash)).size, 3);
});

/** The artifact of a preview is production's after the merge, however that is done. */
for (const [name, merge] of [
  ['moving main', (of: World) => void of.repo('a').branch('main', 'x')],
  ['a commit of both', (of: World) => void of.repo('a').merge('x')],
  ['squashing', (of: World) => void of.repo('a').merge('x', { squash: true })],
  ['rebasing', (of: World) => void of.repo('a').commit('main', { '': 'a on x' })],
] as const) {
  test(`what was previewed is what runs after a merge by ${name}`, () => {
    const of = world();
    const { x } = targets(of);
    merge(of);
    const { prod, stage } = targets(of);
    assert.deepEqual([prod?.artifact, prod?.revision, stage?.revision], [x?.artifact, x?.revision, x?.revision]);
  });
}

test('where main moved under the branch what comes of a merge is another artifact', () => {
  const of = worldWith([]);
  of.repo('a').commit('main', { app: '1', 'app/lib': '1' });
  of.config.commit('main', {}, { apps: [appFrom('a', { path: '/a', folder: 'app' })] });
  of.repo('a').branch('x').commit('x', { app: 'x' });
  const { x } = targets(of);
  of.repo('a').commit('main', { app: 'x and 2' });
  assert.notEqual(targets(of).prod?.artifact, x?.artifact);
});

/** Main with `/a` pinned, and a newer commit on its branch. */
function pinned(promote: AppDeclaration['promote']): {
  readonly of: World;
  readonly pin: string;
  readonly tip: string;
} {
  const of = worldWith(['a']);
  const pin = of.repo('a').tip('main');
  of.config.commit('main', {}, { apps: [appFrom('a', { gitCommit: pin, promote })] });
  return { of, pin, tip: of.repo('a').commit('main', { '': 'a 2' }) };
}

test('a pinned promotion: stage follows the branch, production the pin', () => {
  const { of, pin, tip } = pinned('pinned');
  assert.deepEqual(
    each(of, ({ sourceCommit }) => sourceCommit),
    [tip, pin, undefined],
  );
});

test('a pin without that holds in stage as well', () => {
  const { of, pin } = pinned('on_merge');
  assert.deepEqual(
    each(of, ({ sourceCommit }) => sourceCommit),
    [pin, pin, undefined],
  );
});

test('merging a change of the pin is the promotion of what stage runs', () => {
  const { of, tip } = pinned('pinned');
  const { stage } = targets(of);
  of.config.commit('main', {}, { apps: [appFrom('a', { gitCommit: tip, promote: 'pinned' })] });
  const { prod } = targets(of);
  assert.deepEqual([prod?.revision, prod?.artifact], [stage?.revision, stage?.artifact]);
});

test('a pinned promotion that names a branch is staged from that one', () => {
  const { of, pin } = pinned('pinned');
  const tip = of.repo('a').branch('rel').commit('rel', { '': 'rel' });
  of.config.commit('main', {}, { apps: [appFrom('a', { gitCommit: pin, gitBranch: 'rel', promote: 'pinned' })] });
  assert.deepEqual(
    each(of, ({ sourceCommit }) => sourceCommit),
    [tip, pin, undefined],
  );
});

test('the stage of the last staged app is there until it is empty', () => {
  const of = world();
  of.settle();
  of.config.commit('main', {}, { apps: [appFrom('a', { stage: false })] });
  const stage = of.desired().environments.find(({ name }) => name === 'stage');
  assert.deepEqual(stage?.deployments, []);
  assert.deepEqual(Object.keys(targets(of)), ['prod', 'x']);
});

test('a source’s preview is told apart by the branch in its cause', () => {
  const of = world();
  const cause = targets(of).x?.causes.source;
  assert.deepEqual(cause, {
    kind: 'commit',
    repo: urlOf('a'),
    ref: 'x',
    commit: of.repo('a').tip('x'),
    author: 'dev@example.com',
    pull: null,
  });
});
