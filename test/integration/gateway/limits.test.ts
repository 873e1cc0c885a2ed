import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { InstanceId } from '../../../src/model/ids.ts';
import { LIMITS } from '../../support/gateway-config.ts';
import { echo, eventually, httpUpstream, startTestGateway, tcpUpstream } from './testbed.ts';

const ASKED = { accept: 'application/json' };

test('a body that says it is longer than the app takes gets 413 before the app hears of it', async (t) => {
  const bed = await startTestGateway(t);
  let heard = 0;
  const upstream = await tcpUpstream(t, () => {
    heard += 1;
  });
  await bed.route('a/', upstream, { limits: { bodyBytes: 10 } });
  const answer = await bed.fetch('a/', { method: 'POST', body: 'x'.repeat(11), headers: ASKED });
  assert.deepEqual([answer.status, answer.headers.get('connection'), heard], [413, 'close', 0]);
  await bed.route('a/', await httpUpstream(t, echo), { limits: { bodyBytes: 10 } });
  const fine = await bed.fetch('a/', { method: 'POST', body: 'x'.repeat(10) });
  assert.equal(((await fine.json()) as { body: string }).body, 'x'.repeat(10));
});

test('who asks first whether the body is welcome hears 413 instead of 100', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo), { limits: { bodyBytes: 10 } });
  const text = await bed.raw('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n');
  assert.match(text, /^HTTP\/1\.1 413 /);
});

test('a chunked body that turns out too long is cut at the app, answered by 413, and the connection closes', async (t) => {
  const bed = await startTestGateway(t);
  let seen = '';
  let isCut = false;
  const upstream = await tcpUpstream(t, (socket) => {
    socket.on('data', (bytes) => {
      seen += bytes.toString('latin1');
    });
    socket.on('close', () => {
      isCut = true;
    });
  });
  await bed.route('a/', upstream, { limits: { bodyBytes: 10 } });
  const socket = connect(bed.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  const ended = once(socket, 'end');
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n');
  await eventually(() => seen.includes('01234567'), 'the app has the first chunk');
  socket.write('8\r\nSECRETxx\r\n');
  await eventually(() => isCut, 'the app is cut');
  await ended;
  assert.match(text, /^HTTP\/1\.1 413 .*\r\nConnection: close\r\n/s);
  assert.doesNotMatch(seen, /SECRET|\r\n0\r\n/);
});

test('a large body that is refused is read for a while, so that the answer arrives', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo), { limits: { bodyBytes: 1_024 } });
  const body = Buffer.alloc(4 * 1024 ** 2, 'x');
  for (let round = 0; round < 5; round += 1) {
    const answer = await bed.fetch('a/', { method: 'POST', body, headers: ASKED });
    assert.equal(answer.status, 413);
  }
});

/** An app that answers when it is told to. */
function patientApp() {
  const open: ServerResponse[] = [];
  return { open, listener: (_request: unknown, response: ServerResponse) => void open.push(response) };
}

test('an app gets as many requests at once as it may have; others wait in order', async (t) => {
  const bed = await startTestGateway(t);
  const { open, listener } = patientApp();
  await bed.route('a/', await httpUpstream(t, listener), { limits: { requests: 2 } });
  const answers = [1, 2, 3].map((n) => bed.fetch(`a/${n}`));
  await eventually(() => open.length === 2 && bed.gateway.queued() === 1, 'two are there and one waits');
  assert.equal(bed.gateway.inFlight(), 2);
  open[0]?.end('done');
  await eventually(() => open.length === 3, 'the third is there');
  for (const response of open.slice(1)) response.end('done');
  assert.deepEqual(await Promise.all(answers.map(async (answer) => (await answer).status)), [200, 200, 200]);
});

test('too many that wait, or one that waits too long, get 503 with Retry-After', async (t) => {
  const bed = await startTestGateway(t, { queueMs: 100 });
  const { open, listener } = patientApp();
  await bed.route('a/', await httpUpstream(t, listener), { limits: { requests: 1, queue: 1 } });
  const first = bed.fetch('a/');
  await eventually(() => open.length === 1, 'the first is there');
  const second = bed.fetch('a/', { headers: ASKED });
  await eventually(() => bed.gateway.queued() === 1, 'the second waits');
  for (const answer of [await bed.fetch('a/', { headers: ASKED }), await second])
    assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '2']);
  open[0]?.end('done');
  assert.equal(await (await first).text(), 'done');
});

test('a client that leaves while it waits is forgotten, and the app never hears of it', async (t) => {
  const bed = await startTestGateway(t);
  const { open, listener } = patientApp();
  await bed.route('a/', await httpUpstream(t, listener), { limits: { requests: 1 } });
  const first = bed.fetch('a/');
  await eventually(() => open.length === 1, 'the first is there');
  const leaving = new AbortController();
  const second = bed.fetch('a/', { signal: leaving.signal });
  await eventually(() => bed.gateway.queued() === 1, 'the second waits');
  leaving.abort();
  await assert.rejects(second);
  await eventually(() => bed.gateway.queued() === 0, 'it is forgotten');
  open[0]?.end('done');
  await (await first).text();
  await bed.control.idle('i-1' as InstanceId, AbortSignal.timeout(5_000));
  assert.equal(open.length, 1);
});

test('who waited during a switch reaches the new version, and counts on the old one no longer', async (t) => {
  const bed = await startTestGateway(t);
  const { open, listener } = patientApp();
  await bed.route('a/', await httpUpstream(t, listener), { instance: 'old', limits: { requests: 1 } });
  const first = bed.fetch('a/');
  await eventually(() => open.length === 1, 'the first is there');
  const second = bed.fetch('a/');
  await eventually(() => bed.gateway.queued() === 1, 'the second waits');
  const next = await httpUpstream(t, (_request, response) => response.end('new'));
  await bed.route('a/', next, { instance: 'new', limits: { requests: 1 } });
  open[0]?.end('old');
  assert.deepEqual([await (await first).text(), await (await second).text()], ['old', 'new']);
});

test('a WebSocket counts for as long as it lives, and one that waited is opened then', async (t) => {
  const bed = await startTestGateway(t);
  const server = new WebSocketServer({ noServer: true });
  const app = createServer();
  app.on('upgrade', (request, socket, head) =>
    server.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data))),
  );
  await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const client of server.clients) client.terminate();
    app.close();
  });
  const { port } = app.address() as { port: number };
  await bed.route(
    'localhost/',
    { kind: 'http', url: `http://127.0.0.1:${port}`, external: false },
    {
      limits: { requests: 1 },
    },
  );
  const open = () => new WebSocket(`ws://127.0.0.1:${bed.port}/`, { headers: { host: 'localhost' } });
  const first = open();
  await once(first, 'open');
  const second = open();
  await eventually(() => bed.gateway.queued() === 1, 'the second waits');
  first.close();
  await once(second, 'open');
  second.send('hello');
  assert.equal(String((await once(second, 'message'))[0]), 'hello');
  second.terminate();
});

test('a body that stands still gets 408, and the app is cut if it has heard of it', async (t) => {
  const bed = await startTestGateway(t, { limits: { ...LIMITS, bodyTimeoutMs: 150 } });
  let heard = '';
  let isCut = false;
  const upstream = await tcpUpstream(t, (socket) => {
    socket.on('data', (bytes) => {
      heard += bytes.toString('latin1');
    });
    socket.on('close', () => {
      isCut = true;
    });
  });
  await bed.route('a/', upstream);
  const head = 'POST / HTTP/1.1\r\nHost: a\r\n';
  assert.match(await bed.raw(`${head}Content-Length: 10\r\n\r\nshort`), /^HTTP\/1\.1 408 .*\r\nConnection: close\r\n/s);
  assert.equal(heard, '');
  assert.match(await bed.raw(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n`), /^HTTP\/1\.1 408 /);
  await eventually(() => isCut, 'the app is cut');
  assert.ok(heard.includes('short'));
});

test('a body that keeps coming, however slowly, may take as long as it takes', async (t) => {
  const bed = await startTestGateway(t, { limits: { ...LIMITS, bodyTimeoutMs: 150 } });
  await bed.route('a/', await httpUpstream(t, echo));
  const socket = connect(bed.port, '127.0.0.1');
  t.after(() => socket.destroy());
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\n');
  for (let sent = 0; sent < 12; sent += 1) {
    // Twelve steps of a third of what a body may stand still.
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.write('x');
  }
  await eventually(() => text.includes('"body":"xxxxxxxxxxxx"'), 'the answer');
});

test('an app that reads slowly is no fault of the client', async (t) => {
  const bed = await startTestGateway(t, { limits: { ...LIMITS, bodyTimeoutMs: 150 } });
  let begun = 0;
  const upstream = await httpUpstream(t, (request, response) => {
    begun = performance.now();
    setTimeout(() => void echo(request, response), 600);
  });
  await bed.route('a/', upstream);
  const answer = await bed.fetch('a/', { method: 'POST', body: Buffer.alloc(16 * 1024 ** 2, 'x') });
  assert.equal(((await answer.json()) as { body: string }).body.length, 16 * 1024 ** 2);
  assert.ok(performance.now() - begun > 450);
});

test('a client that sends slowly takes nothing of the app: no place, no connection', async (t) => {
  const bed = await startTestGateway(t, { upstream: { connections: 1 } });
  await bed.route('a/', await httpUpstream(t, echo), { limits: { requests: 1, queue: 0 } });
  const slow = connect(bed.port, '127.0.0.1');
  t.after(() => slow.destroy());
  let text = '';
  slow.on('data', (bytes) => {
    text += bytes.toString('latin1');
  });
  slow.write('POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\nx');
  for (let n = 0; n < 5; n += 1) assert.equal((await bed.fetch(`a/${n}`, { method: 'POST', body: 'y' })).status, 200);
  assert.equal(bed.gateway.inFlight(), 0);
  slow.write('x'.repeat(39_999));
  await eventually(() => text.includes('"url":"/slow"'), 'the answer');
  assert.equal(/x{39000,}/.exec(text)?.[0].length, 40_000);
});
