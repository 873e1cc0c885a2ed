import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { deployment, recordedWith, rows } from '../../test/support/recorded.ts';
import { storeProcess } from '../../test/support/store-process.ts';
import { storeIn, tempStore } from '../../test/support/temp-store.ts';
import { chainEvent } from '../audit/chain.ts';
import { audit, put } from './changes.ts';
import { Connection, openDatabase, openDatabaseToRead, prepareDatabase, sql } from './database.ts';
import { loadRecorded, Store } from './store.ts';

const started = audit({ kind: 'controller.started', env: null, app: null, cause: { kind: 'bootstrap' }, detail: {} });
const environments = [...recordedWith().environments.values()].map((row) => put('environment', row));

const SYNCHRONOUS = { ...sql.selectFrom('meta').compile(), sql: 'PRAGMA synchronous', parameters: [] };

/** A store with so many deployments, closed again. */
function filledStore(t: TestContext, count = 500) {
  const temp = tempStore(t);
  const store = temp.open();
  const all = Array.from({ length: count }, (_, n) => deployment({ app: `/a${n}` }));
  store.transact(() => [...environments, ...rows(...all)]);
  store.close();
  return temp;
}

test('a new database has the tables of this version, is durable, and is readable by its owner alone', (t) => {
  const { path, open } = tempStore(t);
  open().close();
  const db = new Database(path);
  assert.deepEqual(
    [db.pragma('user_version', { simple: true }), db.pragma('journal_mode', { simple: true })],
    [6, 'wal'],
  );
  db.close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('opening again migrates nothing and keeps what is there', (t) => {
  const temp = filledStore(t);
  assert.equal(temp.open().recorded.deployments.size, 500);
});

test('a database of a newer version is refused by writers and readers, and left as it is', (t) => {
  const { path, open } = tempStore(t);
  open().close();
  const db = new Database(path);
  db.pragma('user_version = 99');
  db.close();
  const before = readFileSync(path);
  assert.throws(() => openDatabase(path), { code: 'store-newer', message: /schema 99, this one knows 6/ });
  assert.throws(() => openDatabaseToRead(path), { code: 'store-newer' });
  assert.deepEqual(readFileSync(path), before);
});

test('a file that is no database is refused as damaged, and left as it is', (t) => {
  const { path } = tempStore(t);
  writeFileSync(path, 'not a database at all\n'.repeat(1_000));
  assert.throws(() => openDatabase(path), { code: 'store-corrupt' });
  assert.match(readFileSync(path, 'utf8'), /^not a database/);
});

test('garbage in the middle of a database is found when it is opened', (t) => {
  const { path } = filledStore(t);
  const { size } = statSync(path);
  const file = openSync(path, 'r+');
  writeSync(file, Buffer.alloc(16_384, 0xa5), 0, 16_384, Math.floor(size / 2 / 4_096) * 4_096);
  closeSync(file);
  assert.throws(() => openDatabase(path), { code: 'store-corrupt', message: /is damaged/ });
});

test('a database that was cut short is found when it is opened', (t) => {
  const { path } = filledStore(t);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, Math.floor(bytes.length / 2 / 4_096) * 4_096));
  assert.throws(() => openDatabase(path), { code: 'store-corrupt' });
});

/** What the tables themselves refuse. */
for (const [name, text] of [
  [
    'a text where a number belongs',
    "INSERT INTO environments VALUES ('x', 'prod', 'x', NULL, NULL, '{}', NULL, '[]', 'no', 0, NULL)",
  ],
  [
    'a kind that is none',
    "INSERT INTO environments VALUES ('x', 'test', 'x', NULL, NULL, '{}', NULL, '[]', 1, 0, NULL)",
  ],
  [
    'two environments of one identity',
    "INSERT INTO environments VALUES ('x', 'prod', 'prod', NULL, NULL, '{}', NULL, '[]', 1, 0, NULL)",
  ],
  ['a deployment of no environment', "INSERT INTO deployments VALUES ('x', '/a', 'd', NULL, '[]', NULL, NULL)"],
  [
    'an instance of no deployment',
    "INSERT INTO instances (id, env, app, target, generation, state, attempts) VALUES ('i', 'prod', '/no', '{}', 1, 'running', 0)",
  ],
  ['a deployment that still has an instance', "DELETE FROM deployments WHERE app = '/a0'"],
  ['an instance in no state', "UPDATE instances SET state = 'lost'"],
  ['a release in no state', "INSERT INTO releases VALUES ('r', 'prod', 'lost', NULL, '{}', 1)"],
  ['a release of no environment', "INSERT INTO releases VALUES ('r', 'x', 'held', NULL, '{}', 1)"],
  ['a second row of the config', "INSERT INTO config (id, errors) VALUES (2, '[]')"],
] as const) {
  test(`the database refuses ${name}`, (t) => {
    const temp = filledStore(t, 1);
    temp.connect().close();
    const db = new Database(temp.path);
    t.after(() => db.close());
    db.pragma('foreign_keys = ON');
    db.exec(
      "INSERT INTO instances (id, env, app, target, generation, state, attempts) VALUES ('i0', 'prod', '/a0', '{}', 1, 'running', 0)",
    );
    assert.throws(() => db.exec(text), /SQLITE_CONSTRAINT|CHECK|FOREIGN KEY|UNIQUE|cannot store/);
  });
}

test('foreign keys hold on the connection that the daemon has', (t) => {
  const connection = tempStore(t).connect();
  const query = sql.insertInto('deployments').values({ env: 'no', app: '/a', data_name: 'd', kept: '[]' });
  assert.throws(() => connection.write([query]), { code: 'store-failed', message: /FOREIGN KEY/ });
});

test('rows can be read one by one while others are read and written', (t) => {
  const { connect } = filledStore(t, 50);
  const connection = connect();
  const query = sql.selectFrom('deployments').select('app');
  let read = 0;
  for (const _ of connection.each(query)) {
    assert.equal(connection.all(query).length, 50);
    read += 1;
  }
  for (const _ of connection.each(query)) break;
  connection.write([sql.deleteFrom('deployments')]);
  assert.equal(read, 50);
});

test('a reader beside the writer sees what was committed, and can change nothing', (t) => {
  const { path, open } = tempStore(t);
  const store = open();
  const reader = openDatabaseToRead(path);
  t.after(() => reader.close());
  store.transact(() => [...environments, ...rows(deployment())]);
  assert.equal(reader.all(sql.selectFrom('deployments').selectAll()).length, 1);
  assert.throws(() => reader.write([sql.deleteFrom('deployments')]), { code: 'store-read-only' });
});

test('what need not outlive a loss of power is there for others at once, and what comes after it is on the disk again', (t) => {
  const { path, connect } = tempStore(t);
  const connection = connect();
  const reader = openDatabaseToRead(path);
  t.after(() => reader.close());
  const syncs = () => connection.all<{ synchronous: number }>({ compile: () => SYNCHRONOUS })[0]?.synchronous;
  const during: (number | undefined)[] = [];
  const noted = sql.insertInto('meta').values({ key: 'a', value: 'b' });
  const looking = (query: { compile(): ReturnType<typeof noted.compile> }) => ({
    compile: () => {
      during.push(syncs());
      return query.compile();
    },
  });
  connection.write([looking(noted)], 'process');
  assert.equal(reader.all(sql.selectFrom('meta').where('key', '=', 'a').selectAll()).length, 1);
  assert.throws(() => connection.write([looking(noted)], 'process'), { code: 'store-failed' });
  connection.write([looking(sql.deleteFrom('meta').where('key', '=', 'a'))]);
  const [NORMAL, FULL] = [1, 2];
  assert.deepEqual([...during, syncs()], [NORMAL, NORMAL, FULL, FULL]);
});

test('reading a database that is not there makes none', (t) => {
  const { path } = tempStore(t);
  assert.throws(() => openDatabaseToRead(path), { code: 'store-read-only' });
  assert.throws(() => statSync(path), { code: 'ENOENT' });
});

/** Fills the store until it is full; says how many deployments were recorded by then. */
function fill(store: Store): number {
  for (let n = 0; ; n += 1) {
    const app = `/${'x'.repeat(3_000)}${n}`;
    try {
      store.transact(() => [...environments, ...rows(deployment({ app })), started]);
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'store-full');
      assert.equal(store.recorded.deployments.size, n);
      assert.equal(store.head.id, n);
      return n;
    }
  }
}

test('when no page is left the store is full: memory and database stay as they were, and reading goes on', (t) => {
  const { path, connect } = tempStore(t);
  connect().close();
  const db = new Database(path);
  t.after(() => db.close());
  prepareDatabase(db, path);
  db.pragma('max_page_count = 100');
  const clock = { now: () => 0, sleep: () => Promise.resolve() };
  const store = new Store({ connection: new Connection(db, path), clock, chain: chainEvent });
  const recorded = fill(store);
  assert.equal(loadRecorded(connect()).deployments.size, recorded);
  db.pragma('max_page_count = 1000');
  store.transact(() => rows(deployment({ app: '/after' })));
  assert.equal(loadRecorded(connect()).deployments.size, recorded + 1);
});

test('on a disk that is really full nothing is lost, and writing goes on when there is room again', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mainspring-disk-'));
  const isMounted = mountSmallDisk(folder);
  t.after(() => {
    if (isMounted) execFileSync('umount', ['--lazy', folder]);
    rmSync(folder, { recursive: true });
  });
  if (!isMounted) return t.diagnostic('no small disk could be mounted here: the test with max_page_count has to do');
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(400_000));
  const temp = storeIn(t, folder);
  const store = temp.open();
  const recorded = fill(store);
  rmSync(join(folder, 'ballast'));
  store.transact(() => rows(deployment({ app: '/after' })));
  store.close();
  assert.equal(temp.open().recorded.deployments.size, recorded + 1);
});

function mountSmallDisk(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

for (const [name, spoil] of [
  ['a folder that can not be written, without a database', (folder: string) => chmodSync(folder, 0o555)],
  [
    'a database of another user',
    (folder: string) => {
      storeFileIn(folder);
      chmodSync(join(folder, 'mainspring.db'), 0o444);
      chmodSync(folder, 0o555);
    },
  ],
] as const) {
  test(`${name} is said to be read-only`, async (t) => {
    const { folder } = tempStore(t);
    spoil(folder);
    const { ok, code } = await storeProcess(t, 'open', folder, { asNobody: true });
    assert.deepEqual([ok, code], [false, 'store-read-only']);
  });
}

function storeFileIn(folder: string): void {
  openDatabase(join(folder, 'mainspring.db')).close();
}

test('a folder that is not there is an error of the store', (t) => {
  const { folder } = tempStore(t);
  assert.throws(() => openDatabase(join(folder, 'no', 'mainspring.db')), { code: 'store-failed', message: /ENOENT/ });
});
