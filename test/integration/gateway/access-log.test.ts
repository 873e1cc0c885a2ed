import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually, httpUpstream, startTestGateway, type TestGateway, tcpUpstream } from './testbed.ts';

test('a line says who asked for what, where it went, and what came of it', async (t) => {
  const bed = await loggedGateway(t);
  const upstream = await httpUpstream(t, (_request, response) => response.end('hello'));
  await bed.route('a/app', upstream, { instance: 'i-7' });
  const answer = await bed.fetch('a/app/x?token=secret', {
    headers: { 'user-agent': `test ${'x'.repeat(400)}`, authorization: 'Bearer secret', cookie: 'secret=1' },
  });
  const [line] = await bed.lines(1);
  const { at, bytes_in, bytes_out, duration_ms, first_byte_ms, upstream_ms, user_agent, host, ...rest } = line ?? {};
  assert.deepEqual(rest, {
    peer: '127.0.0.1',
    client: '127.0.0.1',
    method: 'GET',
    path: '/app/x',
    protocol: 'HTTP/1.1',
    request: answer.headers.get('x-request-id'),
    status: 200,
    outcome: 'ok',
    env: 'prod',
    app: 'a/app',
    instance: 'i-7',
  });
  assert.equal(host, 'a');
  assert.ok(Math.abs(Date.parse(String(at)) - Date.now()) < 10_000);
  assert.equal(String(user_agent).length, 256);
  const [total, first, above] = [duration_ms, first_byte_ms, upstream_ms].map(Number);
  assert.ok(Number(total) >= Number(first) && Number(first) >= Number(above) && Number(above) > 0);
  assert.ok(Number(bytes_in) > 400 && Number(bytes_out) > 100);
  assert.doesNotMatch(bed.text(), /secret/);
});

test('what the gateway answers by itself, refuses or could not read has a line too', async (t) => {
  const bed = await loggedGateway(t, { hold: { perRoute: 1, total: 1, waitMs: 20 } });
  await bed.route('a/held', { kind: 'held' });
  const dead = await tcpUpstream(t, (socket) => socket.destroy());
  await bed.route('a/dead', dead);
  await bed.fetch('nowhere/');
  await bed.fetch('a/held/');
  await bed.fetch('a/dead/');
  await bed.fetch('a/_mainspring/healthz');
  await bed.raw('GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n');
  await bed.raw('nonsense\r\n\r\n');
  await bed.raw('POST / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\nContent-Length: 1\r\n\r\n');
  const lines = await bed.lines(7);
  assert.deepEqual(
    lines.map(({ path, status, outcome, reason }) => [path, status, outcome, reason]),
    [
      ['/', 404, 'answered', 'Not found'],
      ['/held/', 503, 'refused', 'Unavailable'],
      ['/dead/', 502, 'upstream-fault', 'closed'],
      ['/_mainspring/healthz', 200, 'ok', undefined],
      [undefined, 400, 'answered', 'Bad Request'],
      [undefined, 400, 'unreadable', 'Bad request'],
      [undefined, 417, 'answered', 'Expectation failed'],
    ],
  );
});

test('a client that leaves, and a tunnel when it ends', async (t) => {
  const bed = await loggedGateway(t);
  const slow = await httpUpstream(t, (_request, response) => response.write('begun'));
  await bed.route('a/slow', slow);
  await bed.raw('GET /slow/ HTTP/1.1\r\nHost: a\r\n\r\n', (text) => text.includes('begun'));
  const [left] = await bed.lines(1);
  assert.deepEqual([left?.status, left?.outcome], [200, 'client-left']);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  t.after(() => server.close());
  await once(server, 'listening');
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const { port } = server.address() as { port: number };
  await bed.route('a/ws', { kind: 'http', url: `http://127.0.0.1:${port}`, external: false });
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/ws/`, { headers: { host: 'a' } });
  await new Promise((resolve) => client.on('open', () => client.send('x'.repeat(5_000))).on('message', resolve));
  client.close();
  const [, upgraded] = await bed.lines(2);
  assert.deepEqual([upgraded?.status, upgraded?.outcome], [101, 'upgraded']);
  assert.ok(Number(upgraded?.bytes_in) > 5_000 && Number(upgraded?.bytes_out) > 5_000);
});

test('requests of one connection have their own lines and bytes', async (t) => {
  const bed = await loggedGateway(t);
  await bed.route(
    'a/',
    await httpUpstream(t, (request, response) => response.end('x'.repeat(Number(request.url?.slice(1))))),
  );
  const ask = (size: number, more = '') => `GET /${size} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  await bed.raw(ask(10_000) + ask(1) + ask(50_000, 'Connection: close\r\n'));
  const lines = await bed.lines(3);
  const out = lines.map(({ bytes_out }) => Number(bytes_out));
  for (const [at, size] of [10_000, 1, 50_000].entries()) assert.ok(Math.abs((out[at] ?? 0) - size) < 500, `${out}`);
});

test('behind a trusted proxy the client is the one it names', async (t) => {
  const bed = await loggedGateway(t, { trustedProxies: ['127.0.0.1'] });
  await bed.fetch('a/', { headers: { 'x-forwarded-for': '203.0.113.7' } });
  const [line] = await bed.lines(1);
  assert.deepEqual([line?.peer, line?.client], ['127.0.0.1', '203.0.113.7']);
});

test('a log that cannot be written holds up no request', async (t) => {
  const dir = someFolder();
  writeFileSync(join(dir, 'file'), '');
  const bed = await startIn(t, dir, {
    accessLog: { path: join(dir, 'file/access.log'), maxBytes: 1_000, keep: 1 },
  });
  for (let at = 0; at < 50; at += 1) assert.equal((await bed.fetch('a/')).status, 404);
});

test('a folder that is removed while requests go on is made again', async (t) => {
  const bed = await loggedGateway(t);
  await bed.fetch('a/1');
  await bed.lines(1);
  rmSync(join(bed.path, '..'), { recursive: true });
  await eventually(async () => {
    await bed.fetch('a/2');
    return existsSync(bed.path);
  }, 'a new file');
});

test('what is left is written at the end, and files are put aside when they are full', async (t) => {
  const dir = someFolder();
  const path = join(dir, 'access.log');
  const bed = await startIn(t, dir, { accessLog: { path, maxBytes: 100, keep: 3 } });
  for (let at = 0; at < 5; at += 1) await bed.fetch(`a/${at}`);
  await bed.gateway.stop();
  assert.deepEqual(
    linesOf(path).map((line) => line.path),
    ['/0', '/1', '/2', '/3', '/4'],
  );
  const second = await startIn(t, dir, { accessLog: { path, maxBytes: 100, keep: 3 } });
  await eventually(async () => {
    await second.fetch('a/5');
    return readdirSync(dir).includes('access.log.1');
  }, 'a file put aside');
});

test('without the setting nothing is written', async (t) => {
  const bed = await startTestGateway(t);
  await bed.fetch('a/');
  await bed.gateway.stop();
  assert.deepEqual(
    readdirSync(bed.dir).filter((name) => name.includes('log')),
    [],
  );
});

type Line = Record<string, string | number>;
type Bed = TestGateway & { readonly path: string; text(): string; lines(count: number): Promise<Line[]> };

async function loggedGateway(t: TestContext, overrides: Parameters<typeof startTestGateway>[1] = {}): Promise<Bed> {
  const dir = someFolder();
  mkdirSync(join(dir, 'logs'));
  const path = join(dir, 'logs/access.log');
  const bed = await startIn(t, dir, { accessLog: { path, maxBytes: 1_000_000, keep: 1 }, ...overrides });
  const lines = async (count: number) => {
    await eventually(() => existsSync(path) && linesOf(path).length >= count, `${count} lines`);
    return linesOf(path);
  };
  return { ...bed, path, text: () => readFileSync(path, 'utf8'), lines };
}

function linesOf(path: string): Line[] {
  return readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

function someFolder(): string {
  return mkdtempSync(join(tmpdir(), 'access-'));
}

/** A gateway that logs into the folder, which goes after it: what stops writes its last lines, and makes the folder for them. */
async function startIn(
  t: TestContext,
  dir: string,
  overrides: Parameters<typeof startTestGateway>[1],
): Promise<TestGateway> {
  const bed = await startTestGateway(t, overrides);
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return bed;
}
