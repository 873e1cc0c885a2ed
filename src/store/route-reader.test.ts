import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { openRouteReader } from './route-reader.ts';

test('only rows newer than the generation come, oldest first, tombstones included', (t) => {
  const { path, put } = tempStore(t);
  put('a', '/', 3, { instance: 'i3' });
  put('a', '/x', 1, { instance: 'i1' });
  put('b', '/', 2, null);
  const reader = openRouteReader(path);
  t.after(() => reader.close());
  assert.deepEqual(
    reader.readSince(1).map((row) => [row.host, row.path, row.generation, row.serve]),
    [
      ['b', '/', 2, null],
      ['a', '/', 3, { instance: 'i3' }],
    ],
  );
});

test('what the writer commits while the reader is open is seen, what it has not committed is not', (t) => {
  const { path, put, database } = tempStore(t);
  const reader = openRouteReader(path);
  t.after(() => reader.close());
  assert.deepEqual(reader.readSince(0), []);
  database.exec('BEGIN IMMEDIATE');
  put('a', '/', 1, null);
  assert.deepEqual(reader.readSince(0), []);
  database.exec('COMMIT');
  assert.equal(reader.readSince(0).length, 1);
});

test('a store that is not there yet is an error, and is found once it is there', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'routes-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const reader = openRouteReader(join(dir, 'mainspring.db'));
  t.after(() => reader.close());
  assert.throws(() => reader.readSince(0));
  tempStore(t, dir).put('a', '/', 1, null);
  assert.equal(reader.readSince(0).length, 1);
});

test('a store without the table yet is an error, and is found once it is migrated', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'routes-'));
  t.after(() => rmSync(dir, { recursive: true }));
  new Database(join(dir, 'mainspring.db')).exec('CREATE TABLE other (id INTEGER) STRICT').close();
  const reader = openRouteReader(join(dir, 'mainspring.db'));
  t.after(() => reader.close());
  assert.throws(() => reader.readSince(0));
  tempStore(t, dir);
  assert.deepEqual(reader.readSince(0), []);
});

test('a store of an earlier version is read as it is, and as what it is once it was brought up to date', (t) => {
  const { path, put, database } = tempStore(t);
  database.exec('ALTER TABLE routes DROP COLUMN vacancy');
  put('a', '/', 1, { instance: 'i1' });
  const reader = openRouteReader(path);
  t.after(() => reader.close());
  const seen = (since: number) => reader.readSince(since).map(({ serve, vacancy }) => [serve, vacancy]);
  assert.deepEqual(seen(0), [[{ instance: 'i1' }, null]]);
  database.exec('ALTER TABLE routes ADD COLUMN vacancy TEXT');
  const vacancy = { env: 'try', app: '/', why: 'parked', reason: null };
  database.prepare('UPDATE routes SET vacancy = ?, generation = 2').run(JSON.stringify(vacancy));
  assert.deepEqual(seen(1), [[{ instance: 'i1' }, vacancy]]);
});

function tempStore(t: TestContext, dir = mkdtempSync(join(tmpdir(), 'routes-'))) {
  const path = join(dir, 'mainspring.db');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.exec(
    'CREATE TABLE routes (host TEXT NOT NULL, path TEXT NOT NULL, generation INTEGER NOT NULL, env TEXT NOT NULL, app TEXT NOT NULL, serve TEXT, vacancy TEXT, PRIMARY KEY (host, path)) STRICT; CREATE INDEX routes_by_generation ON routes (generation);',
  );
  t.after(() => {
    database.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const insert = database.prepare(
    "INSERT INTO routes (host, path, generation, env, app, serve) VALUES (?, ?, ?, 'prod', 'app', ?)",
  );
  const put = (host: string, path: string, generation: number, serve: object | null) =>
    insert.run(host, path, generation, serve === null ? null : JSON.stringify(serve));
  return { path, database, put };
}
