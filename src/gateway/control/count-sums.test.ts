import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { COUNT_AT, COUNTS_LENGTH, MOST_COUNTED_APPS, OTHER_APPS } from '../../model/gateway-counts.ts';
import type { AppId, EnvName } from '../../model/ids.ts';
import { AppMeters } from '../observe/app-meters.ts';
import { CountSums } from './count-sums.ts';

const APPS = ['/a', '/b', '/c'] as AppId[];
const PROD = 'prod' as EnvName;

test('the sums are what was counted, and never go back, whatever becomes of processes and reports', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('count'), at: fc.nat(2), app: fc.nat(2), by: fc.nat(5) }),
    fc.record({
      kind: fc.constantFrom('report', 'report all', 'restart', 'move'),
      at: fc.nat(2),
      app: fc.nat(2),
      by: fc.constant(0),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let next = 3;
      const alive = new Set([0, 1, 2]);
      const sums = new CountSums((pid) => alive.has(pid));
      const gateways = [0, 1, 2].map((pid) => ({ pid, meters: new AppMeters() }));
      const truth = new Map<AppId, number>();
      const report = (gateway: (typeof gateways)[number], all: boolean) =>
        sums.take({ id: String(gateway.pid), pid: gateway.pid }, gateway.meters.report({ all }));
      const total = (app: AppId) => requestsOf(sums, app);
      const before = new Map<AppId, number>();
      for (const { kind, at, app: index, by } of steps) {
        const gateway = gateways[at] ?? { pid: -1, meters: new AppMeters() };
        const app = APPS[index] ?? ('' as AppId);
        if (kind === 'count') {
          const meter = gateway.meters.of(rowOf(app));
          meter.counts[COUNT_AT.requests + 1] = (meter.counts[COUNT_AT.requests + 1] ?? 0) + by;
          meter.hasNews = true;
          truth.set(app, (truth.get(app) ?? 0) + by);
        } else if (kind === 'restart') {
          report(gateway, false);
          alive.delete(gateway.pid);
          alive.add(next);
          gateways[at] = { pid: next, meters: new AppMeters() };
          next += 1;
        } else if (kind === 'move') {
          report(gateway, false);
          gateway.meters.rowsApplied([{ ...rowOf(app), serve: null }]);
        } else report(gateway, kind === 'report all');
        for (const each of APPS) {
          assert.ok(total(each) >= (before.get(each) ?? 0));
          before.set(each, total(each));
        }
      }
      for (const gateway of gateways) report(gateway, false);
      for (const app of APPS) assert.equal(total(app), truth.get(app) ?? 0);
    }),
  );
});

test('apps that are gone are forgotten, and what they counted does not come back', () => {
  const sums = new CountSums(() => true);
  const meters = new AppMeters();
  meters.of(rowOf('/a' as AppId)).counts[COUNT_AT.requests + 1] = 5;
  sums.take({ id: 'x', pid: 1 }, meters.report({ all: true }));
  assert.equal(requestsOf(sums, '/a' as AppId), 5);
  assert.deepEqual(appsOf(sums.totals(() => false)), ['-', '*']);
  assert.equal(requestsOf(sums, '/a' as AppId), 0);
});

test('what a process that is gone had in flight is in flight no more', () => {
  const alive = new Set([1]);
  const sums = new CountSums((pid) => alive.has(pid));
  const meters = new AppMeters();
  meters.of(rowOf('/a' as AppId)).move(1);
  sums.take({ id: 'x', pid: 1 }, meters.report({ all: true }));
  const inFlight = () => sums.totals(() => true).apps.find(({ app }) => app === '/a')?.counts[COUNT_AT.inFlight];
  assert.equal(inFlight(), 1);
  alive.clear();
  assert.equal(inFlight(), 0);
});

test('10,000 apps in each of two processes are bounded there and in the sums, and lose no count', () => {
  const sums = new CountSums(() => true);
  for (const pid of [1, 2]) {
    const meters = new AppMeters();
    for (let at = 0; at < 10_000; at += 1) {
      const meter = meters.of(rowOf(`/app-${pid}-${at}` as AppId));
      meter.counts[COUNT_AT.requests + 1] = (meter.counts[COUNT_AT.requests + 1] ?? 0) + 1;
    }
    const reported = meters.report({ all: true });
    assert.equal(reported.length, MOST_COUNTED_APPS + 2);
    sums.take({ id: String(pid), pid }, reported);
  }
  const { apps } = sums.totals(() => true);
  assert.ok(apps.length <= MOST_COUNTED_APPS + 2);
  assert.equal(
    apps.reduce((sum, { counts }) => sum + (counts[COUNT_AT.requests + 1] ?? 0), 0),
    20_000,
  );
  assert.ok(apps.some(({ app }) => app === OTHER_APPS.app));
});

test('only what has changed is reported, unless all is asked for', () => {
  const meters = new AppMeters();
  meters.of(rowOf('/a' as AppId));
  meters.of(rowOf('/b' as AppId));
  assert.equal(meters.report({ all: true }).length, 4);
  assert.equal(meters.report({ all: false }).length, 0);
  meters.of(rowOf('/b' as AppId)).move(1);
  const [only, ...others] = meters.report({ all: false });
  assert.deepEqual([only?.app, only?.counts.length, others], ['/b', COUNTS_LENGTH, []]);
});

function rowOf(app: AppId) {
  const serve = { instance: 'i' as never, target: { kind: 'held' } as const, stripPath: true, noindex: false };
  return { host: 'h', path: app as string, generation: 1, env: PROD, app, serve };
}

function requestsOf(sums: CountSums, app: AppId): number {
  return sums.totals(() => true).apps.find((each) => each.app === app)?.counts[COUNT_AT.requests + 1] ?? 0;
}

function appsOf({ apps }: { readonly apps: readonly { readonly app: AppId }[] }): AppId[] {
  return apps.map(({ app }) => app);
}
