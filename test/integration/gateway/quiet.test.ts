import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import type { InstanceId } from '../../../src/model/ids.ts';
import { echo, eventually, GOING, httpUpstream, startTestGateway, type TestGateway } from './testbed.ts';

const UP = 'up' as InstanceId;

/** An app that sends back what it is sent over a WebSocket, a client of it, and the app's end. */
async function talking(t: TestContext) {
  const bed = await startTestGateway(t);
  const server = new WebSocketServer({ noServer: true });
  const app = await httpUpstream(t, echo, (request, socket, head) =>
    server.handleUpgrade(request, socket, head, (ws) => {
      server.emit('connection', ws, request);
      ws.on('message', (data) => ws.send(data));
    }),
  );
  await bed.route('a/', app, { instance: UP });
  const opened = once(server, 'connection') as Promise<[WebSocket]>;
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/`, { headers: { host: 'a' } });
  t.after(() => client.terminate());
  await once(client, 'open');
  const [appEnd] = await opened;
  return { bed, client, appEnd, app };
}

/** When the app was last used, at the earliest and at the latest, by the clock that the gateway has in common with its test. */
async function usedAt(bed: TestGateway) {
  const before = performance.now();
  const { idleMs } = await bed.control.use(UP, GOING);
  return { earliest: before - idleMs, latest: performance.now() - idleMs };
}

async function answered(client: WebSocket, text: string): Promise<void> {
  const message = once(client, 'message');
  client.send(text);
  await message;
}

test('an open WebSocket is use when something is said on it, by either side; pings are nothing', async (t) => {
  const { bed, client, appEnd } = await talking(t);
  const opened = performance.now();
  assert.ok((await usedAt(bed)).earliest <= opened, 'that it is open is no use');
  const pong = once(client, 'pong');
  client.ping();
  await pong;
  const appPong = once(appEnd, 'pong');
  appEnd.ping();
  await appPong;
  assert.ok((await usedAt(bed)).earliest <= opened, 'pings are no use');
  const beforeMessage = performance.now();
  await answered(client, 'hello');
  assert.ok((await usedAt(bed)).latest >= beforeMessage, 'a message is');
  const beforeNews = performance.now();
  const news = once(client, 'message');
  appEnd.send('news');
  await news;
  assert.ok((await usedAt(bed)).latest >= beforeNews, 'what the app says is as well');
});

test('what is to sleep need not wait for the end of streams; what is to be stopped for good does', async (t) => {
  const { bed, client } = await talking(t);
  await bed.control.idle(UP, AbortSignal.timeout(5_000), { besidesStreams: true });
  let isIdle = false;
  const idle = bed.control.idle(UP, AbortSignal.timeout(5_000)).then(() => (isIdle = true));
  await bed.control.use(UP, GOING);
  assert.equal(isIdle, false);
  client.close();
  await idle;
});

test('a message on a WebSocket wakes what is asleep, and reaches it; what the app says does not', async (t) => {
  const { bed, client, appEnd, app } = await talking(t);
  await bed.route('a/', { kind: 'asleep' }, { instance: UP });
  // Only what comes after a while can be for something that is asleep.
  await delay(600);
  const news = once(client, 'message');
  appEnd.send('news');
  await news;
  await delay(600);
  assert.deepEqual(bed.wakes, []);
  await answered(client, 'hello');
  await eventually(() => bed.wakes.length === 1, 'it is woken');
  assert.deepEqual(bed.wakes, ['prod a/']);
  await bed.route('a/', app, { instance: UP });
  await delay(600);
  await answered(client, 'again');
  assert.equal(bed.wakes.length, 1, 'what is awake need not be woken');
});

test('a message to what is there in place of the instance that a WebSocket leads to wakes nothing', async (t) => {
  const { bed, client } = await talking(t);
  await bed.route('a/', { kind: 'asleep' }, { instance: 'another' });
  await delay(600);
  await answered(client, 'hello');
  await bed.control.use(UP, GOING);
  assert.deepEqual(bed.wakes, []);
});

test('a stream of events is use when something comes on it', async (t) => {
  const bed = await startTestGateway(t);
  const { promise, resolve } = Promise.withResolvers<ServerResponse>();
  const app = await httpUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    resolve(response);
  });
  await bed.route('a/', app, { instance: UP });
  const leave = new AbortController();
  const answer = await bed.fetch('a/', { signal: leave.signal });
  const reader = answer.body?.getReader();
  const events = await promise;
  const { inFlight, streams } = await bed.control.use(UP, GOING);
  assert.deepEqual([inFlight, streams], [0, 1]);
  const before = performance.now();
  assert.ok((await usedAt(bed)).earliest <= before);
  const read = reader?.read();
  events.write('data: 1\n\n');
  await read;
  assert.ok((await usedAt(bed)).latest >= before);
  leave.abort();
  await bed.control.idle(UP, AbortSignal.timeout(5_000));
});
