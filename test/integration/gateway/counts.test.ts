import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { COUNT_AT, type CountName, STATUS_CLASSES, UPSTREAM_FAULTS } from '../../../src/model/gateway-counts.ts';
import { eventually, httpUpstream, startTestGateway, type TestGateway, tcpUpstream } from './testbed.ts';

test('requests are counted by app and class of status, with their times and bytes', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(
    'a/app',
    await httpUpstream(t, (request, response) => {
      response.writeHead(request.url === '/bad' ? 500 : 200).end('x'.repeat(1_000));
    }),
  );
  for (const path of ['a/app/', 'a/app/', 'a/app/bad', 'nowhere/']) await (await bed.fetch(path)).text();
  await settled(bed, 'a/app', 3);
  const app = await countsOf(bed, 'a/app');
  assert.deepEqual([app('requests', 1), app('requests', 4)], [2, 1]);
  for (const name of ['duration', 'firstByte'] as const) assert.equal(sumOf(app, name), 3);
  assert.ok(app('durationSeconds') >= app('firstByteSeconds') && app('firstByteSeconds') > 0);
  assert.ok(app('bytesOut') > 3_000 && app('bytesIn') > 100);
  assert.equal(app('inFlight'), 0);
  assert.equal((await countsOf(bed, '-'))('requests', 3), 1);
});

test('what goes wrong at an app, what waits, and what is refused is counted', async (t) => {
  const bed = await startTestGateway(t, { hold: { perRoute: 1, total: 1, waitMs: 20 } });
  await bed.route('a/', await tcpUpstream(t, (socket) => socket.destroy()));
  await bed.route('a/held', { kind: 'held' });
  await bed.fetch('a/');
  await bed.fetch('a/held/');
  await settled(bed, 'a/held', 1);
  assert.equal((await countsOf(bed, 'a/'))('faults', UPSTREAM_FAULTS.indexOf('closed')), 1);
  const held = await countsOf(bed, 'a/held');
  assert.deepEqual([held('held'), held('refused'), held('requests', 4)], [1, 1, 1]);
});

test('a client that leaves before an answer is counted, and a WebSocket when it is over', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, () => {}));
  const client = connect(bed.port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(async () => (await countsOf(bed, 'a/'))('inFlight') === 1, 'in flight');
  client.destroy();
  await settled(bed, 'a/', 1);
  assert.equal((await countsOf(bed, 'a/'))('requests', STATUS_CLASSES.indexOf('none')), 1);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await new Promise((resolve) => server.on('listening', resolve));
  const { port } = server.address() as { port: number };
  await bed.route('b/', { kind: 'http', url: `http://127.0.0.1:${port}`, external: false });
  const socket = new WebSocket(`ws://127.0.0.1:${bed.port}/`, { headers: { host: 'b' } });
  await new Promise((resolve) => socket.on('open', resolve));
  assert.equal((await countsOf(bed, 'b/'))('inFlight'), 1);
  socket.close();
  await settled(bed, 'b/', 1);
  const counts = await countsOf(bed, 'b/');
  assert.deepEqual([counts('requests', 0), sumOf(counts, 'duration'), sumOf(counts, 'firstByte')], [1, 0, 0]);
});

test('a gateway says once more what it counted when it ends', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, (_request, response) => response.end()));
  await bed.fetch('a/');
  await bed.gateway.stop();
  await eventually(async () => (await countsOf(bed, 'a/'))('requests', 1) === 1, 'the last word');
});

test('a gateway that hangs holds up the sums for no longer than the limit', async (t) => {
  const bed = await startTestGateway(t);
  const mute = connect(`${bed.dir}/run/control.sock`);
  t.after(() => mute.destroy());
  mute.write(`${JSON.stringify({ type: 'hello', id: 'mute', pid: process.pid, generation: 0 })}\n`);
  await eventually(() => bed.control.connected().length === 2, 'two gateways');
  const startedAt = performance.now();
  const { processes } = await bed.control.totals(() => true, 100);
  assert.ok(performance.now() - startedAt >= 95);
  assert.equal(processes.length, 1);
});

test('connections are counted', async (t) => {
  const bed = await startTestGateway(t);
  const client = connect(bed.port, '127.0.0.1');
  const open = async () => (await bed.control.totals(() => true)).processes[0];
  await eventually(async () => (await open())?.connectionsOpen === 1, 'open');
  client.destroy();
  await eventually(async () => (await open())?.connectionsOpen === 0, 'closed');
  assert.equal((await open())?.connectionsAccepted, 1);
});

type Counts = (name: CountName, at?: number) => number;

async function countsOf({ control }: TestGateway, app: string): Promise<Counts> {
  const { apps } = await control.totals(() => true);
  const counts = apps.find((each) => each.app === app)?.counts ?? [];
  return (name, at = 0) => counts[COUNT_AT[name] + at] ?? 0;
}

function sumOf(counts: Counts, name: 'duration' | 'firstByte'): number {
  return Array.from({ length: 13 }, (_, at) => counts(name, at)).reduce((sum, count) => sum + count, 0);
}

/** A request is counted when its response has closed, a moment after the client has it. */
function settled(bed: TestGateway, app: string, requests: number): Promise<void> {
  return eventually(async () => {
    const counts = await countsOf(bed, app);
    return STATUS_CLASSES.reduce((sum, _, at) => sum + counts('requests', at), 0) === requests;
  }, `${requests} requests to ${app}`);
}
