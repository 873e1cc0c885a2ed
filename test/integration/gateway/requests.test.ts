import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RouteTarget } from '../../../src/model/routing.ts';
import { createRoutes, echo, eventually, httpUpstream, startTestGateway, tcpUpstream } from './testbed.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const REFUSED: readonly [string, string, number][] = [
  [
    'identity, chunked',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    501,
  ],
  ['gzip, chunked', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 501],
  ['a coding that never ends', `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n${SMUGGLED}`, 400],
  [
    'two codings',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  [
    'a coding and a length',
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    400,
  ],
  ['two lengths', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n${SMUGGLED}`, 400],
  ['a signed length', `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello${SMUGGLED}`, 400],
  ['two Hosts', `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${SMUGGLED}`, 400],
  ['no Host', `GET / HTTP/1.1\r\n\r\n${SMUGGLED}`, 400],
  ['no Host in 1.0', 'GET / HTTP/1.0\r\n\r\n', 400],
  ['a Host that is none', `GET / HTTP/1.1\r\nHost: a b\r\n\r\n${SMUGGLED}`, 400],
  ['HTTP/0.9', 'GET /\r\n\r\n', 505],
  ['HTTP/2.0 in text', 'GET / HTTP/2.0\r\nHost: a\r\n\r\n', 505],
  ['a folded header', `GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n${SMUGGLED}`, 400],
  ['a space before the colon', `GET / HTTP/1.1\r\nHost : a\r\n\r\n${SMUGGLED}`, 400],
  ['a CR alone', `GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n${SMUGGLED}`, 400],
  ['LF line ends', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['a coding in 1.0', `POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`, 400],
  ['a fragment', `GET /#x HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, 400],
  ['GET *', `GET * HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, 400],
  ['TRACE', `TRACE / HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, 405],
  ['CONNECT', 'CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
  ['a method of RTSP', `DESCRIBE / HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, 400],
  ['headers that are too large', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ['a bad percent-encoding', `GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, 400],
  ['a NUL in disguise', `GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`, 400],
];
for (const [what, bytes, status] of REFUSED) {
  test(`${what} is refused with ${status} once, and the app sees neither it nor what follows`, async (t) => {
    const bed = await startTestGateway(t);
    const seen: string[] = [];
    await bed.route('a/', await tcpUpstream(t, (socket) => socket.on('data', (data) => seen.push(data.toString()))));
    const answer = await bed.raw(bytes);
    assert.deepEqual(
      [...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1])),
      [status],
    );
    assert.match(answer, /connection: close/i);
    assert.deepEqual(seen, []);
  });
}

test('bad chunks end the upload: the app never sees a whole request', async (t) => {
  const bed = await startTestGateway(t);
  let seen = '';
  let isCut = false;
  const target = await tcpUpstream(t, (socket) => {
    socket.on('data', (data) => (seen += data.toString()));
    socket.on('close', () => (isCut = true));
  });
  await bed.route('a/', target);
  const client = connect(bed.port, '127.0.0.1');
  t.after(() => client.destroy());
  client.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
  await eventually(() => seen.includes('hello'), 'the first chunk arrives');
  client.write('xyz\r\n0\r\n\r\n');
  await eventually(() => isCut, 'the upstream request is broken off');
  assert.doesNotMatch(seen, /\r\n0\r\n\r\n/);
});

test('many headers all count: a second Host far behind is found', async (t) => {
  const bed = await startTestGateway(t, {
    limits: {
      headerBytes: 200_000,
      targetBytes: 8_192,
      headerTimeoutMs: 5_000,
      hookBodyBytes: 1,
      connections: 10,
      peerConnections: 100_000,
      headerCount: 10_000,
      bodyTimeoutMs: 60_000,
    },
  });
  await bed.route('a/', await httpUpstream(t, echo));
  const many = Array.from({ length: 3_000 }, (_, at) => `X-${at}: 1\r\n`).join('');
  assert.match(await bed.raw(`GET / HTTP/1.1\r\nHost: a\r\n${many}Host: b\r\n\r\n`), /^HTTP\/1.1 400 /);
});

test('a head that does not come to an end is given up with 408', async (t) => {
  const bed = await startTestGateway(t, {
    limits: {
      headerBytes: 16_384,
      targetBytes: 8_192,
      headerTimeoutMs: 200,
      hookBodyBytes: 1,
      connections: 10,
      peerConnections: 100_000,
      headerCount: 10_000,
      bodyTimeoutMs: 60_000,
    },
  });
  assert.match(await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nX: '), /^HTTP\/1.1 408 /);
});

test('an absolute request target decides instead of Host', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  const answer = await bed.raw('GET http://A:99/x HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n');
  assert.match(answer, /"url":"\/x"/);
  assert.match(answer, /"Host","A:99"/);
});

test('HTTP/1.0 with Host is served and closed', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(
    'a/',
    await httpUpstream(t, (_request, response) => void response.write('one', () => response.end('two'))),
  );
  const answer = await bed.raw('GET / HTTP/1.0\r\nHost: a\r\n\r\n');
  assert.match(answer, /^HTTP\/1.1 200 OK\r\n(?!.*transfer-encoding).*\r\n\r\nonetwo$/is);
});

test('pipelined requests are answered in order', async (t) => {
  const bed = await startTestGateway(t);
  const target = await httpUpstream(t, (request, response) => {
    if (request.url === '/1') setTimeout(() => response.end('first'), 50);
    else response.end('second');
  });
  await bed.route('a/', target);
  const answer = await bed.raw(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  );
  assert.match(answer, /first.*second/s);
});

for (const [path, status, url] of [
  ['/shop/x', 200, '/x'],
  ['/shop/../shop/x', 200, '/x'],
  ['/%73hop/x', 200, '/x'],
  ['/shop/a%2fb', 200, '/a%2fb'],
  ['/shop/..%2fadmin', 400, ''],
  ['/shop/%2e%2e%2fadmin', 400, ''],
  ['/shop/..%5cadmin', 400, ''],
  ['/shop%2fx', 400, ''],
  ['/shop/%2e%2e/admin', 200, '/'],
  ['/shopping', 404, ''],
  ['/', 404, ''],
] as const) {
  test(`path ${path} gives ${status} ${url === '' ? '' : `and the app sees ${url}`}`, async (t) => {
    const bed = await startTestGateway(t);
    await bed.route('a/shop', await httpUpstream(t, echo));
    await bed.route('a/admin', await httpUpstream(t, echo));
    const answer = await bed.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
    if (url !== '') assert.match(answer, new RegExp(`"url":"${url}"`));
  });
}

test('an unknown host and an unknown app are 404: a page for browsers, JSON for others', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/x', await httpUpstream(t, echo));
  const page = await bed.fetch('nobody.localhost/', { headers: { accept: 'text/html,*/*' } });
  assert.deepEqual([page.status, page.headers.get('content-type')], [404, 'text/html; charset=utf-8']);
  const json = await bed.fetch('a/y');
  assert.deepEqual([json.status, ((await json.json()) as { error: string }).error], [404, 'Not found']);
});

test('every host has health and readiness; nothing else lives below the prefix', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  for (const host of ['a', 'nobody', 'mainspring.localhost']) {
    assert.equal((await bed.fetch(`${host}/_mainspring/healthz`)).status, 200);
    assert.equal((await bed.fetch(`${host}/_mainspring/readyz`)).status, 200);
    assert.equal((await bed.fetch(`${host}/_mainspring/other`)).status, 404);
    assert.equal((await bed.fetch(`${host}/%5fmainspring/other`)).status, 404);
    assert.equal((await bed.fetch(`${host}/_mainspring/healthz`, { method: 'POST' })).status, 405);
  }
});

test('a gateway without a table is healthy but not ready, says so, and serves as soon as there is one', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'gateway-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const bed = await startTestGateway(t, { pollMs: 20, dbPath: join(dir, 'mainspring.db') }, { withStore: false });
  assert.equal((await bed.fetch('a/_mainspring/healthz')).status, 200);
  assert.equal((await bed.fetch('a/_mainspring/readyz')).status, 503);
  const starting = await bed.fetch('a/');
  assert.deepEqual([starting.status, starting.headers.get('retry-after')], [503, '1']);
  createRoutes(join(dir, 'mainspring.db')).close();
  await eventually(() => bed.gateway.isReady(), 'the table is found');
  assert.equal((await bed.fetch('a/_mainspring/readyz')).status, 200);
});

test('the status host leads to the controller and to nobody else', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('mainspring.localhost/', await httpUpstream(t, echo));
  const away = await bed.fetch('mainspring.localhost/api/v1/status');
  assert.deepEqual([away.status, away.headers.get('retry-after')], [503, '2']);
  const server = createServer(echo);
  await new Promise<void>((resolve) => server.listen(join(bed.dir, 'run/status.sock'), resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const answer = await bed.fetch('MAINSPRING.localhost/api/v1/status?x', {
    headers: { 'x-mainspring-peer': '6.6.6.6', x_mainspring_peer: '6.6.6.6' },
  });
  const seen = (await answer.json()) as { url: string; rawHeaders: string[] };
  assert.equal(seen.url, '/api/v1/status?x');
  assert.deepEqual(
    seen.rawHeaders.filter((_, at, all) => /mainspring.peer/i.test(all[at - 1] ?? '')),
    ['127.0.0.1'],
  );
  assert.equal((await bed.fetch('mainspring.localhost/', { method: 'POST', body: 'x' })).status, 405);
});

test('a proxy app keeps its own host, its base path and its place', async (t) => {
  const bed = await startTestGateway(t, { proxyAllow: ['127.0.0.1'] });
  const inner = await httpUpstream(t, (request, response) => {
    if (request.url?.endsWith('/go') === true) response.writeHead(302, { location: `${inner.url}/base/there` }).end();
    else void echo(request, response);
  });
  await bed.route('a/docs', { kind: 'http', url: `${inner.url}/base/`, external: true });
  const seen = (await (await bed.fetch('a/docs/x')).json()) as { url: string; rawHeaders: string[] };
  assert.equal(seen.url, '/base/x');
  assert.equal(seen.rawHeaders[1], inner.url.slice('http://'.length));
  assert.equal((await bed.fetch('a/docs/go')).headers.get('location'), '/docs/there');
});

for (const name of ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]']) {
  test(`a proxy app that leads to ${name} is refused when it connects`, async (t) => {
    const bed = await startTestGateway(t);
    let connections = 0;
    const inner = await tcpUpstream(t, () => (connections += 1));
    const url = inner.url.replace('127.0.0.1', name);
    await bed.route('a/', { kind: 'http', url, external: true });
    const answer = await bed.fetch('a/');
    assert.equal(answer.status, 502);
    // What the answer calls its request is random, and may hold any digits.
    const { request, ...said } = (await answer.json()) as Record<string, unknown>;
    assert.equal(typeof request, 'string');
    assert.doesNotMatch(JSON.stringify(said), /127|::1|localhost/);
    assert.equal(connections, 0);
  });
}

test('a name that the settings allow may lead to loopback', async (t) => {
  const bed = await startTestGateway(t, { proxyAllow: ['localhost'] });
  const inner: RouteTarget & { kind: 'http' } = await httpUpstream(t, echo);
  await bed.route('a/', { kind: 'http', url: inner.url.replace('127.0.0.1', 'localhost'), external: true });
  assert.equal((await bed.fetch('a/')).status, 200);
});

test('what came whole before something unreadable is answered, one after the other, and then that', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, (request, response) => response.end(request.url)));
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
  const statuses = async (bytes: string) =>
    [...(await bed.raw(bytes)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
  assert.deepEqual(await statuses(`${get('/1')}${get('/2')}${get('/3')}no request\r\n\r\n`), [
    '200',
    '200',
    '200',
    '400',
  ]);
});
