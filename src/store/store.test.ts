import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { chainEvent } from '../audit/chain.ts';
import { readAudit, verifyAudit } from '../audit/log.ts';
import type { AppId, EnvName } from '../model/ids.ts';
import { audit, drop, put } from './changes.ts';
import { openDatabase } from './database.ts';
import { takeLock } from './lock.ts';
import { Store } from './store.ts';

const clock = { now: () => Date.UTC(2026, 0, 1), sleep: () => Promise.resolve() };
const env = 'prod' as EnvName;
const environment = {
  name: env,
  kind: 'prod',
  identity: 'prod',
  parked: false,
  cause: null,
  errors: [],
  createdAt: 1,
} as const;
const deployment = { env, app: '/a' as AppId, dataName: 'prod/a-1', dataEngine: null, live: null, next: null };
const started = audit({ kind: 'controller.started', env: null, app: null, cause: { kind: 'bootstrap' }, detail: {} });

function tempStore(t: { after(fn: () => void): void }): { path: string; folder: string; open(): Store } {
  const folder = mkdtempSync(join(tmpdir(), 'mainspring-store-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'mainspring.db');
  return { path, folder, open: () => new Store({ connection: openDatabase(path), clock, chain: chainEvent }) };
}

test('what was recorded is there again after the store is opened anew', (t) => {
  const { open } = tempStore(t);
  const first = open();
  first.transact((_, generation) => [
    put('environment', environment),
    put('deployment', deployment),
    put('route', { host: 'localhost', path: '/a', generation: generation(), env, app: deployment.app, serve: null }),
    started,
  ]);
  const before = {
    deployments: [...first.recorded.deployments],
    routes: [...first.recorded.routes],
    generation: first.recorded.generation,
    head: first.head,
  };
  first.close();
  const second = open();
  assert.deepEqual(
    {
      deployments: [...second.recorded.deployments],
      routes: [...second.recorded.routes],
      generation: second.recorded.generation,
      head: second.head,
    },
    before,
  );
  second.close();
});

test('a transaction that fails changes neither the database nor the memory', (t) => {
  const { open } = tempStore(t);
  const store = open();
  // The foreign key refuses a deployment of an environment that is not there.
  assert.throws(() => store.transact(() => [started, put('deployment', deployment)]), { code: 'store-failed' });
  assert.equal(store.recorded.deployments.size, 0);
  assert.equal(store.head.id, 0);
  store.close();
  assert.equal(open().head.id, 0);
});

test('dropped rows are gone from the database too', (t) => {
  const { open } = tempStore(t);
  const store = open();
  store.transact(() => [put('environment', environment), put('deployment', deployment)]);
  store.transact(() => [drop('deployment', deployment)]);
  store.close();
  assert.equal(open().recorded.deployments.size, 0);
});

test('a database of a newer version is refused and left as it is', (t) => {
  const { open, path } = tempStore(t);
  open().close();
  const db = new Database(path);
  db.pragma('user_version = 99');
  db.close();
  assert.throws(open, { code: 'store-newer' });
});

test('a damaged database is refused with a code of its own', (t) => {
  const { open, path } = tempStore(t);
  const db = new Database(path);
  db.exec('CREATE TABLE x (y)');
  db.close();
  new Database(path).close();
  assert.throws(() => openDatabase(`${path}/x`));
  rmSync(path);
  open().close();
});

test('a second controller on the same folder is refused with the pid of the first', (t) => {
  const { folder } = tempStore(t);
  const lock = takeLock(folder);
  assert.throws(
    () => takeLock(folder),
    (error: Error & { code?: string }) => error.code === 'store-locked' && error.message.includes(String(process.pid)),
  );
  lock.release();
  takeLock(folder).release();
});

/** Each fault in a log of five events, with the words that name it. */
for (const [name, sqlText, expected] of [
  ['a changed byte', `UPDATE audit SET detail = '{"n":9}' WHERE id = 3`, /event 3 was changed/],
  [
    'an inserted row',
    `UPDATE audit SET id = id + 100 WHERE id > 2; INSERT INTO audit SELECT 3, at, kind, env, app, cause, detail, prev, hash FROM audit WHERE id = 2; UPDATE audit SET id = id - 99 WHERE id > 100`,
    /event 3 does not follow event 2/,
  ],
  [
    'two swapped rows',
    'UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 99',
    /event 2 does not follow event 1/,
  ],
  ['a missing row', 'DELETE FROM audit WHERE id = 2', /events 2 to 2 are missing/],
] as const) {
  test(`${name} breaks the audit chain and is named`, (t) => {
    const { open, path } = tempStore(t);
    const store = open();
    for (let n = 0; n < 5; n++)
      store.transact(() => [
        audit({ kind: 'controller.started', env: null, app: null, cause: { kind: 'bootstrap' }, detail: { n } }),
      ]);
    store.close();
    const db = new Database(path);
    db.exec(sqlText);
    db.close();
    const connection = openDatabase(path);
    t.after(() => connection.close());
    const verdict = verifyAudit(connection, null);
    assert.equal(verdict.ok, false);
    assert.match(verdict.message, expected);
  });
}

test('a cut tail shows against a head that was kept elsewhere', (t) => {
  const { open, path } = tempStore(t);
  const store = open();
  for (let n = 0; n < 5; n++) store.transact(() => [started]);
  const head = `${store.head.id}:${store.head.hash}`;
  store.close();
  const db = new Database(path);
  db.exec('DELETE FROM audit WHERE id > 3');
  db.close();
  const connection = openDatabase(path);
  t.after(() => connection.close());
  assert.equal(verifyAudit(connection, null).ok, true);
  assert.match(verifyAudit(connection, head).message, /events 4 to 5 were cut off/);
  assert.equal([...readAudit(connection, { after: 1 })].length, 2);
});
