import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { AuditEntry } from '../model/audit.ts';
import type { AppId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import { chainEvent, chainFault, formatHead, GENESIS, parseHead } from './chain.ts';

const entry: AuditEntry = {
  kind: 'deployment.live',
  env: PROD,
  app: '/a' as AppId,
  cause: { kind: 'bootstrap' },
  detail: { was: null, revision: 'é' },
};
const at = '2026-01-01T00:00:00.000Z';
const first = chainEvent(GENESIS, entry, at);
const second = chainEvent(first, entry, at);

test('the hash of an event is SHA-256 over the canonical JSON of all its other fields', () => {
  const text = `{"app":"/a","at":"${at}","cause":{"kind":"bootstrap"},"detail":{"revision":"é","was":null},"env":"prod","id":1,"kind":"deployment.live","prev":"${'0'.repeat(64)}"}`;
  assert.equal(first.hash, createHash('sha256').update(text).digest('hex'));
});

test('each event has the hash of the one before', () => {
  assert.deepEqual([first.prev, second.prev, second.id], [GENESIS.hash, first.hash, 2]);
  assert.deepEqual([chainFault(GENESIS, first), chainFault(first, second)], [null, null]);
});

for (const [name, event, expected] of [
  ['another kind', { ...second, kind: 'deployment.held' }, /event 2 was changed/],
  ['another time', { ...second, at: `${at}x` }, /event 2 was changed/],
  ['another app', { ...second, app: null }, /event 2 was changed/],
  ['another detail', { ...second, detail: {} }, /event 2 was changed/],
  ['a field more', { ...second, note: 'x' }, /event 2 was changed/],
  ['content that can not be written', { ...second, detail: { a: '\ud800' } }, /event 2 was changed/],
  ['another event before', { ...second, prev: GENESIS.hash }, /event 2 does not follow event 1/],
  ['a number too far', { ...second, id: 4 }, /events 2 to 3 are missing/],
  ['a number twice', first, /event 1 stands twice/],
] as const) {
  test(`${name} is a fault that names the event`, () => {
    assert.match(chainFault(first, event as never) ?? '', expected);
  });
}

test('a head is noted as ID:HASH, and read back', () => {
  const head = { id: 2, hash: second.hash };
  assert.deepEqual(parseHead(` ${formatHead(head)}\n`), head);
  for (const text of ['', '2', `2:${'g'.repeat(64)}`, `-1:${second.hash}`, `2:${second.hash}x`])
    assert.equal(parseHead(text), undefined, text);
});
