import assert from 'node:assert/strict';
import { test } from 'node:test';
import { targetOf, unstagedApp } from '../../test/support/declarations.ts';
import { deployment, live, next, recordedWith } from '../../test/support/recorded.ts';
import type { AppId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import type { RecordedDeployment } from '../model/recorded.ts';
import type { RouteRow } from '../model/routing.ts';
import { type Change, drop, put } from '../store/changes.ts';
import { withVacancies } from './vacancies.ts';

const target = targetOf();
const elsewhere = targetOf(unstagedApp({ route: { host: '', path: '/b' } }));
const reason = 'it never answered';
const COMING = { env: PROD, app: '/a' as AppId, why: 'coming', reason: null } as const;
const FAILED = { ...COMING, why: 'failed', reason } as const;
const PARKED = { ...COMING, why: 'parked' } as const;

/** The route rows that follow from what a deployment becomes, after what was recorded before. */
function routesAfter(row: RecordedDeployment | null, ...before: readonly Change[]) {
  const recorded = recordedWith(...before);
  const gone = deployment();
  const changes = row === null ? [drop('deployment', gone)] : [put('deployment', row)];
  let generation = 10;
  return withVacancies(changes, recorded, () => ++generation).flatMap((change) =>
    'put' in change && change.put === 'route' ? [told(change.row)] : [],
  );
}

function told({ path, generation, serve, vacancy }: RouteRow) {
  return { path, generation, isServed: serve !== null, vacancy };
}

function routeRow(edit: Partial<RouteRow> = {}): Change {
  return put('route', {
    host: 'example.com',
    path: '/a',
    generation: 7,
    env: PROD,
    app: '/a' as AppId,
    serve: null,
    ...edit,
  });
}

const vacant = (vacancy: RouteRow['vacancy'], path = '/a') => ({ path, generation: 11, isServed: false, vacancy });

for (const [name, row, before, expected] of [
  ['what is on its way for the first time is said to be', next(target), [], [vacant(COMING)]],
  ['nothing is said twice', next(target, { state: 'starting' }), [routeRow({ vacancy: COMING })], []],
  [
    'what failed for the first time is said, and why',
    next(target, { state: 'quarantined', reason }),
    [routeRow({ vacancy: COMING })],
    [vacant(FAILED)],
  ],
  [
    'what is tried anew is on its way again',
    next(target, { reason: 'not yet' }),
    [routeRow({ vacancy: FAILED })],
    [vacant(COMING)],
  ],
  [
    'what belongs elsewhere now is not said of its old place',
    next(elsewhere),
    [routeRow({ vacancy: COMING })],
    [
      { path: '/a', generation: 11, isServed: false, vacancy: null },
      { path: '/b', generation: 12, isServed: false, vacancy: COMING },
    ],
  ],
  [
    'what is to go is not said to come',
    next(null, { removes: true, state: 'removing' }),
    [routeRow({ vacancy: FAILED })],
    [vacant(null)],
  ],
  [
    'where what should run can not be said, its place still says so, and why',
    next(null, { state: 'held', reason }),
    [routeRow({ vacancy: COMING })],
    [vacant(FAILED)],
  ],
  ['what was never known to belong anywhere is said nowhere', next(null, { state: 'held', reason }), [], []],
] as const) {
  test(name, () => assert.deepEqual(routesAfter(deployment({ next: row }), ...before), expected));
}

test('what is parked is said where it was live', () => {
  assert.deepEqual(routesAfter(deployment(), put('deployment', deployment({ live: live(target) }))), [vacant(PARKED)]);
});

test('what is parked before it was ever live is said where it was to be', () => {
  const before = [put('deployment', deployment({ next: next(target) })), routeRow({ vacancy: COMING })];
  assert.deepEqual(routesAfter(deployment(), ...before), [vacant(PARKED)]);
});

test('what goes live has no vacancy any more', () => {
  assert.deepEqual(routesAfter(deployment({ live: live(target) }), routeRow({ vacancy: COMING })), [vacant(null)]);
});

test('what is gone has none either', () => {
  assert.deepEqual(routesAfter(null, put('deployment', deployment()), routeRow({ vacancy: PARKED })), [vacant(null)]);
});

test('a row that is written anyway is written once, with the vacancy that follows', () => {
  const recorded = recordedWith(routeRow({ vacancy: COMING }));
  const serve = { instance: 'i' as never, target: { kind: 'held' }, stripPath: true, noindex: false } as const;
  const switched = [
    put('deployment', deployment({ live: live(target) })),
    routeRow({ generation: 8, serve, vacancy: COMING }),
  ];
  const changes = withVacancies(switched, recorded, () => assert.fail('a generation is enough'));
  assert.deepEqual(changes, [switched[0], routeRow({ generation: 8, serve, vacancy: null })]);
});

test('where another app serves, it goes on, with what belongs there beside it', () => {
  const serve = { instance: 'i' as never, target: { kind: 'held' }, stripPath: true, noindex: false } as const;
  const others = routeRow({ app: '/other' as AppId, serve });
  assert.deepEqual(routesAfter(deployment({ next: next(target) }), others), [
    { path: '/a', generation: 11, isServed: true, vacancy: COMING },
  ]);
});

test('a vacancy that has become that of another app is left to it', () => {
  const others = routeRow({ vacancy: { ...COMING, app: '/other' as AppId } });
  assert.deepEqual(routesAfter(null, put('deployment', deployment()), others), []);
});
