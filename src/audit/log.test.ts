import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { tempStore } from '../../test/support/temp-store.ts';
import type { AuditEvent } from '../model/audit.ts';
import type { AppId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import { audit } from '../store/changes.ts';
import { formatHead } from './chain.ts';
import { type AuditFilter, readAudit, verifyAudit } from './log.ts';
import { verifyChain } from './verify-chain.ts';

const cause = { kind: 'bootstrap' } as const;

/** A log of five events, of `/a` and `/b` in turn, that somebody then does this to. */
function logWith(t: TestContext, tampering = '') {
  const temp = tempStore(t);
  const store = temp.open();
  for (let n = 1; n <= 5; n += 1) {
    const app = (n % 2 === 1 ? '/a' : '/b') as AppId;
    store.transact(() => [
      audit({ kind: 'deployment.live', env: n === 5 ? null : PROD, app, cause, detail: { n: n * 100 } }),
    ]);
  }
  const { head } = store;
  store.close();
  const db = new Database(temp.path);
  db.exec(tampering);
  db.close();
  return { connection: temp.connect(), head: formatHead(head) };
}

test('an untouched log is an unbroken chain, and says its head', (t) => {
  const { connection, head } = logWith(t);
  assert.deepEqual(verifyAudit(connection, null), { ok: true, lines: 5, message: '5 events, an unbroken chain', head });
  assert.equal(verifyAudit(connection, head).ok, true);
});

test('an empty log is an unbroken chain', (t) => {
  const { connection } = logWith(t, 'DELETE FROM audit');
  assert.deepEqual([verifyAudit(connection, null).ok, verifyAudit(connection, null).lines], [true, 0]);
});

/** What somebody did to the log, and the words that name the first bad event. */
for (const [name, tampering, expected] of [
  ['one byte of a detail changed', `UPDATE audit SET detail = '{"n":900}' WHERE id = 3`, /^event 3 was changed/],
  ['a number written in another way', `UPDATE audit SET detail = '{"n":3e2}' WHERE id = 3`, /^event 3 was changed/],
  ['white space added', `UPDATE audit SET detail = '{"n": 300}' WHERE id = 3`, /^event 3 was changed/],
  ['a key that stands twice', `UPDATE audit SET detail = '{"n":1,"n":300}' WHERE id = 3`, /^event 3 was changed/],
  ['something that is no JSON', `UPDATE audit SET detail = '{' WHERE id = 3`, /^event 3 was changed/],
  ['an escape that nobody writes', `UPDATE audit SET detail = '{"n":"\\ud800"}' WHERE id = 3`, /^event 3 was changed/],
  [
    'one byte of a cause changed',
    `UPDATE audit SET cause = '{"kind":"bootstrao"}' WHERE id = 3`,
    /^event 3 was changed/,
  ],
  ['another time', `UPDATE audit SET at = '2026-01-01T00:00:00.001Z' WHERE id = 3`, /^event 3 was changed/],
  ['another kind', `UPDATE audit SET kind = 'deployment.held' WHERE id = 3`, /^event 3 was changed/],
  ['another app', `UPDATE audit SET app = '/c' WHERE id = 3`, /^event 3 was changed/],
  ['an environment taken away', `UPDATE audit SET env = NULL WHERE id = 3`, /^event 3 was changed/],
  ['a changed hash', `UPDATE audit SET hash = prev WHERE id = 3`, /^event 3 was changed/],
  ['a changed link', `UPDATE audit SET prev = hash WHERE id = 3`, /^event 3 does not follow event 2/],
  [
    'a row inserted',
    `UPDATE audit SET id = id + 100 WHERE id > 2; INSERT INTO audit SELECT 3, at, kind, env, app, cause, detail, prev, hash FROM audit WHERE id = 2; UPDATE audit SET id = id - 99 WHERE id > 100`,
    /^event 3 does not follow event 2/,
  ],
  [
    'two rows swapped',
    'UPDATE audit SET id = 99 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3; UPDATE audit SET id = 3 WHERE id = 99',
    /^event 2 does not follow event 1/,
  ],
  ['a row taken out', 'DELETE FROM audit WHERE id = 2', /^events 2 to 2 are missing/],
  ['the first row taken out', 'DELETE FROM audit WHERE id = 1', /^events 1 to 1 are missing/],
  [
    'a row before the first',
    'INSERT INTO audit SELECT 0, at, kind, env, app, cause, detail, prev, hash FROM audit WHERE id = 1',
    /^event 0 stands twice or out of order/,
  ],
] as const) {
  test(`${name}: found, and named`, (t) => {
    const { connection } = logWith(t, tampering);
    const { ok, message } = verifyAudit(connection, null);
    assert.equal(ok, false);
    assert.match(message, expected);
  });
}

test('a cut tail shows only against a head that was kept elsewhere', (t) => {
  const { connection, head } = logWith(t, 'DELETE FROM audit WHERE id > 3');
  assert.equal(verifyAudit(connection, null).ok, true);
  assert.match(verifyAudit(connection, head).message, /events 4 to 5 were cut off/);
});

test('a log that was written again from some event on is not the one that was known', (t) => {
  const { connection } = logWith(t);
  const { ok, message } = verifyAudit(connection, `3:${'1'.repeat(64)}`);
  assert.deepEqual(
    [ok, message],
    [false, 'event 3 is not the one that was known: the log was written again from there or before'],
  );
});

test('an older head is enough: the log may have gone on since', (t) => {
  const { connection } = logWith(t);
  const [third] = [...readAudit(connection, { after: 2 })];
  assert.equal(verifyAudit(connection, `3:${third?.hash}`).ok, true);
  assert.equal(verifyAudit(connection, `0:${'0'.repeat(64)}`).ok, true);
});

test('what is no head is said, also about a log that is whole', (t) => {
  const { connection } = logWith(t);
  assert.match(verifyAudit(connection, 'abc').message, /"abc" is not a head: expected ID:HASH/);
});

/** What of the five events fits. */
for (const [filter, expected] of [
  [{}, [1, 2, 3, 4, 5]],
  [{ app: '/b' }, [2, 4]],
  [{ env: 'prod' }, [1, 2, 3, 4]],
  [{ app: '/a', env: 'prod' }, [1, 3]],
  [{ after: 3 }, [4, 5]],
  [{ after: 0 }, [1, 2, 3, 4, 5]],
  [{ since: '2026-01-01T00:00:00.000Z' }, [1, 2, 3, 4, 5]],
  [{ since: '2026-01-01T00:00:00.001Z' }, []],
  [{ app: '/no' }, []],
  [{ app: null, env: null, since: null, after: null }, [1, 2, 3, 4, 5]],
] satisfies readonly (readonly [AuditFilter, number[]])[]) {
  test(`events with ${JSON.stringify(filter)}: ${JSON.stringify(expected)}`, (t) => {
    const { connection } = logWith(t);
    assert.deepEqual(
      [...readAudit(connection, filter)].map(({ id }) => id),
      expected,
    );
  });
}

test('a log that was exported line by line is checked without the store', async (t) => {
  const { connection, head } = logWith(t);
  const lines = [...readAudit(connection)].map((event) => JSON.parse(JSON.stringify(event)) as AuditEvent);
  assert.equal((await verifyChain(stream(lines), head)).ok, true);
  const changed = lines.map((event) => (event.id === 2 ? { ...event, detail: { n: 1 } } : event));
  assert.match((await verifyChain(stream(changed), null)).message, /^event 2 was changed/);
  assert.match((await verifyChain(stream(lines.slice(0, 3)), head)).message, /events 4 to 5 were cut off/);
});

async function* stream<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}
