import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  commitCause,
  desiredFor,
  finish,
  resolved,
  type SnapshotEdit,
  targetOf,
  treeId,
  unstagedApp,
} from '../../test/support/declarations.ts';
import {
  AT,
  artifact,
  changesOf,
  deployment,
  instance,
  live,
  next,
  recordedWith,
  rows,
} from '../../test/support/recorded.ts';
import type { AuditEntry } from '../model/audit.ts';
import { type AppId, type InstanceId, PROD } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import type { RecordedDeployment, RetainedData } from '../model/recorded.ts';
import { type Change, put } from '../store/changes.ts';
import type { Recorded } from '../store/recorded.ts';
import { tidyReleases } from './accept/releases.ts';
import { dataNameOf } from './accept.ts';
import { plan } from './plan.ts';

const target = targetOf(unstagedApp());
const removing = next(null, { state: 'removing', removes: true, seenAt: AT - 70 });
const app = unstagedApp({ params: { A: '1' } });
const changed = targetOf(app);
const seenAt = AT - 70;

function planFor(edit: SnapshotEdit, recorded: Recorded): Plan {
  return finish(plan(desiredFor({ apps: [unstagedApp()], recorded, ...edit }), recorded, AT));
}

/** What accepting the plan for this edit changes. */
function accepted(recorded: Recorded, edit: SnapshotEdit): Change[] {
  return changesOf(planFor(edit, recorded), recorded, seenAt);
}

/** The row of `/a` after the changes, and the kinds of events. */
function outcome(changes: readonly Change[]): { row: RecordedDeployment | undefined; events: string[] } {
  const puts = changes.flatMap((change) => ('put' in change && change.put === 'deployment' ? [change.row] : []));
  return { row: puts.at(-1), events: events(changes).map(({ kind }) => kind) };
}

function events(changes: readonly Change[]): AuditEntry[] {
  return changes.flatMap((change) => ('audit' in change ? [change.audit] : []));
}

function change<T extends string>(changes: readonly Change[], table: T) {
  return changes.filter((one) => ('put' in one && one.put === table) || ('drop' in one && one.drop === table));
}

test('a first app is recorded with its environment, the next generation, and an event, and nothing else', () => {
  assert.deepEqual(
    accepted(
      recordedWith(
        ...rows(deployment({ app: '/b', live: live(targetOf(unstagedApp({ path: '/b' })), { generation: 9 }) })),
      ),
      {
        apps: [app, unstagedApp({ path: '/b' })],
      },
    ).slice(0, 1),
    [
      put('deployment', {
        env: PROD,
        app: '/a' as AppId,
        dataName: dataNameOf(PROD, '/a' as AppId),
        dataEngine: null,
        kept: [],
        live: null,
        next: next(changed, { generation: 10, seenAt }),
      }),
    ],
  );
});

test('the event of a planned target says what changed, by which commit and how long it was known', () => {
  const [event] = events(accepted(recordedWith(...rows(deployment({ live: live(target) }))), { apps: [app] }));
  assert.deepEqual(event, {
    kind: 'deployment.planned',
    env: PROD,
    app: '/a',
    cause: commitCause(),
    detail: { step: 'update', changed: ['params'], revision: changed.revision, seen_ms_ago: 70 },
  });
});

test('an environment is recorded, with an event, before its first deployment', () => {
  const recorded = recordedWith();
  recorded.environments.clear();
  const changes = accepted(recorded, { apps: [unstagedApp({ stage: true })] });
  assert.deepEqual(
    changes.map((one) => ('audit' in one ? `${one.audit.kind} ${one.audit.env}` : 'put' in one && one.put)),
    [
      ...['environment', 'environment.opened stage', 'environment', 'environment.opened prod'],
      ...['deployment', 'deployment.planned prod', 'deployment', 'deployment.planned stage'],
    ],
  );
});

/** What is on its way gives way to another target: what becomes of it. */
for (const [state, row, kept] of [
  ['waiting', next(target), 'waiting'],
  ['building', next(target, { state: 'building' }), 'building'],
  ['starting', next(target, { state: 'starting', instance: 'i-next' as InstanceId }), 'starting'],
  ['verifying', next(target, { state: 'verifying', instance: 'i-next' as InstanceId, deadline: AT }), 'verifying'],
  ['ready', next(target, { state: 'ready', instance: 'i-next' as InstanceId, deadline: AT }), 'verifying'],
  ['quarantined', next(target, { state: 'quarantined' }), 'waiting'],
] as const) {
  test(`a change of policy alone, ${state} → ${kept}: goes on with the instance that is there, by the new rules`, () => {
    const recorded = recordedWith(...rows(deployment({ next: row })), put('instance', instance({ id: 'i-next' })));
    const changes = accepted(recorded, { apps: [unstagedApp({ health: { path: '/up' } })] });
    assert.deepEqual(
      [outcome(changes).row?.next?.state, outcome(changes).row?.next?.instance, outcome(changes).row?.next?.deadline],
      [kept, row.instance, null],
    );
    assert.deepEqual(change(changes, 'instance'), []);
  });
}

test('what was on its way without a stage begins anew once it is to wait for one, and its instance is stopped', () => {
  const pinned = targetOf(unstagedApp({ stage: true, promote: 'pinned' }));
  const on = next(pinned, { state: 'verifying', instance: 'i-next' as InstanceId });
  const recorded = recordedWith(...rows(deployment({ next: on })), put('instance', instance({ id: 'i-next' })));
  const changes = accepted(recorded, { apps: [unstagedApp({ stage: true })] });
  const row = changes.flatMap((one) =>
    'put' in one && one.put === 'deployment' && one.row.env === PROD ? [one.row] : [],
  )[0];
  assert.deepEqual(
    [row?.next?.state, row?.next?.instance, row?.next?.target?.policy.after],
    ['waiting', null, 'stage'],
  );
  assert.deepEqual(change(changes, 'instance'), [put('instance', instance({ id: 'i-next', state: 'stopping' }))]);
});

test('another description of what runs begins anew, and the instance that was on its way is stopped', () => {
  const on = next(target, { state: 'verifying', instance: 'i-next' as InstanceId });
  const recorded = recordedWith(...rows(deployment({ next: on })), put('instance', instance({ id: 'i-next' })));
  const changes = accepted(recorded, { apps: [app] });
  assert.deepEqual(outcome(changes), {
    row: deployment({ next: next(changed, { generation: 3, seenAt }) }),
    events: ['deployment.superseded', 'deployment.planned'],
  });
  assert.deepEqual(change(changes, 'instance'), [put('instance', instance({ id: 'i-next', state: 'stopping' }))]);
});

test('limits that change what gateways do are in the route row, how long to drain is not', () => {
  const limits = { requests: 5, bodyBytes: 1_024 };
  const recorded = recordedWith(...rows(deployment({ live: live(target) })), put('instance', instance()));
  const changes = accepted(recorded, { apps: [unstagedApp({ limits: { ...limits, drainMs: 1_000 } })] });
  assert.equal(change(changes, 'instance').length, 0);
  for (const one of changes) recorded.apply(one);
  assert.deepEqual(recorded.route('example.com', '/a')?.serve?.limits, limits);
  const quiet = accepted(recorded, { apps: [unstagedApp({ limits: { ...limits, drainMs: 2_000 } })] });
  assert.deepEqual([change(quiet, 'deployment').length, change(quiet, 'route').length], [1, 0]);
});

test('the slash of a bare path is in the route row, and a row without it has no word of it', () => {
  const app = unstagedApp({ spec: 'procfile' });
  const target = targetOf(app);
  const recorded = recordedWith(...rows(deployment({ live: live(target) })), put('instance', instance()));
  const edit = (slash: boolean | null) => accepted(recorded, { apps: [{ ...app, slash }] });
  const route = (changes: ReturnType<typeof edit>) => {
    for (const one of changes) recorded.apply(one);
    return recorded.route('example.com', '/a')?.serve;
  };
  assert.deepEqual([edit(null), edit(false)], [[], []]);
  assert.equal(route(edit(true))?.slash, true);
  assert.equal('slash' in (route(edit(false)) ?? {}), false);
});

test('a change of policy of what is live changes its row and route, and starts nothing', () => {
  const to = targetOf(unstagedApp({ stripPath: false }));
  const recorded = recordedWith(...rows(deployment({ live: live(target) })), put('instance', instance()));
  const changes = accepted(recorded, { apps: [unstagedApp({ stripPath: false })] });
  const serve = {
    instance: 'i-live' as InstanceId,
    target: { kind: 'static', root: '/trees/7', index: 'index.html', fallback: null },
    stripPath: false,
    noindex: false,
  } as const;
  assert.deepEqual(changes, [
    put('deployment', deployment({ live: live(to) })),
    put('route', {
      host: 'example.com',
      path: '/a',
      generation: 2,
      env: PROD,
      app: '/a' as AppId,
      serve,
      vacancy: null,
    }),
    {
      audit: {
        kind: 'deployment.settings',
        env: PROD,
        app: '/a' as AppId,
        cause: commitCause(),
        detail: { changed: ['strip_path'] },
      },
    },
  ]);
});

test('a change of policy that no route shows writes no route', () => {
  const recorded = recordedWith(...rows(deployment({ live: live(target) })), put('instance', instance()));
  for (const one of accepted(recorded, { apps: [unstagedApp({ stripPath: false })] })) recorded.apply(one);
  const changes = accepted(recorded, { apps: [unstagedApp({ stripPath: false, health: { path: '/up' } })] });
  assert.deepEqual(change(changes, 'route'), []);
});

test('a change of policy takes no route that another app has taken meanwhile', () => {
  const other = { host: 'example.com', path: '/a', generation: 7, env: PROD, app: '/b' as AppId, serve: null };
  const serve = { instance: 'i-b' as InstanceId, target: instance().route, stripPath: true, noindex: false } as never;
  const recorded = recordedWith(
    ...rows(deployment({ live: live(target) })),
    put('instance', instance()),
    put('route', { ...other, serve }),
  );
  assert.deepEqual(change(accepted(recorded, { apps: [unstagedApp({ health: { path: '/up' } })] }), 'route'), []);
});

test('a cancelled target leaves what is live, stops its instance and is recorded as superseded', () => {
  const on = next(changed, { state: 'ready', instance: 'i-next' as InstanceId });
  const recorded = recordedWith(
    ...rows(deployment({ live: live(target), next: on })),
    put('instance', instance({ id: 'i-next' })),
  );
  const changes = accepted(recorded, {});
  assert.deepEqual(outcome(changes), {
    row: deployment({ live: live(target) }),
    events: ['deployment.superseded'],
  });
  assert.equal(change(changes, 'instance').length, 1);
});

test('a removal begins with a row and an event; what is live is touched by nothing yet', () => {
  const recorded = recordedWith(...rows(deployment({ live: live(target) })), put('instance', instance()));
  assert.deepEqual(outcome(accepted(recorded, { apps: [] })), {
    row: deployment({ live: live(target), next: removing }),
    events: ['deployment.removing'],
  });
  assert.equal(accepted(recorded, { apps: [] }).length, 2);
});

test('an app that comes back while its removal is under way: the log says that the removal is over', () => {
  const recorded = recordedWith(
    ...rows(deployment({ live: live(target), next: removing })),
    put('instance', instance()),
  );
  assert.deepEqual(outcome(accepted(recorded, {})), {
    row: deployment({ live: live(target) }),
    events: ['removal.cancelled'],
  });
});

test('a source that is not known is waited for, without an event; a fault in the config is held, with one', () => {
  const cases = [{ sources: { '/a': null } }, { apps: [unstagedApp({ spec: 'statik' })] }].map((edit) => {
    const { row, events: kinds } = outcome(accepted(recordedWith(...rows(deployment({ live: live(target) }))), edit));
    return [row?.live?.instance, row?.next?.state, row?.next?.problem?.code, kinds];
  });
  assert.deepEqual(cases, [
    ['i-live', 'waiting', 'git-list-failed', []],
    ['i-live', 'held', 'spec-unknown', ['deployment.held']],
  ]);
});

/** Production with three apps of which none is declared any more. */
function threeLeaving(edit: (app: string) => Partial<RecordedDeployment> = () => ({})): Recorded {
  const row = (path: string) => live(targetOf(unstagedApp({ path })));
  return recordedWith(
    ...rows(...['/a', '/b', '/c'].map((one) => deployment({ ...edit(one), app: one, live: row(one) }))),
  );
}

test('a held removal names its hash in the reason, and all of them are in one release, which names it', () => {
  const recorded = threeLeaving();
  const { removalHash, releases } = planFor({ apps: [] }, recorded);
  const [hash, id] = [removalHash ?? '', releases[0]?.id ?? ''];
  const changes = accepted(recorded, { apps: [] });
  for (const one of changes) recorded.apply(one);
  assert.deepEqual(
    [...recorded.deployments.values()].map((row) => [
      row.next?.state,
      row.next?.removes,
      row.next?.brake,
      row.next?.release,
    ]),
    [1, 2, 3].map(() => ['held', true, hash, id]),
  );
  assert.match(recorded.deployment(PROD, '/a' as AppId)?.next?.reason ?? '', new RegExp(hash));
  assert.deepEqual(tidyReleases(recorded, { atomic: true }), [
    put('release', { id, env: PROD, state: 'moving', removalHash: hash, cause: commitCause(), since: AT }),
  ]);
});

test('a removal that main allowed says so in the log, held before or not', () => {
  const hash = planFor({ apps: [] }, threeLeaving()).removalHash;
  const held = threeLeaving();
  for (const one of accepted(held, { apps: [] })) held.apply(one);
  for (const recorded of [held, threeLeaving()]) {
    const all = events(accepted(recorded, { apps: [], allowRemoval: hash })).filter(({ app: of }) => of !== null);
    const kinds = all.map(({ kind }) => kind);
    assert.deepEqual(
      kinds,
      [1, 2, 3].flatMap(() => ['removal.allowed', 'deployment.removing']),
    );
  }
});

test('a held removal that goes on because the others came back was allowed by nobody', () => {
  const recorded = threeLeaving();
  for (const one of accepted(recorded, { apps: [] })) recorded.apply(one);
  const kinds = events(accepted(recorded, { apps: ['/a', '/b'].map((path) => unstagedApp({ path })) }));
  assert.deepEqual(
    kinds.map(({ kind, app: of }) => `${kind} ${of}`),
    ['removal.cancelled /a', 'removal.cancelled /b', 'deployment.removing /c'],
  );
});

test('a release whose members are gone is dropped, and one whose members are the same is left alone', () => {
  const recorded = threeLeaving();
  for (const one of accepted(recorded, { apps: [] })) recorded.apply(one);
  for (const one of tidyReleases(recorded, { atomic: true })) recorded.apply(one);
  assert.deepEqual(tidyReleases(recorded, { atomic: true }), []);
  for (const row of [...recorded.deployments.values()]) recorded.apply(put('deployment', { ...row, next: null }));
  assert.deepEqual(
    tidyReleases(recorded, { atomic: true }).map((one) => 'drop' in one && one.drop),
    ['release'],
  );
});

const kept: RetainedData = {
  dataName: dataNameOf(PROD, '/a' as AppId),
  env: PROD,
  app: '/a' as AppId,
  engine: 'process',
  until: AT + 1_000,
  state: 'kept',
};

for (const [name, edit] of [
  ['is declared again', {}],
  ['is declared again, although it can not be said yet what should run', { sources: { '/a': null } }],
] as const) {
  test(`data that was kept of an app is its data again as soon as it ${name}`, () => {
    const changes = accepted(recordedWith(put('retained', kept)), edit);
    assert.deepEqual(
      change(changes, 'retained').map((one) => 'drop' in one),
      [true],
    );
    assert.equal(outcome(changes).row?.dataEngine, 'process');
  });
}

test('data that is being removed already is left to go', () => {
  const changes = accepted(recordedWith(put('retained', { ...kept, state: 'removing' })), {});
  assert.deepEqual(change(changes, 'retained'), []);
});

test('a build that failed is tried again when it is asked for anew, with the newest commit that has the files', () => {
  const failed = artifact(target, { state: 'failed', attempts: 4, source: null });
  const changes = accepted(recordedWith(put('artifact', failed)), {});
  assert.deepEqual(change(changes, 'artifact'), [put('artifact', artifact(target, { state: 'building' }))]);
});

test('two apps with one failed build: the one that leaves it does not undo that the other asks for it anew', () => {
  const failed = artifact(target, { state: 'failed' });
  const recorded = recordedWith(
    put('artifact', failed),
    ...rows(deployment({ app: '/b', next: next(targetOf(unstagedApp({ path: '/b' })), { state: 'quarantined' }) })),
  );
  const other = resolved({ tree: treeId('8') });
  const source = { kind: 'repo', url: 'https://git.example.com/b', folder: '' } as const;
  const apps = [unstagedApp(), unstagedApp({ path: '/b', source })];
  for (const one of accepted(recorded, { apps, sources: { '/b': other } })) recorded.apply(one);
  assert.equal(recorded.artifacts.get(target.artifact)?.state, 'building');
});

for (const [id, name] of [
  ['/tools/sales', 'prod/tools-sales-'],
  ['/', 'prod/root-'],
  ['wiki.:/', 'prod/wiki-'],
  ['/ÄÖ', 'prod/root-'],
  [`/${'a'.repeat(100)}`, `prod/${'a'.repeat(40)}-`],
] as const) {
  test(`the data folder of ${id.slice(0, 20)} is named for it, and for it alone`, () => {
    const folder = dataNameOf(PROD, id as AppId);
    assert.ok(folder.startsWith(name) && /-[0-9a-f]{8}$/.test(folder), folder);
    assert.notEqual(folder, dataNameOf(PROD, `${id}-` as AppId));
  });
}
