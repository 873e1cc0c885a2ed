import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appDeclaration,
  commitCause,
  commitId,
  desiredFor,
  finish,
  resolved,
  type SnapshotEdit,
  targetOf,
  treeId,
  unstagedApp,
  wantOf,
} from '../../test/support/declarations.ts';
import { AT, acceptPlan, artifact, deployment, live, next, recordedWith, rows } from '../../test/support/recorded.ts';
import { canonicalJson } from '../model/canonical.ts';
import type { AppId } from '../model/ids.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { RecordedDeployment } from '../model/recorded.ts';
import { put } from '../store/changes.ts';
import type { Recorded } from '../store/recorded.ts';
import { changedArguments } from './plan/changed-arguments.ts';
import { NO_PLAN, plan } from './plan.ts';

const target = targetOf(unstagedApp());
const removing = next(null, { state: 'removing', removes: true });
const changed = targetOf(unstagedApp({ params: { A: '1' } }));
const paramsChanged: SnapshotEdit = { apps: [unstagedApp({ params: { A: '1' } })] };
const failing: SnapshotEdit = {
  apps: [unstagedApp({ spec: 'statik' })],
};
const unseen: SnapshotEdit = { sources: { '/a': null } };

function planFor(edit: SnapshotEdit, recorded: Recorded): Plan {
  return finish(plan(desiredFor({ apps: [unstagedApp()], recorded, ...edit }), recorded, AT));
}

/** What of a step tells it apart. */
function brief(step: Step): string {
  const effect = 'effect' in step ? ` ${step.effect}` : '';
  const held = 'held' in step && step.held !== null ? ' held' : '';
  return `${step.kind} ${step.app}${effect}${held}${step.changed.length > 0 ? `: ${step.changed}` : ''}`;
}

/** Each transition: what is recorded of `/a`, what is desired, and the steps. */
for (const [name, row, edit, expected] of [
  ['a new app is created', null, {}, ['create /a instance']],
  ['an app that is live as wanted needs nothing', { live: live(target) }, {}, []],
  ['an app that is on its way as wanted needs nothing', { next: next(target) }, {}, []],
  ['other params lead to another instance', { live: live(target) }, paramsChanged, ['update /a instance: params']],
  [
    'another health is a change of policy',
    { live: live(target) },
    { apps: [unstagedApp({ health: { path: '/up' } })] },
    ['update /a policy: health'],
  ],
  [
    'an app that never went live and changes is still being created',
    { next: next(target) },
    paramsChanged,
    ['create /a instance: params'],
  ],
  [
    'what is on its way and not wanted any more gives way to what is wanted now',
    { live: live(target), next: next(changed) },
    { apps: [unstagedApp({ params: { A: '2' } })] },
    ['update /a instance: params'],
  ],
  [
    'going back to what is live cancels what is on its way',
    { live: live(target), next: next(changed) },
    {},
    ['cancel /a'],
  ],
  [
    'what is quarantined is not tried again while it is the same',
    { live: live(target), next: next(changed, { state: 'quarantined' }) },
    paramsChanged,
    [],
  ],
  [
    'a quarantine ends when something else is wanted',
    { live: live(target), next: next(changed, { state: 'quarantined' }) },
    { apps: [unstagedApp({ params: { A: '2' } })] },
    ['update /a instance: params'],
  ],
  [
    'a quarantine ends when what is live is wanted again',
    { live: live(target), next: next(changed, { state: 'quarantined' }) },
    {},
    ['cancel /a'],
  ],
  ['an app that is not declared any more is removed', { live: live(target) }, { apps: [] }, ['remove /a']],
  ['an app that never went live is removed as well', { next: next(target) }, { apps: [] }, ['remove /a']],
  ['a removal that is under way is not begun again', { next: removing }, { apps: [] }, []],
  [
    'an app that comes back before it lost its route is kept',
    { live: live(target), next: removing },
    {},
    ['cancel /a'],
  ],
  ['an app that comes back after it lost its route is created', { next: removing }, {}, ['create /a instance']],
  ['an app whose target is not known is noted', null, failing, ['blocked /a']],
  ['a live app whose target is not known goes on', { live: live(target) }, failing, ['blocked /a']],
  ['what is known to be blocked is not noted again', { next: next(null, { problem: blockOf(unseen) }) }, unseen, []],
  [
    'being blocked for another reason is noted',
    { next: next(null, { problem: blockOf(unseen) }) },
    failing,
    ['blocked /a'],
  ],
  [
    'being blocked while a removal is under way is noted: the app is declared again',
    { next: removing },
    failing,
    ['blocked /a'],
  ],
  [
    'what was blocked and is live as wanted needs the note to be taken away',
    { live: live(target), next: next(null, { state: 'held', problem: blockOf(unseen) }) },
    {},
    ['cancel /a'],
  ],
] satisfies readonly (readonly [string, Partial<RecordedDeployment> | null, SnapshotEdit, string[]])[]) {
  test(name, () => {
    const recorded = row === null ? recordedWith() : recordedWith(...rows(deployment(row)));
    assert.deepEqual(planFor(edit, recorded).steps.map(brief), expected);
  });

  test(`${name}; once accepted, there is nothing more to do`, () => {
    const recorded = row === null ? recordedWith() : recordedWith(...rows(deployment(row)));
    acceptPlan(planFor(edit, recorded), recorded);
    assert.deepEqual(planFor(edit, recorded).steps, []);
  });
}

test('without a desired state there is nothing to do, whatever is recorded', () => {
  const recorded = recordedWith(...rows(deployment({ live: live(target) })));
  assert.deepEqual(finish(plan(null, recorded, AT)), NO_PLAN);
});

test('a step says where it leads from and to, what changed and which commit made the difference', () => {
  const now = { commit: commitId('6'), tree: treeId('8') };
  const recorded = recordedWith(
    ...rows(deployment({ live: live(target) })),
    put('artifact', artifact(target, { digest: 'sha256:1' })),
  );
  const { steps } = planFor({ sources: { '/a': resolved(now) } }, recorded);
  const to = targetOf(unstagedApp(), resolved(now));
  assert.deepEqual(steps, [
    {
      env: 'prod',
      app: '/a',
      kind: 'update',
      release: null,
      effect: 'instance',
      changed: ['source'],
      cause: to.causes.source,
      target: to,
      from: {
        revision: target.revision,
        artifact: { key: target.artifact, digest: 'sha256:1' },
        config_commit: commitId('c'),
        source_commit: commitId('5'),
      },
      to: {
        revision: to.revision,
        artifact: { key: to.artifact, digest: null },
        config_commit: commitId('c'),
        source_commit: commitId('6'),
      },
    },
  ]);
});

test('what changed in the config is caused by the commit of the config, although the source has one too', () => {
  const [step] = planFor(paramsChanged, recordedWith(...rows(deployment({ live: live(target) })))).steps;
  assert.deepEqual(step?.cause, commitCause());
});

test('an app with a stage is created in both environments, which are opened for it', () => {
  const value = planFor({ apps: [unstagedApp({ stage: true })] }, recordedWith());
  assert.deepEqual(
    value.environments.map(({ kind, env }) => `${kind} ${env}`),
    ['open stage'],
  );
  assert.deepEqual(
    value.steps.map(({ kind, env, app }) => `${kind} ${env} ${app}`),
    ['create prod /a', 'create stage /a'],
  );
});

test('an app that has no stage any more leaves it, and production goes on', () => {
  const recorded = recordedWith();
  acceptPlan(planFor({ apps: [unstagedApp({ stage: true })] }, recorded), recorded);
  assert.deepEqual(
    planFor({}, recorded).steps.map(({ kind, env, app }) => `${kind} ${env} ${app}`),
    ['create prod /a', 'remove stage /a'],
  );
});

test('a release names only those that are still in it: who goes back to what is live leaves it', () => {
  const { recorded, edit } = exodus(5, 4);
  acceptPlan(planFor(edit, recorded), recorded);
  const back = ['/a0', '/a1', '/a4'].map((path) => unstagedApp({ path }));
  const value = planFor({ apps: back }, recorded);
  assert.deepEqual(value.steps.map(brief), ['cancel /a0', 'cancel /a1', 'remove /a2', 'remove /a3']);
  assert.deepEqual(
    value.releases.map(({ members }) => members),
    [['/a2', '/a3']],
  );
  acceptPlan(value, recorded);
  const alone = planFor({ apps: back.concat(unstagedApp({ path: '/a3' })) }, recorded);
  assert.deepEqual([alone.steps.map(brief), alone.releases], [['cancel /a3'], []]);
});

test('steps are in the order of their apps, removals among them', () => {
  const paths = ['/d', '/b', '/c'];
  const recorded = recordedWith(...rows(deployment({ app: '/a', live: live(target) }), deployment({ app: '/e' })));
  const { steps } = planFor({ apps: paths.map((path) => unstagedApp({ path })) }, recorded);
  assert.deepEqual(
    steps.map(({ kind, app }) => `${kind} ${app}`),
    ['remove /a', 'create /b', 'create /c', 'create /d', 'remove /e'],
  );
});

test('the same snapshot and the same rows give the same plan, byte for byte, in whatever order the rows were written', () => {
  const all = ['/a', '/b', '/c'].map((app) => deployment({ app, live: live(target) }));
  const edit = { apps: ['/c', '/x'].map((path) => unstagedApp({ path })) };
  const plans = [all, all.toReversed()].map((some) => canonicalJson(planFor(edit, recordedWith(...rows(...some)))));
  assert.equal(plans[0], plans[1]);
});

test('a long plan is cut into slices', () => {
  const apps = Array.from({ length: 2_000 }, (_, n) => unstagedApp({ path: `/a${n}` }));
  const slices = [...plan(desiredFor({ apps }), recordedWith(), AT)].length;
  assert.ok(slices >= 3 && slices <= 10, `${slices} slices`);
});

/** What differs, by the names of the arguments. */
for (const [edit, expected] of [
  [{}, []],
  [{ path: '/b' }, ['path']],
  [{ path: 'wiki.:/a' }, ['path']],
  [{ spec: 'static_single' }, ['spec']],
  [{ params: { A: 1 } }, ['params']],
  [{ containerOpts: { memory: '1g' } }, ['container_opts']],
  [{ containerArgs: { A: '1' } }, ['container_args']],
  [{ containerVols: ['a:/a'] }, ['container_vols']],
  [{ appConfig: { index: 'a.html' } }, ['app_config']],
  [{ stage: false }, ['stage']],
  [{ stage: { params: { A: 1 } } }, ['stage']],
  [{ previews: { params: { A: 1 } } }, ['previews']],
  [{ stripPath: false }, ['strip_path']],
  [{ health: { path: '/up' } }, ['health']],
  [{ limits: { requests: 5 } }, ['limits']],
  [{ spec: 'procfile', idle: false }, ['idle']],
  [{ spec: 'procfile', slash: true }, ['slash']],
  [{ verify: false }, ['verify']],
  [{ strategy: 'replace' }, ['strategy']],
  [{ promote: 'pinned' }, ['promote']],
  [{ params: { A: 1 }, verify: false }, ['params', 'verify']],
] as const) {
  test(`changed: ${JSON.stringify(edit)} is told as ${JSON.stringify(expected)}`, () => {
    const before = 'idle' in edit || 'slash' in edit ? appDeclaration({ spec: edit.spec }) : appDeclaration();
    assert.deepEqual(changedArguments(targetOf(before), targetOf(appDeclaration(edit))), expected);
  });
}

test('changed: another public address of the installation is told, although no argument differs', () => {
  const moved = desiredFor({ apps: [unstagedApp()], settings: { publicUrl: 'https://apps.example.com' } });
  const [step] = finish(plan(moved, recordedWith(...rows(deployment({ live: live(target) }))), AT)).steps;
  assert.deepEqual(step?.changed, ['public_url']);
});

/** The removal brake: how many apps of production are live, how many leave the config, and whether that is held. */
for (const [all, leaving, held] of [
  [2, 2, false],
  [3, 2, false],
  [3, 3, true],
  [4, 2, false],
  [4, 3, true],
  [5, 3, true],
  [6, 3, false],
  [6, 4, true],
  [100, 50, false],
  [100, 51, true],
] as const) {
  test(`${leaving} of ${all} apps leaving at once ${held ? 'are held' : 'go'}`, () => {
    const { recorded, edit } = exodus(all, leaving);
    const value = planFor(edit, recorded);
    assert.equal(value.removalHash !== null, held);
    assert.deepEqual(
      value.steps.map((step) => step.kind === 'remove' && step.held !== null),
      Array.from({ length: leaving }, () => held),
    );
  });
}

test('apps that were never live do not count for the brake, and go', () => {
  const { recorded, edit } = exodus(4, 2);
  for (const row of ['/x', '/y', '/z']) recorded.apply(put('deployment', deployment({ app: row, next: next(target) })));
  assert.equal(planFor(edit, recorded).removalHash, null);
});

test('what is on its way out already is not questioned again, and counts as gone', () => {
  const { recorded, edit } = exodus(6, 3);
  acceptPlan(planFor(edit, recorded), recorded);
  const fewer = { apps: edit.apps.slice(1) };
  assert.deepEqual(planFor(fewer, recorded).steps.map(brief), ['remove /a3']);
  assert.notEqual(planFor({ apps: [] }, recorded).removalHash, null);
});

test('the brake lets go of exactly the set that main names', () => {
  const { recorded, edit } = exodus(5, 4);
  const { removalHash } = planFor(edit, recorded);
  assert.match(removalHash ?? '', /^[0-9a-f]{16}$/);
  const allowed = planFor({ ...edit, allowRemoval: removalHash }, recorded);
  assert.equal(allowed.removalHash, null);
  assert.deepEqual(allowed.steps.map(brief), ['remove /a0', 'remove /a1', 'remove /a2', 'remove /a3']);
});

test('a hash that was meant for another set lets nothing go', () => {
  const { recorded, edit } = exodus(6, 5);
  const { removalHash } = planFor({ apps: edit.apps.concat(unstagedApp({ path: '/a0' })) }, recorded);
  const value = planFor({ ...edit, allowRemoval: removalHash }, recorded);
  assert.ok(value.removalHash !== null && value.removalHash !== removalHash);
  assert.ok(value.steps.every((step) => step.kind === 'remove' && step.held === value.removalHash));
});

test('a set that is held is not planned again, and shows its hash all the same', () => {
  const { recorded, edit } = exodus(5, 4);
  const { removalHash } = planFor(edit, recorded);
  acceptPlan(planFor(edit, recorded), recorded);
  assert.deepEqual(planFor(edit, recorded), { ...NO_PLAN, configCommit: commitId('c'), removalHash });
});

test('apps of a held set that are declared again are kept; the few others then go', () => {
  const { recorded, edit } = exodus(5, 4);
  acceptPlan(planFor(edit, recorded), recorded);
  const back = ['/a0', '/a1', '/a2', '/a4'].map((path) => unstagedApp({ path }));
  const value = planFor({ apps: back }, recorded);
  assert.deepEqual(value.steps.map(brief), ['cancel /a0', 'cancel /a1', 'cancel /a2', 'remove /a3']);
});

/** So many live apps, of which the first ones are not declared any more. */
function exodus(all: number, leaving: number) {
  const paths = Array.from({ length: all }, (_, n) => `/a${n}`);
  const live_ = (path: string) => live(targetOf(unstagedApp({ path })));
  const recorded = recordedWith(...rows(...paths.map((app) => deployment({ app, live: live_(app) }))));
  return { recorded, edit: { apps: paths.slice(leaving).map((path) => unstagedApp({ path })) } };
}

function blockOf(edit: SnapshotEdit) {
  const want = wantOf({ apps: [unstagedApp()], ...edit });
  if (!('problem' in want)) throw new Error('not blocked');
  return want.problem;
}

test('the id of an app is what tells it apart, not its route', () => {
  const app = unstagedApp({ path: '/new', id: 'sales' as AppId });
  const old = targetOf(unstagedApp({ path: '/old', id: 'sales' as AppId }));
  const recorded = recordedWith(...rows(deployment({ app: 'sales', live: live(old) })));
  assert.deepEqual(planFor({ apps: [app] }, recorded).steps.map(brief), ['update sales instance: path']);
});
