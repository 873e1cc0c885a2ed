import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { InstanceId } from '../../../src/model/ids.ts';
import type { RouteTarget } from '../../../src/model/routing.ts';
import { echo, eventually, httpUpstream, startTestGateway, type TestGateway, tcpUpstream } from './testbed.ts';

const HELD = { kind: 'held' } as const;
const LIMITS = { perRoute: 100, total: 1_000, waitMs: 30_000 };
const ASKED = { accept: 'application/json' };

test('a request for a held route is served by what comes next, an app or files', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/app', HELD);
  await bed.route('a/files', HELD);
  const answers = [bed.fetch('a/app/x?y', { method: 'POST', body: 'hello' }), bed.fetch('a/files/')];
  await held(bed, 2);
  await bed.route('a/app', await httpUpstream(t, echo));
  const seen = (await (await answers[0])?.json()) as { url: string; body: string };
  assert.deepEqual([seen.url, seen.body, bed.gateway.held()], ['/x?y', 'hello', 1]);
  await bed.route('a/files', tree(bed));
  assert.equal(await (await answers[1])?.text(), 'page');
});

test('the table may change by a poll alone', async (t) => {
  const bed = await startTestGateway(t, { pollMs: 30 });
  await bed.route('a/', HELD);
  const answer = bed.fetch('a/');
  await held(bed, 1);
  bed.routeSilently('a/', await httpUpstream(t, echo));
  assert.equal((await answer).status, 200);
});

test('what waits is not in flight: the old instance is idle as soon as what it was asked before is answered', async (t) => {
  const bed = await startTestGateway(t);
  let finish = () => {};
  const old = await httpUpstream(t, (_request, response) => {
    finish = () => response.end('old');
  });
  await bed.route('a/', old, { instance: 'old' });
  const before = bed.fetch('a/');
  await eventually(() => bed.gateway.inFlight() === 1, 'the first request is under way');
  await bed.route('a/', HELD, { instance: 'old' });
  const after = bed.fetch('a/');
  await held(bed, 1);
  assert.equal(bed.gateway.inFlight(), 1);
  finish();
  assert.equal(await (await before).text(), 'old');
  await bed.control.idle('old' as InstanceId, AbortSignal.timeout(5_000));
  await bed.route('a/', await httpUpstream(t, (_q, response) => response.end('new')), { instance: 'new' });
  assert.equal(await (await after).text(), 'new');
});

test('who waits too long gets 503, however often the route is held anew meanwhile', async (t) => {
  const bed = await startTestGateway(t, { hold: { ...LIMITS, waitMs: 400 } });
  await bed.route('a/', HELD);
  const began = performance.now();
  let answer: Response | undefined;
  const asked = bed.fetch('a/', { headers: ASKED }).then((came) => (answer = came));
  await held(bed, 1);
  while (answer === undefined && performance.now() - began < 5_000) {
    await bed.route('a/', HELD);
    await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 20))]);
  }
  const tookMs = performance.now() - began;
  await isRefused(await asked);
  assert.ok(tookMs > 350 && tookMs < 4_000, `took ${tookMs} ms`);
});

test('more than a route may hold, or all of them, is refused at once', async (t) => {
  const bed = await startTestGateway(t, { hold: { ...LIMITS, perRoute: 2, total: 3 } });
  for (const place of ['a/', 'b/']) await bed.route(place, HELD);
  const waiting = [bed.fetch('a/1'), bed.fetch('a/2')];
  await held(bed, 2);
  await isRefused(await bed.fetch('a/3', { headers: ASKED }));
  waiting.push(bed.fetch('b/1'));
  await held(bed, 3);
  await isRefused(await bed.fetch('b/2', { headers: ASKED }));
  const app = await httpUpstream(t, echo);
  for (const place of ['a/', 'b/']) await bed.route(place, app);
  for (const answer of await Promise.all(waiting)) assert.equal(answer.status, 200);
});

test('a route that goes away while it is held gives 404, or what lies above it', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/x', HELD);
  await bed.route('b/x', HELD);
  await bed.route('b/', await httpUpstream(t, echo));
  const [gone, above] = [bed.fetch('a/x'), bed.fetch('b/x')];
  await held(bed, 2);
  for (const place of ['a/x', 'b/x']) await bed.route(place, null);
  assert.deepEqual([(await gone).status, (await above).status], [404, 200]);
});

test('a client that leaves is forgotten at once, and the app never hears of it', async (t) => {
  const bed = await startTestGateway(t, { hold: { ...LIMITS, perRoute: 1 } });
  await bed.route('a/', HELD);
  for (const request of [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nfour',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nearly',
  ]) {
    const client = await send(t, bed, request);
    await held(bed, 1);
    client.destroy();
    await held(bed, 0);
  }
  const seen: string[] = [];
  const app = await tcpUpstream(t, (socket) => {
    socket.on('data', (data) => {
      seen.push(data.toString().split(' ')[1] ?? '');
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    });
  });
  await bed.route('a/', app);
  await bed.fetch('a/last');
  assert.deepEqual(seen, ['/last']);
});

test('a WebSocket waits as any request does', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/ws', HELD);
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/ws/chat`, { headers: { host: 'a' } });
  await held(bed, 1);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  server.on('connection', (socket, request) =>
    socket.on('message', (data) => socket.send(`${request.url} ${String(data)}`)),
  );
  await once(server, 'listening');
  await bed.route('a/ws', {
    kind: 'http',
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    external: false,
  });
  await once(client, 'open');
  client.send('hello');
  assert.equal(String((await once(client, 'message'))[0]), '/chat hello');
  client.close();
  await once(client, 'close');
  await eventually(() => bed.gateway.inFlight() === 0, 'both ends close');
});

test('what a client sends before its held upgrade is answered is not lost, nor what follows', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', HELD);
  const client = await send(t, bed, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\none ');
  await held(bed, 1);
  client.write('two ');
  client.write('x'.repeat(200_000));
  const text = textOf(client);
  await bed.route('a/', await mirror(t));
  await eventually(() => text().length > 200_000, 'what was sent early comes back');
  client.end(' three');
  await once(client, 'close');
  assert.match(text(), /^HTTP\/1.1 101 .*\r\n\r\none two x+ three$/s);
});

test('an upgrade that waits too long is refused as any request is', async (t) => {
  const bed = await startTestGateway(t, { hold: { ...LIMITS, waitMs: 50 } });
  await bed.route('a/', HELD);
  const answer = await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 503 .*retry-after: 1\r\n/is);
});

test('a client is told to send its body only when the app is there', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', HELD);
  const headers = { host: 'a', expect: '100-continue', 'content-length': 4 };
  const client = httpRequest({ port: bed.port, host: '127.0.0.1', method: 'PUT', headers });
  let isTold = false;
  client.on('continue', () => {
    isTold = true;
    client.end('body');
  });
  client.flushHeaders();
  await held(bed, 1);
  assert.equal(isTold, false);
  await bed.route('a/', await httpUpstream(t, echo));
  const [answer] = (await once(client, 'response')) as [IncomingMessage];
  assert.match(String((await answer.toArray()).join('')), /"body":"body"/);
});

test('requests that wait on one connection are answered in order', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', HELD);
  const client = await send(
    t,
    bed,
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  const text = textOf(client);
  await held(bed, 1);
  await bed.route('a/', await httpUpstream(t, echo));
  await once(client, 'close');
  assert.match(text(), /"url":"\/1".*"url":"\/2"/s);
});

test('a gateway that stops lets nobody wait, neither who does already nor who comes', async (t) => {
  const bed = await startTestGateway(t, { drainMs: 5_000 });
  await bed.route('a/', HELD);
  const [waiting, late] = [await send(t, bed, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'), await send(t, bed, '')];
  await held(bed, 1);
  const texts = [textOf(waiting), textOf(late)];
  const stopped = bed.gateway.stop();
  late.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await stopped;
  for (const text of texts) {
    await eventually(() => text() !== '', 'the answer has come');
    assert.match(text(), /^HTTP\/1.1 503 (?=.*connection: close).*retry-after: 1\r\n/is);
  }
});

test("an answer to who waited in vain in a preview sends search engines away, whatever the host's app says later", async (t) => {
  const bed = await startTestGateway(t, { hold: { ...LIMITS, total: 0 } });
  await bed.route('x.env.localhost/', HELD, { noindex: true });
  const answer = await bed.fetch('x.env.localhost/', { headers: { accept: 'text/html' } });
  assert.match(await answer.text(), /<h1>Unavailable<\/h1>/);
  assert.deepEqual([answer.status, answer.headers.get('x-robots-tag')], [503, 'noindex']);
});

async function held(bed: TestGateway, count: number): Promise<void> {
  await eventually(() => bed.gateway.held() === count, `${count} requests wait`);
}

async function isRefused(answer: Response): Promise<void> {
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
  assert.deepEqual(Object.keys((await answer.json()) as object), ['status', 'error', 'message', 'request']);
}

/** A client that has sent these bytes. */
async function send(t: TestContext, bed: TestGateway, bytes: string): Promise<Socket> {
  const client = connect(bed.port, '127.0.0.1').on('error', () => {});
  t.after(() => client.destroy());
  await once(client, 'connect');
  client.write(bytes);
  return client;
}

/** What a client has received so far. */
function textOf(client: Socket): () => string {
  let text = '';
  client.on('data', (data) => (text += data.toString('latin1')));
  return () => text;
}

/** An app that switches protocols and then says what it hears. */
function mirror(t: TestContext): Promise<RouteTarget> {
  return tcpUpstream(t, (socket) => {
    socket.once('data', (data) => {
      const [, rest = ''] = data.toString().split('\r\n\r\n');
      socket.write(`HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n${rest}`);
      socket.pipe(socket);
    });
  });
}

function tree(bed: TestGateway): RouteTarget {
  const root = join(bed.dir, 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), 'page');
  return { kind: 'static', root, index: 'index.html', fallback: null };
}
