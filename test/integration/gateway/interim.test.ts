import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answerAll, dial, scriptedApp } from './talk.ts';
import { echo, eventually, httpUpstream, startTestGateway, tcpUpstream } from './testbed.ts';

const ASK = 'PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';
const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n';

test('who expects 100 (Continue) gets the one of the app, and the app gets the body after it', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, ASK);
  await app.until(/Expect: 100-continue\r\n\r\n$/);
  client.socket.write('body');
  app.socket().write(`HTTP/1.1 100 Go on\r\nX-Seen: 1\r\nConnection: x-hop\r\nX-Hop: 1\r\n\r\n`);
  await client.until(/^HTTP\/1\.1 100 Go on\r\nX-Seen: 1\r\n\r\n$/);
  await app.until(/\r\n\r\nbody$/);
  app.socket().write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  await client.until(/keep-alive\r\n.*\r\n\r\nok$/s);
});

test('a final answer instead of 100 ends the connection, and no byte of the body reaches the app', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, ASK);
  await app.until(/\r\n\r\n$/);
  app.socket().write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
  await client.until(/^HTTP\/1\.1 403 No\r\n(?=.*Connection: close\r\n).*\r\n\r\nno$/s);
  client.socket.write('body');
  await eventually(() => client.end() === 'end', 'the connection ends');
  assert.match(app.text(), /\r\n\r\n$/);
});

test('an app that ignores the expectation gets the body all the same, once', async (t) => {
  const bed = await startTestGateway(t);
  const app = await scriptedApp(t, bed);
  const client = dial(t, bed, ASK);
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\n$/);
  client.socket.write('body');
  await app.until(/\r\n\r\nbody$/);
  app.socket().write(`${CONTINUE}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`);
  await client.until(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*ok$/s);
});

test('an expectation of HTTP/1.0, or of nothing, is no expectation', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  for (const bytes of [
    'PUT / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody',
    'PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
  ]) {
    const answer = await bed.raw(bytes);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.doesNotMatch(answer, /expect/i);
  }
});

test('a request that is answered by the gateway itself is not told to go on', async (t) => {
  const bed = await startTestGateway(t);
  const answer = await bed.raw(ASK);
  assert.match(answer, /^HTTP\/1\.1 404 (?=.*connection: close\r\n)/is);
});

test('early hints reach clients of HTTP/1.1, without hop-by-hop fields, and no others', async (t) => {
  const bed = await startTestGateway(t);
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nKeep-Alive: timeout=1\r\n\r\n';
  await bed.route(
    'a/',
    await tcpUpstream(t, (socket) =>
      answerAll(socket, `${hints}${hints}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`),
    ),
  );
  const own = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n';
  const modern = await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.ok(modern.startsWith(`${own}${own}HTTP/1.1 200 OK\r\n`), modern);
  assert.match(await bed.raw('GET / HTTP/1.0\r\nHost: a\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/);
});

test('100 (Continue) that nobody expects is kept back', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(
    'a/',
    await tcpUpstream(t, (socket) => answerAll(socket, `${CONTINUE}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`)),
  );
  assert.match(await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 OK\r\n/);
});

test('informational answers without end are cut off', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(
    'a/',
    await tcpUpstream(t, (socket) => answerAll(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(65))),
  );
  const answer = await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^(?:HTTP\/1\.1 102 Processing\r\n\r\n){64}HTTP\/1\.1 502 /);
});

test('a hint for the second request waits until the first one is answered', async (t) => {
  const bed = await startTestGateway(t);
  let finishFirst: (() => void) | undefined;
  const target = await httpUpstream(t, (request, response) => {
    if (request.url === '/1') finishFirst = () => void response.end('first');
    else {
      response.writeEarlyHints({ link: '</x>' });
      response.end('second');
    }
  });
  await bed.route('a/', target);
  const client = dial(t, bed, 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => finishFirst !== undefined && bed.gateway.inFlight() === 1, 'the first arrives');
  assert.equal(client.text(), '');
  finishFirst?.();
  await client.until(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nfirstHTTP\/1\.1 103 .*HTTP\/1\.1 200 OK.*second$/s);
});
