import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import type { AppId, InstanceId } from '../../model/ids.ts';
import { PROD } from '../../model/ids.ts';
import { isUnder } from '../../model/route.ts';
import type { RouteRow } from '../../model/routing.ts';
import { RouteTable } from './route-table.ts';

test('an app at a path takes whole segments below it, the app at the root the rest', () => {
  const table = tableOf(row('a', '/'), row('a', '/tools/sales'), row('b', '/te'));
  assert.equal(table.find('a', '/tools/sales')?.row.path, '/tools/sales');
  assert.equal(table.find('a', '/tools/sales/x/y')?.row.path, '/tools/sales');
  assert.equal(table.find('a', '/tools/sales/')?.row.path, '/tools/sales');
  assert.equal(table.find('a', '/tools/salesman')?.row.path, '/');
  assert.equal(table.find('a', '/tools')?.row.path, '/');
  assert.equal(table.find('b', '/test'), undefined);
  assert.equal(table.find('c', '/'), undefined);
});

test('a tombstone takes the route away, and with the last one its host', () => {
  const table = tableOf(row('a', '/x/y', 1), row('a', '/x', 2), row('a', '/x/y', 3, { gone: true }));
  assert.equal(table.find('a', '/x/y')?.row.path, '/x');
  table.apply([row('a', '/x', 4, { gone: true }), row('a', '/never', 5, { gone: true })]);
  assert.deepEqual([table.hasHost('a'), table.size, table.generation], [false, 0, 5]);
});

test('a newer row replaces an older one of the same route', () => {
  const table = tableOf(row('a', '/', 1), row('a', '/', 2));
  assert.deepEqual([table.find('a', '/')?.row.generation, table.size], [2, 1]);
});

test('who listens hears of rows when all of them are in place, and of nothing when there are none', () => {
  const heard: unknown[] = [];
  const table: RouteTable = new RouteTable((rows) =>
    heard.push([rows.length, table.find('a', '/x')?.row.generation, table.hasHost('b'), table.generation]),
  );
  table.apply([row('b', '/', 1)]);
  table.apply([]);
  table.apply([row('a', '/x', 2), row('b', '/', 3, { gone: true })]);
  assert.deepEqual(heard, [
    [1, undefined, true, 1],
    [2, 2, false, 3],
  ]);
});

const SEGMENT = fc.constantFrom('a', 'b', 'ab', 'c');
const PATH = fc.array(SEGMENT, { maxLength: 3 }).map((segments) => `/${segments.join('/')}`);
const CHANGE = fc.record({ host: fc.constantFrom('h', 'i'), path: PATH, gone: fc.boolean() });

test('lookup agrees with a search through all rows, after any changes', () => {
  fc.assert(
    fc.property(fc.array(CHANGE, { maxLength: 30 }), fc.constantFrom('h', 'i'), PATH, (changes, host, path) => {
      const table = new RouteTable();
      const living = new Map<string, string>();
      for (const [index, change] of changes.entries()) {
        table.apply([row(change.host, change.path, index + 1, { gone: change.gone })]);
        if (change.gone) living.delete(`${change.host}${change.path}`);
        else living.set(`${change.host}${change.path}`, change.path);
      }
      const matching = [...living].filter(([key, at]) => key.startsWith(host) && isUnder(path, at)).map(([, at]) => at);
      const expected = matching.sort((a, b) => b.length - a.length)[0];
      assert.equal(table.find(host, path)?.row.path, expected);
      assert.equal(table.size, living.size);
    }),
  );
});

test('where nothing serves, the app of the longest path that belongs there is found, until it serves or is gone', () => {
  const vacancy = { env: PROD, app: '/x' as AppId, why: 'coming', reason: null } as const;
  const vacant = (path: string, generation: number) => ({ ...row('a', path, generation, { gone: true }), vacancy });
  const table = tableOf(vacant('/x', 1), vacant('/x/y', 2));
  const found = (path: string) => table.findVacant('a', path)?.row.path;
  assert.deepEqual([found('/x'), found('/x/y/z'), found('/xy'), found('/')], ['/x', '/x/y', undefined, undefined]);
  assert.deepEqual([table.hasHost('a'), table.size, table.find('a', '/x')], [true, 0, undefined]);
  table.apply([row('a', '/x/y', 3)]);
  assert.deepEqual([found('/x/y'), table.find('a', '/x/y')?.row.path, table.size], ['/x', '/x/y', 1]);
  table.apply([row('a', '/x', 4, { gone: true }), row('a', '/x/y', 5, { gone: true })]);
  assert.deepEqual([table.hasHost('a'), table.size], [false, 0]);
});

function tableOf(...rows: RouteRow[]): RouteTable {
  const table = new RouteTable();
  table.apply(rows);
  return table;
}

function row(host: string, path: string, generation = 1, options: { gone?: boolean } = {}): RouteRow {
  const target = { kind: 'http', url: 'http://127.0.0.1:1', external: false } as const;
  const serve = { instance: `i${generation}` as InstanceId, target, stripPath: true, noindex: false };
  return { host, path, generation, env: PROD, app: path as AppId, serve: options.gone === true ? null : serve };
}

test('of a host, the paths of apps of production are told, up to a bound', () => {
  const preview = { ...row('a', '/secret'), env: 'feature-x' as RouteRow['env'] };
  const table = tableOf(row('a', '/x'), row('a', '/y/z'), preview, row('b', '/other'));
  assert.deepEqual([...table.pathsOn('a', 10)].sort(), ['/x', '/y/z']);
  const many = tableOf(...Array.from({ length: 5_000 }, (_, n) => row('a', `/app-${n}`)));
  assert.equal(many.pathsOn('a', 300).length, 300);
  assert.deepEqual(many.pathsOn('nowhere', 300), []);
});
