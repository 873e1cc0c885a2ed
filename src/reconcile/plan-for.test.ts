import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { CONFIG_REPO } from '../../test/support/declarations.ts';
import type { Files } from '../../test/support/fake-git.ts';
import { Loop } from '../../test/support/loop.ts';
import { readAudit } from '../audit/log.ts';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { type PlanOutcome, planForRef } from './plan-for.ts';

const SALES = 'https://git.example.com/sales' as RepoUrl;

/** Plans for a branch as the daemon would. */
async function planned(loop: Loop, ref: string | null): Promise<Extract<PlanOutcome, { ok: true }>> {
  const { git, evaluator, limits } = loop.ports;
  const ports = { git, evaluator, limits, repo: CONFIG_REPO };
  const { signal } = new AbortController();
  const outcome = await planForRef(ref, loop.reconciler.snapshot(), { ports, signal });
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome;
}

/** What a plan says that will be done, in the words of the audit log. */
function told({ plan }: { readonly plan: Extract<PlanOutcome, { ok: true }>['plan'] }): string[] {
  return [
    ...plan.steps.map((step) => {
      if (step.kind === 'remove') return `${step.env} ${step.app} remove ${step.held ?? ''}`;
      if (step.kind !== 'create' && step.kind !== 'update') return `${step.env} ${step.app} ${step.kind}`;
      return `${step.env} ${step.app} ${step.kind} ${step.changed.join(',')} ${step.target.revision}`;
    }),
    ...plan.releases.map(({ env, members }) => `${env} release ${members.join(',')}`),
  ].sort();
}

/** What a pass accepted since an event of the log, in stage and production. */
function accepted(loop: Loop, after: number): string[] {
  const told: string[] = [];
  for (const { kind, env, app, detail } of readAudit(loop.ports.connection, { after })) {
    if (env !== 'prod' && env !== 'stage') continue;
    if (kind === 'deployment.planned')
      told.push(`${env} ${app} ${detail.step} ${(detail.changed as string[]).join(',')} ${detail.revision}`);
    if (kind === 'deployment.removing') told.push(`${env} ${app} remove `);
    if (kind === 'removal.held') told.push(`${env} ${app} remove ${detail.removal_hash}`);
    if (kind === 'release.planned') told.push(`${env} release ${(detail.members as string[]).join(',')}`);
  }
  return told.sort();
}

function lastEvent(loop: Loop): number {
  return loop.ports.store.head.id;
}

/** A loop in which these files are live: `config.json` as the config, the rest as it is. */
async function liveLoop(t: TestContext, files: Files): Promise<{ loop: Loop; main: CommitId }> {
  const loop = new Loop(t);
  const main = loop.ports.git.repo(CONFIG_REPO).push(files);
  await loop.start();
  return { loop, main };
}

function configOf(apps: readonly object[]): string {
  return JSON.stringify({ apps });
}

function folderApp(name: string, edit: object = {}): object {
  return { path: `/${name}`, source: { kind: 'config', folder: name }, ...edit };
}

const START: Files = {
  'config.json': configOf([folderApp('a'), folderApp('b'), folderApp('c')]),
  'a/index.html': 'a1',
  'b/index.html': 'b1',
  'c/index.html': 'c1',
};

for (const [name, onBranch, onMain, expected] of [
  ['one app', { 'a/index.html': 'a2' }, {}, 2],
  ['two apps, which switch as one', { 'a/index.html': 'a2', 'b/index.html': 'b2' }, {}, 6],
  ['another app than main since', { 'a/index.html': 'a2' }, { 'b/index.html': 'b2' }, 2],
  ['nothing that runs', { README: 'x' }, {}, 0],
  [
    'an argument, a new app, and one less',
    {
      'config.json': configOf([folderApp('a', { params: { X: 1 } }), folderApp('b'), folderApp('d')]),
      'd/index.html': 'd1',
    },
    {},
    8,
  ],
  [
    'policy alone',
    { 'config.json': configOf([folderApp('a', { health: { path: '/ok' } }), folderApp('b'), folderApp('c')]) },
    {},
    2,
  ],
] as const) {
  test(`the plan for a branch is what the pass accepts once it is merged: ${name}`, async (t) => {
    const { loop, main } = await liveLoop(t, START);
    const repo = loop.ports.git.repo(CONFIG_REPO);
    const head = repo.push({ ...START, ...onBranch }, 'feature', [main]);
    const newMain = Object.keys(onMain).length === 0 ? main : repo.push({ ...START, ...onMain }, 'main', [main]);
    await loop.look();
    const before = lastEvent(loop);
    const outcome = await planned(loop, 'feature');
    assert.equal(lastEvent(loop), before);
    repo.push({ ...START, ...onMain, ...onBranch }, 'main', [newMain, head]);
    await loop.look(0);
    const { steps } = outcome.plan;
    const policy = steps.filter((step) => 'effect' in step && step.effect === 'policy' && step.release === null);
    assert.deepEqual(
      told(outcome).filter((line) => !policy.some(({ env, app }) => line.startsWith(`${env} ${app} `))),
      accepted(loop, before),
    );
    assert.equal(told(outcome).length, expected);
  });
}

test('what a preview was built from is reused, and what main changed under the branch is said to be built', async (t) => {
  const { loop, main } = await liveLoop(t, START);
  const repo = loop.ports.git.repo(CONFIG_REPO);
  repo.push({ ...START, 'a/index.html': 'a2', 'b/index.html': 'b2', 'b/more.html': '' }, 'feature', [main]);
  await loop.look();
  repo.push({ ...START, 'b/index.html': 'b3' }, 'main', [main]);
  await loop.look();
  const { details } = await planned(loop, 'feature');
  const because = (key: string) => `${details.steps.get(key)?.build}: ${details.steps.get(key)?.because}`;
  assert.equal(because('stage /a'), 'reuse: built before, runs in feature');
  assert.equal(because('prod /a'), 'reuse: built before, runs in feature');
  assert.equal(
    because('stage /b'),
    `build: rebuild, because main changed b since the branch began (${main.slice(0, 8)})`,
  );
  assert.equal(because('prod /b'), 'reuse: built for stage before');
});

test('a branch of a source repo alone is planned as merged there', async (t) => {
  const loop = new Loop(t);
  const sales = loop.ports.git.repo(SALES);
  const first = sales.push({ 'index.html': 's1' });
  loop.config({ apps: [{ path: '/sales', source: { kind: 'repo', url: SALES, folder: '' } }, loop.app('a')] });
  await loop.start();
  sales.push({ 'index.html': 's2' }, 'fix', [first]);
  const outcome = await planned(loop, 'fix');
  assert.deepEqual(
    outcome.plan.steps.map(({ env, app, kind }) => `${env} ${app} ${kind}`),
    ['prod /sales update', 'stage /sales update'],
  );
  assert.deepEqual(
    outcome.details.steps.get('prod /sales')?.changes.map(({ argument }) => argument),
    ['source'],
  );
  const before = lastEvent(loop);
  sales.push({ 'index.html': 's2' }, 'main', [first]);
  await loop.look(0);
  assert.deepEqual(told(outcome), accepted(loop, before));
});

test('branches of one name in the config repo and in a source repo are planned as one', async (t) => {
  const loop = new Loop(t);
  const sales = loop.ports.git.repo(SALES);
  const first = sales.push({ 'index.html': 's1' });
  const repo = loop.ports.git.repo(CONFIG_REPO);
  const config = (params: object) =>
    configOf([{ path: '/sales', source: { kind: 'repo', url: SALES, folder: '' }, params }]);
  const main = repo.push({ 'config.json': config({}) });
  await loop.start();
  repo.push({ 'config.json': config({ A: 1 }) }, 'both', [main]);
  sales.push({ 'index.html': 's2' }, 'both', [first]);
  const { plan, notes } = await planned(loop, 'both');
  assert.deepEqual(
    plan.steps.map((step) => [step.env, step.changed]),
    [
      ['prod', ['source', 'params']],
      ['stage', ['source', 'params']],
    ],
  );
  assert.deepEqual(notes, [`planned as if "both" were merged now in ${CONFIG_REPO}, ${SALES}`]);
});

test('a branch that is nowhere, and one that is followed, are no refs to plan for', async (t) => {
  const loop = new Loop(t);
  loop.ports.git.repo(SALES).push({ 'index.html': 's1' }, 'live');
  loop.config({ apps: [{ path: '/sales', gitBranch: 'live', source: { kind: 'repo', url: SALES, folder: '' } }] });
  await loop.start();
  await assert.rejects(planned(loop, 'nope'), { code: 'git-ref-missing', message: /there is no branch "nope"/ });
  await assert.rejects(planned(loop, 'live'), { code: 'git-ref-missing', message: /"live" of .* is followed/ });
});

test('a plan names the release that holds what, and who blocks it until the branch mends that', async (t) => {
  const loop = new Loop(t, {
    behave: ({ variables }) => (variables.X === 'bad' ? { healthy: 'never' } : {}),
  });
  const repo = loop.ports.git.repo(CONFIG_REPO);
  const files = (apps: Readonly<Record<string, string>>): Files => ({
    'config.json': configOf(
      Object.entries(apps).map(([name, x]) => folderApp(name, { spec: 'procfile', params: { X: x }, stage: false })),
    ),
    ...Object.fromEntries(Object.keys(apps).map((name) => [`${name}/Procfile`, 'web: ./run'])),
  });
  const first = repo.push(files({ a: '1', b: '1', c: '1', d: '1' }));
  await loop.start();
  const main = repo.push(files({ a: '2', b: 'bad', c: '1', d: '1' }), 'main', [first]);
  await loop.look(120_000);
  const releases = async (apps: Readonly<Record<string, string>>) => {
    repo.push(files(apps), 'fix', [main]);
    const { details } = await planned(loop, 'fix');
    return details.releases.map(({ members, joins, blocked_by }) => ({ members, joins, blocked_by }));
  };
  const blocked = { members: ['/a', '/b'], joins: [], blocked_by: ['/b'] };
  assert.deepEqual(await releases({ a: '2', b: 'bad', c: '2', d: '1' }), [blocked]);
  assert.deepEqual(await releases({ a: '2', b: 'bad', c: '2', d: '2' }), [
    { members: ['/c', '/d'], joins: [], blocked_by: [] },
    blocked,
  ]);
  assert.deepEqual(await releases({ a: '3', b: 'bad', c: '2', d: '1' }), [
    { members: ['/a', '/b', '/c'], joins: [], blocked_by: ['/b'] },
  ]);
  assert.deepEqual(await releases({ a: '2', b: '2', c: '2', d: '1' }), [
    { members: ['/a', '/b', '/c'], joins: [], blocked_by: [] },
  ]);
});

test('removals that the brake will hold are shown with the hash that lets them through', async (t) => {
  const { loop, main } = await liveLoop(t, START);
  const repo = loop.ports.git.repo(CONFIG_REPO);
  repo.push({ 'config.json': configOf([]) }, 'less', [main]);
  const { plan } = await planned(loop, 'less');
  assert.match(plan.removalHash ?? '', /^[0-9a-f]{16}$/);
  repo.push({ 'config.json': JSON.stringify({ apps: [], allowRemoval: plan.removalHash }) }, 'less', [main]);
  const allowed = (await planned(loop, 'less')).plan;
  assert.equal(allowed.removalHash, null);
  assert.deepEqual(allowed.steps.map(({ env, app, kind }) => `${env} ${app} ${kind}`).slice(0, 3), [
    'prod /a remove',
    'prod /b remove',
    'prod /c remove',
  ]);
});

test('a repo that a branch brings in and that is not to be had blocks its app, not the plan', async (t) => {
  const { loop, main } = await liveLoop(t, START);
  const repo = loop.ports.git.repo(CONFIG_REPO);
  const sales = { path: '/sales', source: { kind: 'repo', url: SALES, folder: '' } };
  repo.push({ ...START, 'config.json': configOf([...['a', 'b', 'c'].map((name) => folderApp(name)), sales]) }, 'new', [
    main,
  ]);
  loop.ports.git.before = (method, subject) => {
    if (method === 'list' && subject === SALES) throw new MainspringError('git-timeout', 'no answer');
  };
  const { plan } = await planned(loop, 'new');
  assert.deepEqual(
    plan.steps.map((step) => [step.env, step.app, step.kind === 'blocked' ? step.problem.code : step.kind]),
    [
      ['prod', '/sales', 'git-timeout'],
      ['stage', '/sales', 'git-timeout'],
    ],
  );
});
