import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { echo, httpUpstream, startTestGateway } from './testbed.ts';

const OWN = /^[0-9a-f]{20}$/;
const TRACE = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** A header that the app was told, as often as it was. */
async function told(answer: Response, name: string): Promise<string[]> {
  const { rawHeaders } = (await answer.clone().json()) as { rawHeaders: string[] };
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}

test('each request has a name of its own, which the app, the client and nobody else chooses', async (t) => {
  const bed = await startTestGateway(t);
  const app = await httpUpstream(t, (request, response) => {
    response.setHeader('X-Request-Id', 'of-the-app');
    void echo(request, response);
  });
  await bed.route('a/', app);
  const names = new Set<string>();
  for (let n = 0; n < 3; n += 1) {
    const answer = await bed.fetch('a/', { headers: { 'x-request-id': 'of-the-client' } });
    const name = answer.headers.get('x-request-id') ?? '';
    assert.match(name, OWN);
    assert.deepEqual(await told(answer, 'x-request-id'), [name]);
    names.add(name);
  }
  assert.equal(names.size, 3);
});

test('a trusted proxy may name a request', async (t) => {
  const bed = await startTestGateway(t, { trustedProxies: ['127.0.0.1'] });
  await bed.route('a/', await httpUpstream(t, echo));
  const answer = await bed.fetch('a/', { headers: { 'x-request-id': 'edge-42' } });
  assert.deepEqual([answer.headers.get('x-request-id'), await told(answer, 'x-request-id')], ['edge-42', ['edge-42']]);
  const odd = await bed.fetch('a/', { headers: { 'x-request-id': 'a b' } });
  assert.match(odd.headers.get('x-request-id') ?? '', OWN);
});

test('answers of the gateway and files carry the name as well', async (t) => {
  const bed = await startTestGateway(t);
  const root = join(bed.dir, 'tree');
  mkdirSync(root);
  writeFileSync(join(root, 'index.html'), 'page');
  await bed.route('a/files', { kind: 'static', root, index: 'index.html', fallback: null });
  for (const path of ['a/files/', 'a/nothing', 'a/_mainspring/healthz'])
    assert.match((await bed.fetch(path)).headers.get('x-request-id') ?? '', OWN, path);
  const page = await bed.fetch('a/nothing', { headers: { accept: 'application/json' } });
  assert.equal(((await page.json()) as { request: string }).request, page.headers.get('x-request-id'));
  assert.match(await bed.raw('GET / HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400 .*\r\nX-Request-Id: [0-9a-f]{20}\r\n/s);
});

test('a WebSocket has a name', async (t) => {
  const bed = await startTestGateway(t);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  t.after(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });
  const { port } = server.address() as { port: number };
  await bed.route('localhost/', { kind: 'http', url: `http://127.0.0.1:${port}`, external: false });
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/`, { headers: { host: 'localhost' } });
  const [answer] = await once(client, 'upgrade');
  assert.match(answer.headers['x-request-id'], OWN);
  client.terminate();
});

test('a trace is passed on, and begun where there is none', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  const passed = await bed.fetch('a/', { headers: { traceparent: TRACE, tracestate: 'v=1' } });
  assert.deepEqual([await told(passed, 'traceparent'), await told(passed, 'tracestate')], [[TRACE], ['v=1']]);
  for (const headers of [{}, { traceparent: 'nonsense', tracestate: 'v=1' }] as Record<string, string>[]) {
    const begun = await bed.fetch('a/', { headers });
    const [trace = '', ...more] = await told(begun, 'traceparent');
    assert.match(trace, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.deepEqual([more, await told(begun, 'tracestate')], [[], []]);
  }
});
