import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dial, scriptedApp } from './talk.ts';
import { eventually, httpUpstream, startTestGateway } from './testbed.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

for (const [version, probe] of [
  ['1.1', 'HTTP/1\\.1 100 Continue\\r\\n\\r\\n'],
  ['1.0', ''],
] as const) {
  test(`a client of HTTP/${version} that ends its side once it has asked is answered, and the connection ends`, async (t) => {
    const bed = await startTestGateway(t);
    const app = await scriptedApp(t, bed);
    const client = dial(t, bed, GET.replace('1.1', version));
    await app.until(/\r\n\r\n$/);
    client.socket.end();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    app.socket().write(OK);
    await client.until(new RegExp(`^${probe}HTTP/1\\.1 200 OK\\r\\n(?:[^\\r]+\\r\\n)+\\r\\nok$`));
    await eventually(() => client.end() === 'end', 'the connection ends');
  });
}

test('an answer that comes in the middle of the probe is whole', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, GET);
  await app.until(/\r\n\r\n$/);
  client.socket.end();
  await client.until(/^HTTP\/1\.1 100 Continue$/);
  app.socket().write(OK);
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n(?:[^\r]+\r\n)+\r\nok$/);
});

test('an answer of the gateway itself in the middle of the probe is whole too', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, GET);
  await app.until(/\r\n\r\n$/);
  client.socket.end();
  await client.until(/^HTTP\/1\.1 100 Continue$/);
  app.socket().destroy();
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 502 .*\r\n\r\n.+/s);
  await eventually(() => client.end() === 'end', 'the connection ends');
});

test('all that was asked on the connection before its end is answered', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, (request, response) => void response.end(`at ${request.url}`)));
  const client = dial(t, bed, [1, 2, 3].map((at) => GET.replace('/ ', `/${at} `)).join(''));
  client.socket.end();
  await client.until(/at \/1.*at \/2.*at \/3$/s);
  await eventually(() => client.end() === 'end', 'the connection ends');
});

test('a client that is gone before the answer begins cancels the request within two tenths of a second', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  let isCut = false;
  const client = dial(t, bed, GET);
  await app.until(/\r\n\r\n$/);
  app.socket().on('close', () => (isCut = true));
  const begun = performance.now();
  // A FIN, as a process that ends sends it: to this side it looks like half a close.
  client.socket.destroy();
  await eventually(() => isCut && bed.gateway.inFlight() === 0, 'the app sees the end');
  assert.ok(performance.now() - begun < 5_000);
});

test('a stream whose client is gone is cancelled: by what is written, or by silence after two seconds', async (t) => {
  const bed = await startTestGateway(t);
  let open = 0;
  const target = await httpUpstream(t, (request, response) => {
    open += 1;
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    const timer = request.url === '/talks' ? setInterval(() => response.write('data: x\n\n'), 20) : undefined;
    response.on('close', () => {
      clearInterval(timer);
      open -= 1;
    });
  });
  await bed.route('a/', target);
  for (const [path, fromMs, toMs] of [
    ['/talks', 0, 1_500],
    ['/silent', 1_500, 4_500],
  ] as const) {
    const client = dial(t, bed, GET.replace('/ ', `${path} `));
    await client.until(/event-stream/);
    assert.equal(open, 1);
    const begun = performance.now();
    client.socket.destroy();
    await eventually(() => open === 0, `the stream ${path} ends`);
    const tookMs = performance.now() - begun;
    assert.ok(tookMs >= fromMs && tookMs < toMs, `${path} took ${tookMs} ms`);
  }
});

test('a stream goes on for a client that has ended its side and still reads', async (t) => {
  const bed = await startTestGateway(t);
  let send = (_text: string) => {};
  await bed.route(
    'a/',
    await httpUpstream(t, (_request, response) => {
      response.flushHeaders();
      send = (text) => void (text === '' ? response.end() : response.write(text));
    }),
  );
  const client = dial(t, bed, GET);
  await client.until(/\r\n\r\n$/);
  client.socket.end();
  for (const text of ['one', 'two', 'three', 'four', 'five']) {
    await new Promise((resolve) => setTimeout(resolve, 600));
    send(text);
  }
  send('');
  await client.until(/one.*five\r\n0\r\n\r\n$/s);
});

test('a client that ends its side in the middle of a request gets 400, the app never sees a whole one', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  let isCut = false;
  const client = dial(t, bed, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20010\r\n\r\n${'x'.repeat(20_000)}half`);
  await app.until(/half$/);
  app.socket().on('close', () => (isCut = true));
  client.socket.end();
  await client.until(/^HTTP\/1\.1 400 /);
  await eventually(() => isCut, 'the app sees the end');
});

test('an app that ends its side after a whole answer has given a whole answer', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, GET);
  await app.until(/\r\n\r\n$/);
  app.socket().end(OK);
  await client.until(/keep-alive.*ok$/s);
  client.socket.write(GET);
  await eventually(() => app.count() === 2, 'the next request has another connection');
});

for (const how of ['destroy', 'resetAndDestroy'] as const) {
  test(`a client that leaves (${how}) while its switch of protocols is not answered cancels it`, async (t) => {
    const bed = await startTestGateway(t);
    const app = await scriptedApp(t, bed);
    let isCut = false;
    const client = dial(t, bed, GET.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly'));
    await app.until(/\r\n\r\n$/);
    app.socket().on('close', () => (isCut = true));
    client.socket[how]();
    await eventually(() => isCut && bed.gateway.inFlight() === 0, 'the app sees the end');
  });
}
