import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { LIMITS } from '../../support/gateway-config.ts';
import { echo, eventually, httpUpstream, startTestGateway } from './testbed.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
const V1 = 'PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n';
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000fc0000201c6336402c35001bb040000', 'hex').toString('latin1');
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex').toString('latin1');
const PROXIED = { proxyProtocol: 'any', trustedProxies: ['127.0.0.1'] } as const;

/** A gateway behind proxies, with an app that tells what it is told. */
async function behindProxies(t: TestContext, overrides = {}) {
  const bed = await startTestGateway(t, { ...PROXIED, ...overrides });
  await bed.route('a/', await httpUpstream(t, echo));
  return bed;
}

/** What the app was told of the client. */
function toldClient(text: string): string | undefined {
  const { rawHeaders } = JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)) as {
    rawHeaders: string[];
  };
  return rawHeaders[rawHeaders.indexOf('X-Real-IP') + 1];
}

for (const [name, header, client] of [
  ['v1', V1, '192.0.2.1'],
  ['v2 with TLVs', V2, '192.0.2.1'],
  ['a proxy that speaks for itself', LOCAL, '127.0.0.1'],
  ['a proxy that cannot tell', 'PROXY UNKNOWN\r\n', '127.0.0.1'],
] as const) {
  test(`PROXY header, ${name}: the app is told ${client}`, async (t) => {
    const bed = await behindProxies(t);
    assert.equal(toldClient(await bed.raw(header + REQUEST)), client);
  });
}

test('PROXY header: however it is cut into pieces, the requests behind it are served', async (t) => {
  const bed = await behindProxies(t);
  const bytes = `${V2}GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
  for (let cut = 1; cut < V2.length + 20; cut += 1) {
    const socket = connect({ port: bed.port, host: '127.0.0.1', noDelay: true });
    t.after(() => socket.destroy());
    const all = textOf(socket);
    await once(socket, 'connect');
    socket.write(bytes.slice(0, cut), 'latin1');
    await new Promise(setImmediate);
    socket.write(bytes.slice(cut), 'latin1');
    const text = await all;
    assert.deepEqual(
      [...text.matchAll(/"url":"(\/\d)"/g)].map(([, url]) => url),
      ['/1', '/2'],
      `cut at ${cut}`,
    );
  }
});

for (const [name, bytes] of [
  ['none', REQUEST],
  ['a malformed one', `PROXY TCP4 1.1.1.1\r\n${REQUEST}`],
  ['one that never ends', `PROXY UNKNOWN ${'x'.repeat(3_000)}`],
] as const) {
  test(`PROXY header: a connection with ${name} is closed without a word`, async (t) => {
    const bed = await behindProxies(t);
    assert.equal(await bed.raw(bytes), '');
  });
}

test('PROXY header: a connection that does not finish it in time is closed', async (t) => {
  const bed = await behindProxies(t, { limits: { ...LIMITS, headerTimeoutMs: 100 } });
  assert.equal(await bed.raw('PROXY TCP4 1.1'), '');
});

test('PROXY header: who is no trusted proxy is not let in, with or without one', async (t) => {
  const bed = await behindProxies(t, { trustedProxies: ['192.0.2.7'] });
  assert.deepEqual([await bed.raw(V1 + REQUEST), await bed.raw(REQUEST)], ['', '']);
});

test('PROXY header: where it is off, one is a malformed request', async (t) => {
  const bed = await behindProxies(t, { proxyProtocol: 'off' });
  assert.match(await bed.raw(V1 + REQUEST), /^HTTP\/1\.1 400 /);
});

test('PROXY header: the client that it names counts as the peer, whose own X-Forwarded-For is not believed', async (t) => {
  const bed = await behindProxies(t);
  const request = 'GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n';
  assert.equal(toldClient(await bed.raw(V1 + request)), '192.0.2.1');
});

test('PROXY header: a WebSocket goes through', async (t) => {
  const bed = await startTestGateway(t, PROXIED);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  server.on('connection', (ws) => ws.on('message', (data) => ws.send(data)));
  const { port } = server.address() as { port: number };
  await bed.route('localhost/', { kind: 'http', url: `http://127.0.0.1:${port}`, external: false });
  const client = new WebSocket('ws://localhost/', {
    createConnection: () => {
      const socket = connect(bed.port, '127.0.0.1');
      socket.write(V2, 'latin1');
      return socket;
    },
  });
  await once(client, 'open');
  client.send('hello');
  assert.equal(String((await once(client, 'message'))[0]), 'hello');
  client.terminate();
});

test('a gateway that stops waits for nobody who has not finished the PROXY header', async (t) => {
  const bed = await behindProxies(t, { drainMs: 20_000 });
  const socket = connect(bed.port, '127.0.0.1');
  t.after(() => socket.destroy());
  socket.write('PROXY');
  await once(socket, 'connect');
  const closed = new Promise((resolve) => socket.on('error', () => {}).on('close', resolve));
  socket.resume();
  const begun = performance.now();
  await bed.gateway.stop();
  await closed;
  assert.ok(performance.now() - begun < 5_000);
});

test('one peer gets so many connections and no more; another one, and this machine, are not held back', async (t) => {
  const bed = await behindProxies(t, { limits: { ...LIMITS, peerConnections: 2 } });
  const open = async (address: string) => {
    const socket = connect(bed.port, '127.0.0.1');
    t.after(() => socket.destroy());
    let answer = '';
    socket
      .on('error', () => {})
      .on('data', (bytes) => {
        answer += bytes.toString('latin1');
      });
    socket.write(
      `PROXY TCP${address.includes(':') ? 6 : 4} ${address} ${address} 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`,
    );
    await eventually(() => answer.includes('}') || socket.destroyed, 'an answer or the end');
    return { socket, isServed: answer !== '' };
  };
  const served = async (address: string) => (await open(address)).isServed;
  const first = await open('2001:db8::1');
  assert.deepEqual([first.isServed, await served('2001:db8::2'), await served('2001:db8::3')], [true, true, false]);
  assert.deepEqual([await served('2001:db8:0:1::1'), await served('192.0.2.1')], [true, true]);
  for (let n = 0; n < 4; n += 1) assert.equal(await served('127.0.0.1'), true);
  first.socket.destroy();
  let isFree = false;
  for (let tries = 0; tries < 100 && !isFree; tries += 1) isFree = await served('2001:db8::4');
  assert.ok(isFree, 'a place that was given up is free again');
});

test('more header lines than the limit get 431', async (t) => {
  const bed = await startTestGateway(t, { limits: { ...LIMITS, headerCount: 20 } });
  await bed.route('a/', await httpUpstream(t, echo));
  const lines = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: 1\r\n`).join('');
  const ask = (count: number) => bed.raw(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${lines(count)}\r\n`);
  assert.match(await ask(18), /^HTTP\/1\.1 200 /);
  assert.match(await ask(19), /^HTTP\/1\.1 431 /);
});

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += (bytes as Buffer).toString('latin1');
  return text;
}
