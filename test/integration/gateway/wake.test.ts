import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import type { InstanceId } from '../../../src/model/ids.ts';
import { echo, eventually, GOING, httpUpstream, startTestGateway, type TestGateway } from './testbed.ts';

const ASLEEP = { kind: 'asleep' } as const;
const PAGE = { accept: 'text/html' };
const LIMITS = { perRoute: 3, total: 1_000, waitMs: 30_000 };

test('a request for an app that is asleep wakes it, once however many wait, and is served by it', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', ASLEEP);
  const answers = [bed.fetch('a/1'), bed.fetch('a/2', { method: 'POST', body: 'hello' }), bed.fetch('a/3')];
  await eventually(() => bed.gateway.held() === 3 && bed.wakes.length > 0, 'three wait');
  assert.deepEqual(bed.wakes, ['prod a/']);
  assert.equal(bed.gateway.inFlight(), 0);
  await bed.route('a/', await httpUpstream(t, echo));
  const seen = await Promise.all(answers.map(async (answer) => (await answer).json() as Promise<{ url: string }>));
  assert.deepEqual(
    seen.map(({ url }) => url),
    ['/1', '/2', '/3'],
  );
});

test('a wake that nobody heard is asked for again, and no more once nobody waits', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', ASLEEP);
  const leave = new AbortController();
  const answer = bed.fetch('a/', { signal: leave.signal }).catch(() => undefined);
  await eventually(() => bed.wakes.length >= 2, 'a second wake');
  leave.abort();
  await answer;
  await eventually(() => bed.gateway.held() === 0, 'nobody waits');
});

test('who looks at a page is shown that something goes on; who does not waits', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', ASLEEP);
  const waits = bed.fetch('a/data');
  const page = await bed.fetch('a/', { headers: PAGE });
  assert.deepEqual([page.status, page.headers.get('retry-after'), page.headers.get('refresh')], [503, '1', '1']);
  assert.match(await page.text(), /Starting/);
  assert.equal(bed.gateway.held(), 1);
  await bed.route('a/', await httpUpstream(t, echo));
  assert.equal((await waits).status, 200);
});

test('a page that is there within a second is shown at once', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', ASLEEP);
  const page = bed.fetch('a/', { headers: PAGE });
  await eventually(() => bed.gateway.held() === 1, 'it waits');
  await bed.route('a/', await httpUpstream(t, echo));
  assert.equal((await page).status, 200);
});

/** Requests that nobody made who wants to use the app. */
for (const [name, path, init] of [
  ['a preflight', 'a/', { method: 'OPTIONS' }],
  ['a probe', 'a/', { headers: { 'user-agent': 'kube-probe/1.31' } }],
  ['a prefetch', 'a/', { headers: { 'sec-purpose': 'prefetch;prerender' } }],
  ['an icon', 'a/x/favicon.ico', {}],
  ['a crawler', 'a/', { headers: { 'user-agent': 'Mozilla/5.0 (compatible; Googlebot/2.1)' } }],
] as const) {
  test(`${name} does not wake an app, and does not keep one awake`, async (t) => {
    const bed = await startTestGateway(t);
    await bed.route('a/', ASLEEP);
    const answer = await bed.fetch(path, init);
    assert.deepEqual([answer.status, answer.headers.get('retry-after'), bed.gateway.held()], [503, '10', 0]);
    await bed.route('a/', await httpUpstream(t, echo), { instance: 'up' });
    const began = performance.now();
    assert.equal((await bed.fetch(path, init)).status, 200);
    assert.ok((await usedAt(bed)) < began, 'it does not count as use');
    await (await bed.fetch('a/')).text();
    assert.ok((await usedAt(bed)) >= began, 'what is use counts');
    assert.deepEqual(bed.wakes, []);
  });
}

test('crawlers wake apps where the settings say so', async (t) => {
  const bed = await startTestGateway(t, { crawlersWake: true });
  await bed.route('a/', ASLEEP);
  const answer = bed.fetch('a/', { headers: { 'user-agent': 'Googlebot/2.1' } });
  await eventually(() => bed.wakes.length === 1, 'it is woken');
  await bed.route('a/', await httpUpstream(t, echo));
  assert.equal((await answer).status, 200);
});

test('without a controller nothing wakes: 503 with Retry-After, soon', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', ASLEEP);
  await bed.control.close();
  await eventually(() => !bed.gateway.isControlled(), 'the gateway knows');
  const began = performance.now();
  const answer = await bed.fetch('a/', { headers: { accept: 'application/json' } });
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '1']);
  assert.ok(performance.now() - began < 10_000);
});

test('no more wait than there is room for; the others are told to come back', async (t) => {
  const bed = await startTestGateway(t, { hold: LIMITS });
  await bed.route('a/', ASLEEP);
  const waiting = [1, 2, 3].map((n) => bed.fetch(`a/${n}`));
  await eventually(() => bed.gateway.held() === 3, 'three wait');
  const refused = await bed.fetch('a/4');
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
  await bed.route('a/', await httpUpstream(t, echo));
  for (const answer of waiting) assert.equal((await answer).status, 200);
});

test('a WebSocket wakes an app, and is told apart from requests for as long as it is open', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', ASLEEP);
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/`, { headers: { host: 'a' } });
  t.after(() => client.terminate());
  await eventually(() => bed.wakes.length === 1, 'it is woken');
  const server = new WebSocketServer({ noServer: true });
  const app = await httpUpstream(t, echo, (request, socket, head) =>
    server.handleUpgrade(request, socket, head, (ws) => ws.on('message', (data) => ws.send(data))),
  );
  await bed.route('a/', app, { instance: 'up' });
  await once(client, 'open');
  const { inFlight: requests, streams } = await useOf(bed);
  assert.deepEqual([requests, streams], [0, 1]);
  client.close();
  await once(client, 'close');
  await bed.control.idle('up' as InstanceId, AbortSignal.timeout(5_000));
  const { inFlight, idleMs } = await useOf(bed);
  assert.deepEqual([inFlight, idleMs < 5_000], [0, true]);
});

function useOf(bed: TestGateway) {
  return bed.control.use('up' as InstanceId, GOING);
}

/** When the app was last used, by the clock that the gateway has in common with its test. */
async function usedAt(bed: TestGateway): Promise<number> {
  await bed.control.idle('up' as InstanceId, AbortSignal.timeout(5_000));
  const { idleMs } = await useOf(bed);
  return performance.now() - idleMs;
}
