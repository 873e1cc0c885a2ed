import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerAll, dial, scriptedApp } from './talk.ts';
import { eventually, httpUpstream, startTestGateway, tcpUpstream } from './testbed.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';

test('trailers of a request reach the app, without fields that must not stand there', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, `${UPLOAD}Trailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\n`);
  await app.until(/abc\r\n$/);
  client.socket.write(
    'X-Sum: 42\r\nHost: evil\r\nX-Forwarded-For: 6.6.6.6\r\nremote_user: root\r\nAuthorization: x\r\nX-Mainspring-Peer: ::1\r\nCookie: a=b\r\nContent-Type: x\r\n\r\n',
  );
  await app.until(/\r\nTrailer: X-Sum\r\n.*3\r\nabc\r\n0\r\nX-Sum: 42\r\n\r\n$/s);
});

test('trailers of an answer come without such fields, and not at all to HTTP/1.0', async (t) => {
  const bed = await startTestGateway(t);
  const bytes =
    'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\nSet-Cookie: a=b\r\nContent-Length: 9\r\n\r\n';
  await bed.route('a/', await tcpUpstream(t, (socket) => answerAll(socket, bytes)));
  const modern = await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(modern, /\r\nTrailer: X-Sum\r\n.*\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 42\r\n\r\n$/s);
  const old = await bed.raw('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  assert.match(old, /^HTTP\/1\.1 200 OK\r\n(?!.*(?:trailer|x-sum|chunked)).*\r\n\r\nok$/is);
});

test('HTTP/1.0 keeps its connection only if it asks for that and the length is known', async (t) => {
  const bed = await startTestGateway(t);
  const target = await httpUpstream(t, (request, response) => {
    if (request.url === '/sized') response.setHeader('content-length', 2).end('ok');
    else response.write('o', () => response.end('k'));
  });
  await bed.route('a/', target);
  const kept = dial(t, bed, 'GET /sized HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
  await kept.until(/\r\nConnection: keep-alive\r\n.*ok$/s);
  kept.socket.write('GET /stream HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n');
  await kept.until(/ok(?!.*chunked).*\r\nConnection: close\r\n\r\nok$/s);
  await eventually(() => kept.end() === 'end', 'the end of the connection is the end of the stream');
  const plain = dial(t, bed, 'GET /sized HTTP/1.0\r\nHost: a\r\n\r\n');
  await plain.until(/\r\nConnection: close\r\n.*ok$/s);
  await eventually(() => plain.end() === 'end', 'the connection ends');
});

for (const [what, request, answer, head] of [
  [
    '204 with a length',
    GET,
    'HTTP/1.1 204 No\r\nContent-Length: 7\r\n\r\n',
    /^HTTP\/1\.1 204 No\r\n(?!.*content-length)/is,
  ],
  [
    '304 with a length',
    GET,
    'HTTP/1.1 304 Not\r\nContent-Length: 7\r\n\r\n',
    /^HTTP\/1\.1 304 Not\r\nContent-Length: 7\r\n/,
  ],
  ['304 without one', GET, 'HTTP/1.1 304 Not\r\n\r\n', /^HTTP\/1\.1 304 Not\r\n(?!.*(?:content-length|chunked))/is],
  [
    'HEAD of a stream',
    GET.replace('GET', 'HEAD'),
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    /^HTTP\/1\.1 200 OK\r\n(?!.*content-length)/is,
  ],
  [
    'HEAD of a length',
    GET.replace('GET', 'HEAD'),
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 9\r\n/,
  ],
  [
    'a length that Connection names',
    GET,
    'HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\nhi',
    /^HTTP\/1\.1 200 OK\r\nContent-Length: 2\r\n.*hi$/s,
  ],
] as const) {
  test(`after ${what} both connections carry the next request`, async (t) => {
    const bed = await startTestGateway(t);
    const app = await scriptedApp(t, bed);
    const client = dial(t, bed, request);
    await app.until(/\r\n\r\n$/);
    app.socket().write(answer);
    await client.until(/\r\n\r\n(?:hi)?$/);
    assert.match(client.text(), head);
    client.socket.write(GET);
    await app.until(/HTTP\/1\.1.*HTTP\/1\.1.*\r\n\r\n$/s);
    app.socket().write(OK);
    await client.until(/\r\n\r\n(?:hi)?HTTP\/1\.1 200 OK\r\n.*\r\n\r\nok$/s);
    assert.equal(app.count(), 1);
  });
}

test('Connection: close of either side ends that side only', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const closing = dial(t, bed, GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await app.until(/\r\n\r\n$/);
  app.socket().write(OK);
  await closing.until(/\r\nConnection: close\r\n.*ok$/s);
  await eventually(() => closing.end() === 'end', 'the client is closed');
  const client = dial(t, bed, GET);
  await app.until(/GET.*GET.*\r\n\r\n$/s);
  app.socket().write(OK.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  await client.until(/\r\nConnection: keep-alive\r\n.*ok$/s);
  client.socket.write(GET);
  await eventually(() => app.count() === 2, 'the app is closed');
});

test('a slow first answer stops the reading of what is pipelined behind it', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, GET);
  await app.until(/\r\n\r\n$/);
  const many = Buffer.from(GET.repeat(1_000));
  let sent = 0;
  while (sent < 2_000 && (client.socket.write(many) || (await drained(client.socket)))) sent += 1;
  // What the kernel holds of both sides, and one read of ours; 74 MB would be all.
  assert.ok(sent < 400, `${sent} thousand requests were taken though the first one is not answered`);
  assert.equal(app.text().split('GET').length, 2);
});

test('an answer before the end of an upload reaches the client, although the app closes at once', async (t) => {
  const bed = await startTestGateway(t);
  const target = await tcpUpstream(t, (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 413 Too large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge');
      socket.destroy();
    }),
  );
  await bed.route('a/', target);
  for (let round = 0; round < 20; round += 1) {
    const client = dial(t, bed, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n');
    for (let at = 0; at < 20; at += 1) client.socket.write(Buffer.alloc(1_000_000));
    await client.until(/^HTTP\/1\.1 413 Too large\r\n.*Connection: close\r\n.*large$/s);
    await eventually(() => client.end() === 'end', 'the connection ends without a reset');
  }
});

test('after an early answer the connection goes on if the rest of the request comes soon', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20004\r\n\r\n${'x'.repeat(20_000)}bo`);
  await app.until(/bo$/);
  app.socket().write(OK);
  await client.until(/keep-alive.*ok$/s);
  client.socket.write(`dy${GET}`);
  await eventually(() => app.count() === 2, 'the next request comes, on another connection to the app');
  app.socket(1).write(OK);
  await client.until(/ok.*ok$/s);
});

test('an app that breaks off in the middle of an answer breaks it off for the client, also by a reset', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  for (const [at, end] of (['destroy', 'resetAndDestroy'] as const).entries()) {
    const client = dial(t, bed, GET);
    await eventually(() => app.count() === at + 1, 'the request arrives');
    app.socket(at).write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf');
    await client.until(/half$/);
    app.socket(at)[end]();
    await eventually(() => client.end() !== undefined, 'the client sees the end');
    assert.match(client.text(), /half$/);
  }
});

const CLOSES = { closes: 'end', resets: 'resetAndDestroy' } as const;
for (const [what, how] of Object.entries(CLOSES)) {
  for (const [method, body, isRepeated] of [
    ['GET', '', true],
    ['DELETE', '', true],
    ['POST', '', false],
    ['PUT', 'body', false],
  ] as const) {
    test(`${method} ${body} is ${isRepeated ? '' : 'not '}sent again when the app ${what} a connection that was used before`, async (t) => {
      const bed = await startTestGateway(t);
      const app = await scriptedApp(t, bed);
      const client = dial(t, bed, GET);
      await app.until(/\r\n\r\n$/);
      app.socket().write(OK);
      await client.until(/ok$/);
      client.socket.write(`${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      await app.until(new RegExp(`${method} / (?:.|\\r\\n)*\\r\\n\\r\\n${body}$`));
      app.socket()[how]();
      if (isRepeated) {
        await eventually(() => app.count() === 2, 'it comes again, on a new connection');
        app.socket(1).destroy();
      }
      await client.until(/ok.*HTTP\/1\.1 502 /s);
      assert.equal(app.count(), isRepeated ? 2 : 1);
    });
  }
}

test('nothing is sent again once a byte of the answer has come, an informational one included', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  for (const [at, bytes] of ['H', 'HTTP/1.1 103 Early\r\n\r\n'].entries()) {
    const client = dial(t, bed, GET);
    await eventually(() => app.count() === at + 1, 'the request arrives');
    app.socket(at).write(OK);
    await client.until(/ok$/);
    const asked = app.text().length;
    client.socket.write(GET);
    await eventually(() => app.text().length > asked, 'the second request arrives');
    app.socket(at).end(bytes);
    await client.until(/HTTP\/1\.1 502 /);
    assert.equal(app.count(), at + 1);
  }
});

test('a request to switch protocols behind another request is an ordinary one, and harms nobody', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, (request, response) => void response.end(`at ${request.url}`)));
  const client = dial(t, bed, `${GET}GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  await client.until(/at \/HTTP\/1\.1 200 OK.*at \/ws$/s);
});

test('what follows a request that was to be the last one does not take its answer away', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, `${GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n')}${GET}`);
  await app.until(/\r\n\r\n$/);
  app.socket().write(OK);
  await client.until(/\r\nConnection: close\r\n.*ok$/s);
  assert.equal(app.text().split('GET').length, 2);
});

test('what cannot be read is answered after what could', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, `${GET}NONSENSE\r\n\r\n`);
  await app.until(/\r\n\r\n$/);
  app.socket().write(OK);
  await client.until(/^HTTP\/1\.1 200 OK.*okHTTP\/1\.1 400 /s);
  await eventually(() => client.end() === 'end', 'the connection ends');
});

function drained(socket: import('node:net').Socket): Promise<boolean> {
  return Promise.race([
    new Promise<boolean>((resolve) => socket.once('drain', () => resolve(true))),
    new Promise<boolean>((resolve) => setTimeout(resolve, 500, false)),
  ]);
}
