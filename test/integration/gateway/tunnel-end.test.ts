import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { InstanceId } from '../../../src/model/ids.ts';
import { dial, scriptedApp } from './talk.ts';
import { eventually, startTestGateway, type TestGateway } from './testbed.ts';

const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const SWITCHED = 'HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const CLOSE = Buffer.from([0x88, 2, 0x03, 0xe9]).toString('latin1');
const INSTANCE = 'i-ws' as InstanceId;

test('WebSockets to an instance whose time is over are closed with 1001 on both sides, those to others go on', async (t) => {
  const bed = await startTestGateway(t);
  const [one, other] = [await chatApp(t, bed, 'a', INSTANCE), await chatApp(t, bed, 'b', 'i-other')];
  const clients = [await join(t, bed, 'a'), await join(t, bed, 'b')] as const;
  const closed = once(clients[0], 'close');
  bed.gateway.endTunnels(INSTANCE);
  assert.equal((await closed)[0], 1001);
  await eventually(() => one.closes.length === 1, 'the app hears of it');
  assert.deepEqual(one.closes, [1001]);
  clients[1].send('still there');
  assert.equal(String((await once(clients[1], 'message'))[0]), 'still there');
  assert.deepEqual(other.closes, []);
  await eventually(() => bed.gateway.inFlight() === 1, 'it is in flight no more');
});

test('a gateway that stops closes WebSockets with 1001 before its drain time is over', async (t) => {
  const bed = await startTestGateway(t, { drainMs: 15_000 });
  const app = await chatApp(t, bed, 'a', INSTANCE);
  const client = await join(t, bed, 'a');
  const closed = once(client, 'close');
  const begun = performance.now();
  await bed.gateway.stop();
  assert.equal((await closed)[0], 1001);
  await eventually(() => app.closes.length === 1, 'the app hears of it');
  assert.deepEqual(app.closes, [1001]);
  assert.ok(performance.now() - begun < 15_000, 'who has closed needs no more waiting');
});

test('a message that is under way comes to its end first, and nothing of the next one follows', async (t) => {
  const { bed, app, client } = await rawTunnel(t);
  app.socket().write(Buffer.from([0x01, 2]));
  app.socket().write('ab');
  await client.until(/ab$/);
  bed.gateway.endTunnels(INSTANCE);
  app
    .socket()
    .write(Buffer.concat([Buffer.from([0x80, 2]), Buffer.from('cd'), Buffer.from([0x81, 2]), Buffer.from('no')]));
  await client.until(new RegExp(`ab\\x80\\x02cd${CLOSE}$`));
});

test('a message that does not end is interrupted between its fragments', async (t) => {
  const { bed, app, client } = await rawTunnel(t);
  app.socket().write(Buffer.concat([Buffer.from([0x01, 2]), Buffer.from('ab')]));
  await client.until(/ab$/);
  bed.gateway.endTunnels(INSTANCE);
  await client.until(new RegExp(`ab${CLOSE}$`));
});

test('inside a frame that does not end nothing can be said: the connection is cut', async (t) => {
  const { bed, app, client } = await rawTunnel(t);
  app.socket().write(Buffer.concat([Buffer.from([0x81, 9]), Buffer.from('half')]));
  await client.until(/half$/);
  bed.gateway.endTunnels(INSTANCE);
  await eventually(() => client.end() !== undefined, 'the end');
  assert.match(client.text(), /half$/);
});

test('the app gets a masked close frame', async (t) => {
  const { bed, app } = await rawTunnel(t);
  const before = app.text().length;
  bed.gateway.endTunnels(INSTANCE);
  await eventually(() => app.text().length === before + 8, 'a close frame');
  const frame = Buffer.from(app.text().slice(before), 'latin1');
  assert.deepEqual([frame[0], frame[1]], [0x88, 0x82]);
  assert.deepEqual([(frame[6] ?? 0) ^ (frame[2] ?? 0), (frame[7] ?? 0) ^ (frame[3] ?? 0)], [0x03, 0xe9]);
});

test('a side that has closed by itself gets nothing more', async (t) => {
  const { bed, app, client } = await rawTunnel(t);
  app.socket().write(Buffer.from([0x88, 0]));
  await client.until(/\x88.$/s);
  bed.gateway.endTunnels(INSTANCE);
  await eventually(() => client.end() !== undefined, 'the end');
  assert.match(client.text(), /\x88.$/s);
});

test('any other protocol is cut', async (t) => {
  const { bed, client } = await rawTunnel(t, 'other');
  const length = client.text().length;
  bed.gateway.endTunnels(INSTANCE);
  await eventually(() => client.end() !== undefined, 'the end');
  assert.equal(client.text().length, length);
});

/** An app that says back what it hears, and notes with which codes its clients went. */
async function chatApp(t: TestContext, bed: TestGateway, host: string, instance: string) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  const closes: number[] = [];
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', (code) => closes.push(code));
  });
  const { port } = server.address() as { port: number };
  await bed.route(`${host}/`, { kind: 'http', url: `http://127.0.0.1:${port}`, external: false }, { instance });
  return { closes };
}

async function join(t: TestContext, bed: TestGateway, host: string): Promise<WebSocket> {
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/`, { headers: { host } });
  t.after(() => client.terminate());
  await once(client, 'open');
  return client;
}

async function rawTunnel(t: TestContext, protocol = 'websocket') {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed, { instance: INSTANCE });
  const client = dial(t, bed, UPGRADE.replace('websocket', protocol));
  await app.until(/\r\n\r\n$/);
  app.socket().write(SWITCHED.replace('websocket', protocol));
  await client.until(/\r\n\r\n$/);
  return { bed, app, client };
}
