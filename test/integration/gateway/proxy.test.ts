import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { echo, eventually, httpUpstream, startTestGateway, tcpUpstream } from './testbed.ts';

test('a request reaches the app with its body, its prefix taken off and headers that tell where it comes from', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('apps.localhost/tools/sales', await httpUpstream(t, echo));
  const answer = await bed.fetch('apps.localhost/tools/sales/x%20y?q=1', {
    method: 'POST',
    body: 'hello',
    headers: {
      'x-kept': 'yes',
      'x-forwarded-for': '6.6.6.6',
      'remote-user': 'root',
      'X-Mainspring-Peer': '::1',
      x_forwarded_user: 'root',
    },
  });
  const seen = (await answer.json()) as Seen;
  assert.deepEqual([seen.method, seen.url, seen.body], ['POST', '/x%20y?q=1', 'hello']);
  const authority = `apps.localhost:${bed.port}`;
  assert.deepEqual(headersOf(seen, /^(host|x-(?!request-id)|remote|forwarded)/), {
    host: authority,
    'x-kept': 'yes',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': authority,
    'x-real-ip': '127.0.0.1',
    forwarded: `for=127.0.0.1;host="${authority}";proto=http`,
    'x-forwarded-prefix': '/tools/sales',
  });
});

test('a trusted proxy is believed about the client, identity headers are not', async (t) => {
  const bed = await startTestGateway(t, { trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] });
  await bed.route('apps.localhost/', await httpUpstream(t, echo));
  const answer = await bed.fetch('apps.localhost/', {
    headers: {
      'x-forwarded-for': '1.1.1.1, 2.2.2.2, 10.0.0.9',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'public.example',
      'remote-user': 'root',
    },
  });
  const seen = headersOf((await answer.json()) as Seen, /^(x-(?!request-id)|remote)/);
  assert.deepEqual(seen, {
    'x-forwarded-for': '1.1.1.1, 2.2.2.2, 10.0.0.9, 127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'public.example',
    'x-real-ip': '2.2.2.2',
  });
});

test('hop-by-hop headers go, those that Connection names too, both ways', async (t) => {
  const bed = await startTestGateway(t);
  const raw: string[] = [];
  await bed.route(
    'a/',
    await tcpUpstream(t, (socket) =>
      socket.on('data', (data) => {
        raw.push(data.toString());
        socket.write(
          'HTTP/1.1 200 OK\r\nConnection: x-up, keep-alive\r\nX-Up: 1\r\nX-End: 2\r\nKeep-Alive: timeout=9\r\nContent-Length: 2\r\n\r\nok',
        );
      }),
    ),
  );
  const answer = await bed.raw(
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Secret, close\r\nX-Secret: 1\r\nTE: trailers\r\nX-End: 1\r\n\r\n',
  );
  assert.doesNotMatch(raw.join(''), /x-secret|^te:|connection:/im);
  assert.match(raw.join(''), /X-End: 1/);
  assert.doesNotMatch(answer, /x-up|timeout=9/i);
  assert.match(answer, /X-End: 2/);
});

test('without stripping the app sees the whole path', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/docs', await httpUpstream(t, echo), { stripPath: false });
  const seen = (await (await bed.fetch('a/docs/x?y')).json()) as Seen;
  assert.equal(seen.url, '/docs/x?y');
  assert.deepEqual(headersOf(seen, /^x-forwarded-prefix/), {});
});

test('the bare path serves at the root of the app', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/tools/sales', await httpUpstream(t, echo));
  assert.equal(((await (await bed.fetch('a/tools/sales?x')).json()) as Seen).url, '/?x');
});

test('a chunked upload arrives chunked, a sized one with its size', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  const chunked = await bed.raw(
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n',
  );
  assert.match(chunked, /"Transfer-Encoding","chunked"/);
  assert.match(chunked, /"body":"hello world"/);
  const sized = await bed.raw('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello');
  assert.match(sized, /"Content-Length","5"/);
});

test('HEAD, 204 and 304 have no body, and the connection goes on', async (t) => {
  const bed = await startTestGateway(t);
  const target = await httpUpstream(t, (request, response) => {
    if (request.url === '/204') response.writeHead(204).end();
    else if (request.url === '/304') response.writeHead(304, { etag: '"x"', 'content-length': '7' }).end();
    else response.writeHead(200, { 'content-length': '5' }).end('hello');
  });
  await bed.route('a/', target);
  const paths = ['HEAD /x', 'GET /204', 'GET /304'].map((line) => `${line} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
  const answer = await bed.raw(`${paths}GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
  assert.deepEqual(statuses, ['200', '204', '304', '200']);
  assert.equal(answer.split('hello').length, 2);
  assert.match(answer, /^HTTP\/1.1 200 OK\r\n(?:[^\r]+\r\n)*content-length: 5\r\n/i);
});

test('events of a stream come one by one, at once', async (t) => {
  const bed = await startTestGateway(t);
  let send = (_text: string) => {};
  const target = await httpUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
    send = (text) => response.write(text);
  });
  await bed.route('a/', target);
  const answer = await bed.fetch('a/events');
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    send(event);
    assert.equal(Buffer.from((await reader.read()).value ?? []).toString(), event);
  }
  await reader.cancel();
});

test('a client that leaves cancels the request upstream', async (t) => {
  const bed = await startTestGateway(t);
  let isClosed = false;
  let isAsked = false;
  const target = await httpUpstream(t, (request) => {
    isAsked = true;
    request.socket.on('close', () => {
      isClosed = true;
    });
  });
  await bed.route('a/', target);
  const socket = connect(bed.port, '127.0.0.1').on('error', () => {});
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await eventually(() => isAsked, 'the request arrives');
  assert.equal(bed.gateway.inFlight(), 1);
  socket.destroy();
  await eventually(() => isClosed && bed.gateway.inFlight() === 0, 'the upstream sees the end');
});

test('a client that reads slowly slows the upstream down instead of filling memory', async (t) => {
  const bed = await startTestGateway(t);
  let written = 0;
  const total = 64 * 1024 * 1024;
  const target = await httpUpstream(t, (_request, response) => {
    const block = Buffer.alloc(256 * 1024, 'x');
    const push = () => {
      while (written < total) {
        written += block.length;
        if (!response.write(block)) return void response.once('drain', push);
      }
      response.end();
    };
    push();
  });
  await bed.route('a/', target);
  const socket = connect(bed.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await once(socket, 'readable');
  let before = -1;
  while (written !== before) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(written < total / 2, `${written} bytes were taken from the upstream though nobody read them`);
  let received = 0;
  socket.on('data', (data: Buffer) => {
    received += data.length;
  });
  await once(socket, 'close');
  assert.ok(received > total);
});

test('an upstream that reads slowly slows the client down', async (t) => {
  const bed = await startTestGateway(t);
  const target = await tcpUpstream(t, (socket) => socket.pause());
  await bed.route('a/', target);
  const client = httpRequest({ port: bed.port, host: '127.0.0.1', method: 'POST', headers: { host: 'a' } }).on(
    'error',
    () => {},
  );
  const block = Buffer.alloc(1024 * 1024);
  let sent = 0;
  while (sent < 100 && client.write(block)) sent += 1;
  while (sent < 100 && (await Promise.race([once(client, 'drain').then(() => true), stuck()]))) {
    client.write(block);
    sent += 1;
  }
  client.destroy();
  assert.ok(sent < 50, `${sent} MiB were taken though nobody read them`);
});

test('WebSocket frames pass untouched both ways, with extensions and close codes', async (t) => {
  const bed = await startTestGateway(t);
  const target = await httpUpstream(t, echo);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  t.after(() => server.close());
  await once(server, 'listening');
  server.on('connection', (socket, request) => {
    socket.send(`path ${request.url} proto ${request.headers['x-forwarded-proto']}`);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('close', (code) => closes.push(code));
  });
  const closes: number[] = [];
  await bed.route('a/', target);
  await bed.route('a/ws', {
    kind: 'http',
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    external: false,
  });
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/ws/chat?x=1`, { headers: { host: 'a' } });
  assert.equal(String((await once(client, 'message'))[0]), 'path /chat?x=1 proto http');
  assert.match(client.extensions, /permessage-deflate/);
  for (const size of [1, 125, 126, 65_536, 1_000_000]) {
    client.send(Buffer.alloc(size, size % 251));
    const [data] = (await once(client, 'message')) as [Buffer];
    assert.deepEqual(data, Buffer.alloc(size, size % 251));
  }
  assert.equal(bed.gateway.inFlight(), 1);
  client.close(4_321, 'done');
  assert.equal((await once(client, 'close'))[0], 4_321);
  await eventually(() => closes.length === 1 && bed.gateway.inFlight() === 0, 'both ends close');
  assert.deepEqual(closes, [4_321]);
});

test('an upgrade that the app does not want is answered as any request, and the connection ends', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  const answer = await bed.raw('GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: other/1\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 200 OK/);
  assert.match(answer, /"url":"\/x"/);
  await eventually(() => bed.gateway.inFlight() === 0, 'nothing stays in flight');
});

test('any protocol may be switched to; bytes sent early are not lost', async (t) => {
  const bed = await startTestGateway(t);
  const target = await tcpUpstream(t, (socket) => {
    let text = '';
    socket.on('data', (data) => {
      text += data.toString();
      if (text.endsWith('\r\n\r\n'))
        socket.write('HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: other/1\r\n\r\nfirst ');
      if (text.endsWith('early')) socket.write('early ');
      if (text.endsWith('later')) socket.end('bye');
    });
  });
  await bed.route('a/', target);
  const socket = connect(bed.port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: other/1\r\n\r\nearly');
  let text = '';
  socket.on('data', (data) => {
    text += data.toString();
    if (text.endsWith('first early ')) socket.write('later');
  });
  await once(socket, 'close');
  assert.match(text, /^HTTP\/1.1 101 Go\r\n.*Upgrade: other\/1\r\n.*\r\n\r\nfirst early bye$/s);
});

test('a client that offers HTTP/2 in the clear goes on in HTTP/1.1, with its body', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  const answer = await bed.raw(
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\nContent-Length: 2\r\n\r\nhi',
  );
  assert.match(answer, /^HTTP\/1.1 200 OK.*"body":"hi"/s);
  assert.doesNotMatch(answer, /http2-settings|h2c/i);
});

test('another expectation is refused', async (t) => {
  const bed = await startTestGateway(t);
  assert.match(await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n'), /^HTTP\/1.1 417 /);
});

test('connections to the app are used again', async (t) => {
  const bed = await startTestGateway(t);
  let connections = 0;
  const target = await httpUpstream(t, (request, response) => {
    if (request.socket.listenerCount('seen') === 0) connections += 1;
    request.socket.once('seen', () => {});
    response.end('ok');
  });
  await bed.route('a/', target);
  for (let round = 0; round < 10; round += 1) await (await bed.fetch('a/')).text();
  assert.equal(connections, 1);
});

test('a request that can be repeated is, when the app closed an idle connection just then; another one is not lost to it either', async (t) => {
  const bed = await startTestGateway(t);
  const target = await tcpUpstream(t, (socket) => {
    let seen = 0;
    socket.on('data', () => {
      seen += 1;
      if (seen === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      else socket.destroy();
    });
  });
  await bed.route('a/', target);
  for (let round = 0; round < 5; round += 1) assert.equal(await (await bed.fetch('a/')).text(), 'ok');
});

const FAULTS: readonly [string, string, number][] = [
  ['closes without an answer', '', 502],
  ['sends no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 502],
  [
    'has both length and coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    502,
  ],
  ['has two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', 502],
  ['has a coding that is not chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 502],
  ['folds a header', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n', 502],
  ['ends lines with LF alone', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', 502],
  ['hides a CR in a header', 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n', 502],
  ['has a space before the colon', 'HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n', 502],
  ['switches protocols unasked', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n', 502],
  [
    'answers beyond its length',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    200,
  ],
  [
    'sends informational answers first',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    200,
  ],
  ['speaks HTTP/1.0 until it closes', 'HTTP/1.0 200 OK\r\n\r\nok', 200],
];
for (const [what, bytes, status] of FAULTS) {
  test(`an app that ${what} gives ${status}, and nothing of it reaches the next request`, async (t) => {
    const bed = await startTestGateway(t);
    await bed.route('a/', await tcpUpstream(t, (socket) => socket.once('data', () => socket.end(bytes, 'latin1'))));
    for (let round = 0; round < 2; round += 1) {
      const answer = await bed.fetch('a/');
      assert.equal(answer.status, status);
      const text = await answer.text();
      if (status === 200) assert.equal(text, 'ok');
      else assert.doesNotMatch(text, /127\.0\.0\.1|evil/);
    }
  });
}

const CUTS: readonly [string, string][] = [
  ['a sized body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort'],
  ['a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n'],
  ['a body with bad chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshortXX\r\n0\r\n\r\n'],
];
for (const [what, bytes] of CUTS) {
  test(`an app that breaks off in ${what} breaks off the answer too: it never looks whole`, async (t) => {
    const bed = await startTestGateway(t);
    await bed.route('a/', await tcpUpstream(t, (socket) => socket.once('data', () => socket.end(bytes))));
    const answer = await bed.raw('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    assert.match(answer, /^HTTP\/1.1 200 OK/);
    assert.doesNotMatch(answer, /\r\n0\r\n\r\n$/);
  });
}

test('an app that says nothing is given up in time, one that is not there at once', async (t) => {
  const bed = await startTestGateway(t, { upstream: { connectMs: 300, headMs: 300 } });
  await bed.route('a/', await tcpUpstream(t, () => {}));
  await bed.route('b/', { kind: 'http', url: 'http://127.0.0.1:1', external: false });
  assert.equal((await bed.fetch('a/')).status, 504);
  assert.equal((await bed.fetch('b/')).status, 502);
});

test('trailers of a chunked answer come through', async (t) => {
  const bed = await startTestGateway(t);
  const target = await httpUpstream(t, (_request, response) => {
    response.writeHead(200, { trailer: 'x-sum' });
    response.write('data');
    response.addTrailers({ 'x-sum': '42' });
    response.end();
  });
  await bed.route('a/', target);
  const answer = await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /0\r\nx-sum: 42\r\n\r\n$/i);
});

for (const [location, expected] of [
  ['/login', '/tools/sales/login'],
  ['/tools/sales/login', '/tools/sales/login'],
  ['login', 'login'],
  ['https://elsewhere.example/x', 'https://elsewhere.example/x'],
  ['UPSTREAM/deep?x', '/tools/sales/deep?x'],
  ['UPSTREAM', '/tools/sales/'],
  ['PUBLIC/deep', '/tools/sales/deep'],
  ['//elsewhere.example/x', '//elsewhere.example/x'],
] as const) {
  test(`Location ${location} comes back as ${expected}`, async (t) => {
    const bed = await startTestGateway(t);
    let upstream = '';
    const target = await httpUpstream(t, (_request, response) => {
      const value = location.replace('UPSTREAM', upstream).replace('PUBLIC', `http://a:${bed.port}`);
      response.writeHead(302, { location: value }).end();
    });
    upstream = target.url;
    await bed.route('a/tools/sales', target);
    assert.equal((await bed.fetch('a/tools/sales/x')).headers.get('location'), expected);
  });
}

test('noindex marks every answer of the app', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo), { noindex: true });
  assert.equal((await bed.fetch('a/')).headers.get('x-robots-tag'), 'noindex');
});

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly body: string;
  readonly rawHeaders: string[];
}

function headersOf(seen: Seen, names: RegExp): Record<string, string> {
  const found: Record<string, string> = {};
  for (let at = 0; at < seen.rawHeaders.length; at += 2) {
    const name = seen.rawHeaders[at]?.toLowerCase() ?? '';
    if (names.test(name)) found[name] = seen.rawHeaders[at + 1] ?? '';
  }
  return found;
}

function stuck(): Promise<false> {
  return new Promise((resolve) => setTimeout(resolve, 500, false));
}
