import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { tempStore } from '../../test/support/temp-store.ts';
import type { EvaluationCache } from '../starlark/evaluation-cache.ts';
import { type EvaluationRow, EvaluationTable } from './evaluations.ts';

const row = (key: string, variant = 'v', value = key): EvaluationRow => ({ key, variant, value });
const byKey = (a: EvaluationRow, b: EvaluationRow) => (a.key + a.variant < b.key + b.variant ? -1 : 1);

test('what was kept is there over a restart, all variants of the keys that are asked for and no others', async (t) => {
  const { connect } = tempStore(t);
  const first = connect();
  const table: EvaluationCache = new EvaluationTable(first);
  await table.putMany([row('a'), row('a', 'w'), row('b'), row('c')]);
  first.close();
  const found = await new EvaluationTable(connect()).getMany(['a', 'c', 'no']);
  assert.deepEqual(found.toSorted(byKey), [row('a'), row('a', 'w'), row('c')]);
});

test('a row with the same key and variant replaces what was there', async (t) => {
  const table = new EvaluationTable(tempStore(t).connect());
  await table.putMany([row('a', 'v', 'old')]);
  await table.putMany([row('a', 'v', 'new')]);
  assert.deepEqual(await table.getMany(['a']), [row('a', 'v', 'new')]);
});

test('nothing asked is nothing found, and nothing added is nothing', async (t) => {
  const table = new EvaluationTable(tempStore(t).connect());
  await table.putMany([]);
  assert.deepEqual(await table.getMany([]), []);
});

test('ten thousand keys are asked for and added at once', async (t) => {
  const table = new EvaluationTable(tempStore(t).connect());
  const keys = Array.from({ length: 10_000 }, (_, n) => `k${n}`);
  await table.putMany(keys.map((key) => row(key)));
  assert.equal((await table.getMany(keys)).length, 10_000);
});

test('only so many rows are kept; those that were added first go first, and what is added again is young', async (t) => {
  const table = new EvaluationTable(tempStore(t).connect(), { mostRows: 3 });
  await table.putMany([row('a'), row('b'), row('c')]);
  await table.putMany([row('a')]);
  await table.putMany([row('d')]);
  const found = await table.getMany(['a', 'b', 'c', 'd']);
  assert.deepEqual(found.toSorted(byKey), [row('a'), row('c'), row('d')]);
});

test('a disk that is full loses the rows and nothing else', async (t) => {
  const temp = tempStore(t);
  const connection = temp.connect();
  const table = new EvaluationTable(connection);
  const db = new Database(temp.path, { timeout: 0 });
  db.exec('BEGIN EXCLUSIVE');
  connection.all({ compile: () => ({ sql: 'PRAGMA busy_timeout = 0', parameters: [] }) as never });
  await table.putMany([row('a')]);
  db.exec('ROLLBACK');
  db.close();
  assert.deepEqual(await table.getMany(['a']), []);
});
