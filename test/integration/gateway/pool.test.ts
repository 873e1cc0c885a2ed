import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { answerAll, dial, scriptedApp } from './talk.ts';
import { eventually, startTestGateway, tcpUpstream } from './testbed.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('one instance gets no more connections than the limit; the others wait for one, in order', async (t) => {
  const bed = await startTestGateway(t, { upstream: { connections: 2 } });
  const app = await scriptedApp(t, bed);
  const clients = [dial(t, bed, GET), dial(t, bed, GET)];
  await eventually(() => app.count() === 2, 'two connections');
  clients.push(dial(t, bed, GET));
  await eventually(() => bed.gateway.inFlight() === 3, 'the third one is there');
  app.socket(1).write(OK);
  await eventually(() => app.text().split('GET /').length === 4, 'the third one gets the connection that is free');
  assert.equal(app.count(), 2);
  app.socket(0).write(OK);
  app.socket(1).write(OK);
  for (const client of clients) await client.until(/ok$/);
});

test('a connection that breaks off makes room for who waits', async (t) => {
  const bed = await startTestGateway(t, { upstream: { connections: 1 } });
  const app = await scriptedApp(t, bed);
  const first = dial(t, bed, GET);
  await eventually(() => app.count() === 1, 'the first one arrives');
  const second = dial(t, bed, GET);
  await eventually(() => bed.gateway.inFlight() === 2, 'the second one waits');
  app.socket(0).destroy();
  await first.until(/^HTTP\/1\.1 502 /);
  await eventually(() => app.count() === 2, 'the second one gets a new connection');
  app.socket(1).write(OK);
  await second.until(/ok$/);
});

test('who leaves while it waits for a connection is forgotten', async (t) => {
  const bed = await startTestGateway(t, { upstream: { connections: 1 } });
  const app = await scriptedApp(t, bed);
  const first = dial(t, bed, GET);
  await eventually(() => app.count() === 1, 'the first one arrives');
  const second = dial(t, bed, GET);
  await eventually(() => bed.gateway.inFlight() === 2, 'the second one waits');
  second.socket.resetAndDestroy();
  await eventually(() => bed.gateway.inFlight() === 1, 'the second one is gone');
  app.socket(0).write(OK);
  await first.until(/ok$/);
  assert.equal(app.text().split('GET /').length, 2);
});

test('when the last route to an instance goes, its idle connections go at once and the others after their request', async (t) => {
  const bed = await startTestGateway(t, { upstream: { idleMs: 60_000 } });
  const ends: number[] = [];
  const sockets: Socket[] = [];
  const target = await tcpUpstream(t, (socket) => {
    const at = sockets.push(socket) - 1;
    socket.on('end', () => ends.push(at)).resume();
  });
  await bed.route('a/', target);
  await bed.route('b/', target);
  const clients = [dial(t, bed, GET), dial(t, bed, GET)];
  await eventually(() => sockets.length === 2, 'two connections');
  sockets[0]?.write(OK);
  await clients[0]?.until(/ok$/);
  await bed.route('a/', null);
  const heardOnce = sockets[0]?.bytesRead ?? 0;
  const other = dial(t, bed, GET.replace('Host: a', 'Host: b'));
  await eventually(
    () => (sockets[0]?.bytesRead ?? 0) > heardOnce,
    'the idle connection is used again, there is another route',
  );
  sockets[0]?.write(OK);
  await other.until(/ok$/);
  await bed.route('b/', await tcpUpstream(t, (socket) => answerAll(socket, OK)));
  await eventually(() => ends.length === 1, 'the idle connection is closed');
  assert.deepEqual(ends, [0]);
  sockets[1]?.write(OK);
  await clients[1]?.until(/ok$/);
  await eventually(() => ends.length === 2, 'the busy one follows');
});

test('an idle connection is closed after the time that the settings say', async (t) => {
  const bed = await startTestGateway(t, { upstream: { idleMs: 100 } });
  let isClosed = false;
  await bed.route(
    'a/',
    await tcpUpstream(t, (socket) =>
      answerAll(
        socket.on('end', () => (isClosed = true)),
        OK,
      ),
    ),
  );
  await (await bed.fetch('a/')).text();
  await eventually(() => isClosed, 'the idle connection is closed', 1_500);
});

test('a slow upload is not limited by the time for an answer, an app that stops reading is', async (t) => {
  const bed = await startTestGateway(t, { upstream: { headMs: 700 } });
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n');
  client.socket.write(Buffer.alloc(20_000));
  await eventually(() => app.count() === 1, 'the request arrives');
  const begun = performance.now();
  while (performance.now() - begun < 1_500) {
    client.socket.write('x');
    await new Promise((resolve) => setTimeout(resolve, 400));
  }
  assert.equal(client.text(), '');
  app.socket().pause();
  client.socket.write(Buffer.alloc(50_000_000));
  await client.until(/^HTTP\/1\.1 504 /);
});
