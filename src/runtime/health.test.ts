import assert from 'node:assert/strict';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ALLOW_NOTHING, parseAllow } from '../model/proxy-target.ts';
import type { RouteTarget } from '../model/routing.ts';
import { createProbe } from './health.ts';

const probe = createProbe({ timeoutMs: 150, allow: ALLOW_NOTHING });
const CHECK = { path: '/ready?full=1', expect: 200, host: 'app.example.com' };

async function listening(t: TestContext, answer: RequestListener): Promise<RouteTarget> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { kind: 'http', url: `http://127.0.0.1:${port}`, external: false };
}

function reasonOf(result: Awaited<ReturnType<typeof probe>>): string {
  return result.healthy ? 'healthy' : result.reason;
}

test('the expected status is healthy, asked for as the app is reached', async (t) => {
  let seen: IncomingMessage | undefined;
  const target = await listening(t, (request, response) => {
    seen = request;
    response.end('ok');
  });
  assert.deepEqual(await probe(target, CHECK, never()), { healthy: true });
  const { method, url, headers } = seen ?? assert.fail('no request came');
  assert.deepEqual(
    [method, url, headers.host, headers['user-agent']],
    ['GET', '/ready?full=1', 'app.example.com', 'Mainspring-Health'],
  );
});

test('another status is told', async (t) => {
  const target = await listening(t, (_, response) => response.writeHead(503).end());
  assert.equal(reasonOf(await probe(target, CHECK, never())), 'GET /ready?full=1 answered 503, expected 200');
});

test('a redirect is not followed and counts as what it is', async (t) => {
  let requests = 0;
  const target = await listening(t, (_, response) => {
    requests += 1;
    response.writeHead(302, { location: '/login' }).end();
  });
  assert.equal((await probe(target, CHECK, never())).healthy, false);
  assert.equal((await probe(target, { ...CHECK, expect: 302 }, never())).healthy, true);
  assert.equal(requests, 2);
});

test('a body without an end does not matter', async (t) => {
  const target = await listening(t, (_, response) => response.write('still going'));
  assert.deepEqual(await probe(target, CHECK, never()), { healthy: true });
});

test('no answer in time is told', async (t) => {
  const target = await listening(t, () => undefined);
  assert.equal(reasonOf(await probe(target, CHECK, never())), 'GET /ready?full=1 gave no answer within 150ms');
});

test('nothing listening is told', async () => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const result = await probe({ kind: 'http', url: `http://127.0.0.1:${port}`, external: false }, CHECK, never());
  assert.match(reasonOf(result), /connection refused/);
});

test('a cancelled look is unhealthy and never throws', async (t) => {
  const target = await listening(t, () => undefined);
  assert.equal((await probe(target, CHECK, AbortSignal.abort())).healthy, false);
});

test('a static target is healthy while its folder is there', async () => {
  const root = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  const target: RouteTarget = { kind: 'static', root, index: 'index.html', fallback: null };
  assert.equal((await probe(target, CHECK, never())).healthy, true);
  await rm(root, { recursive: true });
  assert.equal(reasonOf(await probe(target, CHECK, never())), 'its files are gone');
});

test('a proxied server counts as healthy unless its health is declared', async () => {
  const target: RouteTarget = { kind: 'http', url: 'http://127.0.0.1:1', external: true };
  assert.equal((await probe(target, { path: '/', expect: 200, host: 'a' }, never())).healthy, true);
  assert.equal((await probe(target, { path: '/up', expect: 200, host: 'a' }, never())).healthy, false);
});

test('a name that leads to a private address is not connected to unless allowed', async (t) => {
  const target = await listening(t, (_, response) => response.end());
  assert.ok(target.kind === 'http');
  const named: RouteTarget = { ...target, url: target.url.replace('127.0.0.1', 'localhost'), external: true };
  assert.match(reasonOf(await probe(named, CHECK, never())), /no address that \[proxy\] allow opens/);
  assert.match(reasonOf(await probe({ ...target, external: true }, CHECK, never())), /does not open "127\.0\.0\.1"/);
  const allowing = createProbe({ timeoutMs: 2_000, allow: parseAllow(['127.0.0.0/8']) });
  assert.deepEqual(await allowing(named, CHECK, never()), { healthy: true });
});

test('a server on a Unix socket is asked as the app is reached, below its own path, where the settings open it', async (t) => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'mainspring-test-')));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'http.sock');
  const seen: (string | undefined)[] = [];
  const server = createServer(({ url, headers }, response) => {
    seen.push(url, headers.host);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const target: RouteTarget = { kind: 'http', url: `unix:${path}:/base`, external: true };
  const allowing = createProbe({ timeoutMs: 2_000, allow: parseAllow([`unix:${folder}/`]) });
  assert.deepEqual(await allowing(target, CHECK, never()), { healthy: true });
  assert.deepEqual(seen, ['/base/ready?full=1', 'app.example.com']);
  assert.match(reasonOf(await probe(target, CHECK, never())), /does not open ".*\/http\.sock"/);
  await new Promise((resolve) => server.close(resolve));
  assert.equal(reasonOf(await allowing(target, CHECK, never())), 'GET /ready?full=1: its socket is not there');
});

function never(): AbortSignal {
  return new AbortController().signal;
}
