import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';
import { freePort } from '../../support/free-port.ts';
import { echo, eventually, httpUpstream, startTestGateway } from './testbed.ts';

const PAGE = { accept: 'text/html' };
const DOWN = { kind: 'down', reason: 'it ended with exit code 3' } as const;
const WHY = 'the build failed: <no such file>';

test('an app that is on its way for the first time says so at once, and the page looks again', async (t) => {
  const bed = await startTestGateway(t);
  await bed.vacate('a/x', { why: 'coming', reason: null });
  const page = await bed.fetch('a/x/deep?q', { headers: PAGE });
  assert.deepEqual([page.status, page.headers.get('refresh'), page.headers.get('retry-after')], [503, '2', '2']);
  assert.match(await page.text(), /On its way/);
  assert.equal(page.headers.get('x-robots-tag'), 'noindex');
  assert.equal((await bed.fetch('a/x')).status, 503);
  assert.deepEqual([(await bed.fetch('a/y')).status, (await bed.fetch('b/x')).status], [404, 404]);
  await bed.route('a/x', await httpUpstream(t, echo));
  assert.equal((await bed.fetch('a/x')).status, 200);
});

test('an app that failed says why to who may see the status pages, as text', async (t) => {
  const bed = await startTestGateway(t);
  await bed.vacate('a/', { why: 'failed', reason: WHY });
  const answer = await bed.fetch('a/');
  const { request: _, ...said } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(said, {
    status: 503,
    error: 'Not running',
    message: 'This app does not run: it waits for a change of what it is made from.',
    why: WHY,
  });
  assert.match(await (await bed.fetch('a/', { headers: PAGE })).text(), /<pre>the build failed: &lt;no such file&gt;/);
});

test('where everybody comes through a proxy, nobody is told why', async (t) => {
  const proxied = await startTestGateway(t, { trustedProxies: ['127.0.0.1'] });
  await proxied.vacate('a/', { why: 'failed', reason: WHY });
  assert.equal((await (await proxied.fetch('a/')).text()).includes('build failed'), false);
});

test('what serves comes before what does not, also above it', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  await bed.vacate('a/x', { why: 'failed', reason: WHY });
  assert.equal((await bed.fetch('a/x/y')).status, 200);
});

test('an address that is read in two ways is refused where an app is absent, too', async (t) => {
  const bed = await startTestGateway(t);
  await bed.vacate('a/x', { why: 'failed', reason: WHY });
  await bed.vacate('a/x/y', { why: 'parked', reason: null });
  const text = await bed.raw('GET /x%2fy HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(text, /^HTTP\/1.1 400/);
  assert.deepEqual(bed.wakes, []);
});

test('a request for what is parked asks for it, and is served by it once it is back', async (t) => {
  const bed = await startTestGateway(t);
  await bed.vacate('a/', { why: 'parked', reason: 'too many' });
  const answer = bed.fetch('a/1', { method: 'POST', body: 'hello' });
  await eventually(() => bed.wakes.length > 0 && bed.gateway.held() === 1, 'it waits');
  assert.deepEqual(bed.wakes, ['feature-x a/']);
  await bed.vacate('a/', { why: 'coming', reason: null });
  await eventually(() => bed.gateway.held() === 1, 'it waits on');
  await bed.route('a/', await httpUpstream(t, echo));
  assert.equal(((await (await answer).json()) as { body: string }).body, 'hello');
});

test('what is not use does not bring back what is parked', async (t) => {
  const bed = await startTestGateway(t);
  await bed.vacate('a/', { why: 'parked', reason: null });
  const answer = await bed.fetch('a/favicon.ico');
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '10']);
  assert.match(await answer.text(), /Parked/);
  assert.deepEqual(bed.wakes, []);
});

test('a request for what ended by itself waits for it to be back', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', DOWN);
  const answer = bed.fetch('a/');
  await eventually(() => bed.gateway.held() === 1, 'it waits');
  await bed.route('a/', await httpUpstream(t, echo));
  assert.equal((await answer).status, 200);
  assert.deepEqual(bed.wakes, []);
});

test('what does not come back is said, and why', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', DOWN);
  const [page, answer] = await Promise.all([bed.fetch('a/', { headers: PAGE }), bed.fetch('a/')]);
  assert.deepEqual([page.status, page.headers.get('refresh')], [503, '2']);
  assert.match(await page.text(), /Not running[\s\S]*exit code 3/);
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [503, '2']);
});

test('an app that fails to wake says why on the page that waits for it', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', { kind: 'asleep', reason: 'no such command' });
  const page = await bed.fetch('a/', { headers: PAGE });
  assert.match(await page.text(), /Starting[\s\S]*no such command/);
});

test('a request that finds nobody listening waits for what the next row says', async (t) => {
  const bed = await startTestGateway(t);
  const upstream = await httpUpstream(t, echo);
  await bed.route('a/', { kind: 'http', url: `http://127.0.0.1:${await freePort()}`, external: false });
  const answer = bed.fetch('a/x');
  await eventually(() => bed.gateway.held() === 1, 'it waits');
  assert.equal(bed.gateway.inFlight(), 0);
  await bed.route('a/', DOWN);
  await eventually(() => bed.gateway.held() === 1, 'it waits on');
  await bed.route('a/', upstream);
  assert.equal((await answer).status, 200);
});

test('where an engine’s own proxy takes connections, one that it closes at once means that nobody is there', async (t) => {
  const bed = await startTestGateway(t);
  const upstream = await httpUpstream(t, echo);
  let asked = 0;
  const closing = createServer((socket) => {
    asked += 1;
    socket.on('error', () => undefined).destroy();
  });
  await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
  t.after(() => closing.close());
  const url = `http://127.0.0.1:${(closing.address() as AddressInfo).port}`;
  await bed.route('a/', { kind: 'http', url, external: false });
  assert.equal((await bed.fetch('a/')).status, 502);
  await bed.route('a/', { kind: 'http', url, external: false, relayed: true });
  assert.equal((await bed.fetch('a/', { method: 'POST', body: 'spent' })).status, 502);
  const answer = bed.fetch('a/x');
  await eventually(() => bed.gateway.held() === 1, 'it waits');
  await bed.route('a/', upstream);
  assert.equal((await answer).status, 200);
  assert.equal(asked, 3);
});

test('where nobody listens for long the answer is 502; what has a body does not wait', async (t) => {
  const bed = await startTestGateway(t);
  const url = `http://127.0.0.1:${await freePort()}`;
  await bed.route('a/', { kind: 'http', url, external: false });
  const waits = bed.fetch('a/');
  const posts = await bed.fetch('a/', { method: 'POST', body: 'spent' });
  assert.equal(posts.status, 502);
  assert.equal(bed.gateway.held(), 1);
  assert.equal((await waits).status, 502);
});
