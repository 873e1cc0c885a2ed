import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import type { AppId, InstanceId } from '../../model/ids.ts';
import { PROD } from '../../model/ids.ts';
import type { RouteRow } from '../../model/routing.ts';
import { parsePath } from '../reading/request-target.ts';
import { RouteTable } from './route-table.ts';

const HOST = fc.constantFrom('h', 'h.i');
const NAME = fc.constantFrom('a', 'b', 'ab', 'constructor', '__proto__');
const ROUTE = fc.array(NAME, { maxLength: 3 }).map((names) => names.map((name) => `/${name}`).join('') || '/');
const CHANGES = fc.array(fc.record({ host: HOST, path: ROUTE, isGone: fc.boolean() }), { minLength: 5, maxLength: 40 });
const ASKED = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'constructor', '__proto__', '', '.', '..', '%61', 'a%2fb', '%2e'), {
    maxLength: 6,
  })
  .map((segments) => `/${segments.join('/')}`);

test('a request goes to the app with the longest path of whole segments, as a search through all of them finds it', () => {
  let found = 0;
  fc.assert(
    fc.property(CHANGES, HOST, ASKED, (changes, host, asked) => {
      const table = new RouteTable();
      for (const [at, change] of changes.entries()) table.apply([row(at + 1, change)]);
      const path = parsePath(asked)?.decoded;
      if (path === undefined) return;
      const expected = longest(living(changes, host), path);
      assert.equal(table.find(host, path)?.row.path, expected);
      assert.equal(table.hasHost(host), living(changes, host).length > 0);
      if (expected !== undefined) found += 1;
    }),
    { numRuns: 500 },
  );
  assert.ok(found > 50, `only ${found} of the requests found an app`);
});

test('many rows at once are the same as one by one', () => {
  fc.assert(
    fc.property(CHANGES, HOST, ASKED, (changes, host, asked) => {
      const rows = changes.map((change, at) => row(at + 1, change));
      const [atOnce, oneByOne] = [new RouteTable(), new RouteTable()];
      atOnce.apply(rows);
      for (const one of rows) oneByOne.apply([one]);
      assert.equal(atOnce.find(host, asked)?.row.generation, oneByOne.find(host, asked)?.row.generation);
      assert.equal(atOnce.size, oneByOne.size);
    }),
  );
});

interface Change {
  readonly host: string;
  readonly path: string;
  readonly isGone: boolean;
}

/** The paths of a host after all changes, last word first. */
function living(changes: readonly Change[], host: string): string[] {
  const paths = [...new Set(changes.filter((change) => change.host === host).map(({ path }) => path))];
  return paths.filter(
    (path) => changes.findLast((change) => change.host === host && change.path === path)?.isGone === false,
  );
}

function longest(paths: readonly string[], asked: string): string | undefined {
  const segments = asked.split('/').slice(1);
  const above = paths.filter((path) => {
    const wanted = path === '/' ? [] : path.split('/').slice(1);
    return wanted.length <= segments.length && wanted.every((name, at) => name === segments[at]);
  });
  return above.sort((one, other) => other.length - one.length)[0];
}

function row(generation: number, { host, path, isGone }: Change): RouteRow {
  const target = { kind: 'http', url: 'http://127.0.0.1:1', external: false } as const;
  const serve = { instance: `i${generation}` as InstanceId, target, stripPath: true, noindex: false };
  return { host, path, generation, env: PROD, app: path as AppId, serve: isGone ? null : serve };
}
