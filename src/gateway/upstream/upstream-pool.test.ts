import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { WriteBatch } from '../clients/write-batch.ts';
import type { UpstreamConnection } from './upstream-connection.ts';
import { type Taker, UpstreamPool } from './upstream-pool.ts';

const TIMEOUTS = { connectMs: 1_000, headMs: 1_000, idleMs: 1_000 };

function poolOf(limits: { connections: number; waiting: number }) {
  return new UpstreamPool({
    connect: () => new Socket(),
    timeouts: TIMEOUTS,
    limits: { waitMs: 10_000, ...limits },
    writes: new WriteBatch(),
  });
}

/** Notes what it is told. */
function taker(needs: Taker['needs'] = 'any') {
  const told: (UpstreamConnection | 'crowded')[] = [];
  return {
    told,
    needs,
    onConnection: (connection: UpstreamConnection) => void told.push(connection),
    onCrowded: () => void told.push('crowded'),
  };
}

test('beyond the connections takers wait, beyond those that may wait they are refused', () => {
  const pool = poolOf({ connections: 1, waiting: 1 });
  const [first, second, third] = [taker(), taker(), taker()];
  for (const one of [first, second, third]) pool.take(one);
  assert.deepEqual([first.told.length, second.told, third.told], [1, [], ['crowded']]);
});

test('who has waited for its time is refused, who came later waits on', () => {
  const pool = poolOf({ connections: 1, waiting: 9 });
  const waiting = [taker(), taker()] as const;
  pool.take(taker());
  pool.take(waiting[0]);
  const between = performance.now();
  while (performance.now() - between < 2);
  pool.take(waiting[1]);
  pool.sweep(between + 10_001);
  assert.deepEqual(
    waiting.map(({ told }) => told),
    [['crowded'], []],
  );
});

test('an idle connection is used again by who may, never by who needs a new one', () => {
  const pool = poolOf({ connections: 9, waiting: 9 });
  const [first, second, third] = [taker(), taker(), taker('new')];
  pool.take(first);
  const [connection] = first.told as [UpstreamConnection];
  connection.idleSince = performance.now();
  pool.onIdle(connection);
  pool.take(third);
  pool.take(second);
  assert.notEqual(third.told[0], connection);
  assert.equal(second.told[0], connection);
});

test('who needs a new connection gets the place of an idle one that ends for it', () => {
  const pool = poolOf({ connections: 1, waiting: 9 });
  const [first, second] = [taker(), taker('new')];
  pool.take(first);
  pool.take(second);
  const [connection] = first.told as [UpstreamConnection];
  pool.onIdle(connection);
  assert.equal(connection.socket.destroyed, true);
  assert.equal(second.told.length, 1);
  assert.equal(pool.size, 1);
});

for (const needs of ['fresh', 'new'] as const) {
  test(`an idle connection that is too old for a request that needs a ${needs} one gives its place up`, () => {
    const pool = poolOf({ connections: 1, waiting: 9 });
    const [first, second] = [taker(), taker(needs)];
    pool.take(first);
    const [connection] = first.told as [UpstreamConnection];
    connection.idleSince = performance.now() - 600;
    pool.onIdle(connection);
    pool.take(second);
    assert.equal(connection.socket.destroyed, true);
    assert.equal(second.told.length, 1);
    assert.notEqual(second.told[0], connection);
  });
}

test('a pool that is closed refuses who waits', () => {
  const pool = poolOf({ connections: 1, waiting: 9 });
  const waiting = taker();
  pool.take(taker());
  pool.take(waiting);
  pool.close();
  assert.deepEqual([waiting.told, pool.isEmpty], [['crowded'], true]);
});
