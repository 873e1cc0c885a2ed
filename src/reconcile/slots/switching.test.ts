import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf, unstagedApp } from '../../../test/support/declarations.ts';
import { AT, artifact, deployment, instance, live, next, recordedWith, rows } from '../../../test/support/recorded.ts';
import type { Target } from '../../model/desired.ts';
import { type AppId, type InstanceId, PROD } from '../../model/ids.ts';
import type { NextState, RecordedDeployment } from '../../model/recorded.ts';
import { put } from '../../store/changes.ts';
import type { Recorded } from '../../store/recorded.ts';
import { suspendChanges, switchChanges } from './switching.ts';

/** An app of a stable id at a path, in a version. */
const at = (path: string, version = 1): Target => targetOf(unstagedApp({ path, params: { V: version } }));

/** What is recorded of one app in a row of these tests: where it is live and what is next. */
interface App {
  readonly live?: Target;
  readonly next?: Target | 'removed';
  /** What is next only needs other rows. */
  readonly policy?: boolean;
  readonly edit?: Partial<NextState>;
  readonly suspended?: boolean;
}

/** Everything that is recorded when these apps are ready to switch; each place leads to the app that is live there, the last one named. */
function recordedOf(apps: Readonly<Record<string, App>>): Recorded {
  const recorded = recordedWith(put('artifact', artifact(at('/x'))));
  let generation = 0;
  for (const [name, app] of Object.entries(apps)) {
    const row = rowOf(name, app);
    for (const change of rows(row)) recorded.apply(change);
    for (const part of [row.live, row.next])
      if (part?.instance != null && part.target !== null)
        recorded.apply(put('instance', instanceOf(part.instance, name, part.target)));
    if (row.live === null) continue;
    const { host, path } = row.live.target.policy;
    const serve = { instance: row.live.instance, target: treeOf(row.live.instance), stripPath: true, noindex: false };
    generation += 1;
    recorded.apply(put('route', { host, path, generation, env: PROD, app: row.app, serve }));
  }
  return recorded;
}

function rowOf(name: string, { live: serves, next: coming, policy, edit, suspended = false }: App): RecordedDeployment {
  const old = `${name} old` as InstanceId;
  const removes = { state: 'removing', removes: true, ...edit } as const;
  const ready = { state: 'ready', instance: policy === true ? old : (`${name} new` as InstanceId), ...edit } as const;
  const to = coming === undefined ? null : coming === 'removed' ? next(null, removes) : next(coming, ready);
  const from = serves === undefined ? null : live(serves, { instance: old, suspended });
  return deployment({ app: name, live: from, next: to });
}

function instanceOf(id: InstanceId, app: string, target: Target) {
  return instance({ id, app: app as AppId, target, route: treeOf(id) });
}

function treeOf(id: string) {
  return { kind: 'static', root: id, index: 'index.html', fallback: null } as const;
}

/** Has these switch as one, and says which instance each place leads to. */
function places(recorded: Recorded, members: readonly string[]): Readonly<Record<string, string | null>> {
  const { generation } = recorded;
  let given = generation;
  const before = new Map(recorded.routes);
  const all = members.flatMap((name) => recorded.deployment(PROD, name as AppId) ?? []);
  const context = { recorded, generation: () => (given += 1), at: AT, drainMs: 30_000 };
  for (const change of switchChanges(all, context)) recorded.apply(change);
  for (const [key, { generation: now }] of recorded.routes) {
    const was = before.get(key);
    assert.ok(was === recorded.routes.get(key) || now > generation, `${key} goes back`);
  }
  return Object.fromEntries(
    [...recorded.routes.values()].map(({ path, serve }) => [path, serve === null ? null : rootOf(serve.target)]),
  );
}

function rootOf(target: { readonly kind: string; readonly root?: string }): string {
  return target.root ?? target.kind;
}

/** Apps that switch as one, others that do not, and which instance each place leads to after. */
for (const [name, movers, others, expected] of [
  ['a new version takes the place of the old one', { a: { live: at('/x'), next: at('/x', 2) } }, {}, { '/x': 'a new' }],
  ['a new app takes a place that nobody had', { a: { next: at('/x') } }, {}, { '/x': 'a new' }],
  ['an app that goes leaves nothing at its place', { a: { live: at('/x'), next: 'removed' } }, {}, { '/x': null }],
  [
    'an app that moves leaves nothing at its old place',
    { a: { live: at('/x'), next: at('/y') } },
    {},
    { '/x': null, '/y': 'a new' },
  ],
  [
    'an app that only moves keeps its instance',
    { a: { live: at('/x'), next: at('/y'), policy: true } },
    {},
    { '/x': null, '/y': 'a old' },
  ],
  [
    'two apps trade their places',
    { a: { live: at('/x'), next: at('/y') }, b: { live: at('/y'), next: at('/x') } },
    {},
    { '/x': 'b new', '/y': 'a new' },
  ],
  [
    'two apps trade their places, and nothing else',
    { a: { live: at('/x'), next: at('/y'), policy: true }, b: { live: at('/y'), next: at('/x'), policy: true } },
    {},
    { '/x': 'b old', '/y': 'a old' },
  ],
  [
    'three apps move round',
    {
      a: { live: at('/x'), next: at('/y') },
      b: { live: at('/y'), next: at('/z') },
      c: { live: at('/z'), next: at('/x') },
    },
    {},
    { '/x': 'c new', '/y': 'a new', '/z': 'b new' },
  ],
  [
    'an app that goes and one that takes its place',
    { a: { live: at('/x'), next: 'removed' }, b: { next: at('/x') } },
    {},
    { '/x': 'b new' },
  ],
  [
    'the same, whichever of the two is named first',
    { b: { live: at('/x'), next: 'removed' }, a: { next: at('/x') } },
    {},
    { '/x': 'a new' },
  ],
  [
    'an app that goes and one that moves to its place',
    { a: { live: at('/x'), next: 'removed' }, b: { live: at('/y'), next: at('/x') } },
    {},
    { '/x': 'b new', '/y': null },
  ],
  [
    'an app that leaves a place at which another one is live too',
    { a: { live: at('/x'), next: at('/y') } },
    { h: { live: at('/x') } },
    { '/x': 'h old', '/y': 'a new' },
  ],
  [
    'an app that moves to where another one is live that stays',
    { a: { live: at('/y'), next: at('/x') } },
    { h: { live: at('/x') } },
    { '/x': 'a new', '/y': null },
  ],
  [
    'a member that stays gives its place to one that comes',
    { a: { live: at('/x'), next: at('/x', 2) }, b: { next: at('/x') } },
    {},
    { '/x': 'b new' },
  ],
] as const) {
  for (const order of ['as named', 'the other way round'])
    test(`switch: ${name} (${order})`, () => {
      const names = Object.keys(movers);
      // What is live beside another one at the same place lost that to it: it is named first.
      const recorded = recordedOf({ ...others, ...movers });
      assert.deepEqual(places(recorded, order === 'as named' ? names : names.toReversed()), expected);
    });
}

test('switch: what nobody claims any more leads to the one whose place was taken', () => {
  const recorded = recordedOf({ h: { live: at('/x') }, a: { live: at('/x'), next: 'removed' } });
  assert.deepEqual(places(recorded, ['a']), { '/x': 'h old' });
});

test('switch: a change of policy takes no place that another app has taken since', () => {
  const policy = targetOf(unstagedApp({ path: '/x', params: { V: 1 }, health: { path: '/up' } }));
  const recorded = recordedOf({ a: { live: at('/x'), next: policy, policy: true }, b: { live: at('/x') } });
  assert.deepEqual(places(recorded, ['a']), { '/x': 'b old' });
  assert.equal(recorded.deployment(PROD, 'a' as AppId)?.live?.target, policy);
});

test('switch: a member that is older than what is live never takes its place; the others switch', () => {
  const recorded = recordedOf({
    a: { live: at('/x'), next: at('/x', 2), edit: { generation: 1 } },
    b: { live: at('/y'), next: at('/y', 2) },
  });
  assert.deepEqual(places(recorded, ['a', 'b']), { '/x': 'a old', '/y': 'b new' });
  assert.equal(recorded.deployment(PROD, 'a' as AppId)?.next, null);
  assert.equal(recorded.instances.get('a new')?.state, 'stopping');
});

test('switch: the old instance drains, the new one is live, and what was live is kept for going back', () => {
  const [was, is] = [at('/x'), at('/x', 2)];
  const recorded = recordedOf({ a: { live: was, next: is } });
  places(recorded, ['a']);
  const row = recorded.deployment(PROD, 'a' as AppId);
  assert.deepEqual([row?.live?.instance, row?.next, row?.kept], ['a new', null, [is.artifact]]);
  const old = recorded.instances.get('a old');
  assert.deepEqual([old?.state, old?.drainUntil], ['draining', AT + 30_000]);
});

test('switch: what is in flight may go on for as long as the app that is live says', () => {
  const declared = (drainMs: number) =>
    targetOf(unstagedApp({ path: '/x', params: { V: drainMs }, limits: { drainMs } }));
  const recorded = recordedOf({ a: { live: declared(90_000), next: declared(5_000) } });
  places(recorded, ['a']);
  assert.equal(recorded.instances.get('a old')?.drainUntil, AT + 90_000);
});

test('switch: production keeps the artifacts of its last six revisions, newest first, each once', () => {
  const recorded = recordedOf({ a: { live: at('/x'), next: at('/x', 2) } });
  const kept = ['1', '2', '3', '4', '5', '6', at('/x').artifact] as readonly string[] as RecordedDeployment['kept'];
  const row = recorded.deployment(PROD, 'a' as AppId);
  assert.ok(row !== undefined);
  recorded.apply(put('deployment', { ...row, kept }));
  places(recorded, ['a']);
  assert.deepEqual(recorded.deployment(PROD, 'a' as AppId)?.kept, [at('/x').artifact, '1', '2', '3', '4', '5']);
});

test('suspend: requests of what is stopped for its replacement are held at its place, until the switch', () => {
  const recorded = recordedOf({ a: { live: at('/x'), next: at('/x', 2) } });
  const row = recorded.deployment(PROD, 'a' as AppId);
  assert.ok(row !== undefined);
  const context = { recorded, generation: () => recorded.generation + 1, at: AT, drainMs: 30_000 };
  for (const change of suspendChanges(row, context)) recorded.apply(change);
  const held = recorded.route('example.com', '/x')?.serve;
  assert.deepEqual(
    [held?.target, held?.instance, recorded.instances.get('a old')?.state],
    [{ kind: 'held' }, 'a old', 'draining'],
  );
  assert.deepEqual(places(recorded, ['a']), { '/x': 'a new' });
});
