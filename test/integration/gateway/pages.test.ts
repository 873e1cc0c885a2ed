import assert from 'node:assert/strict';
import { test } from 'node:test';
import { httpUpstream, startTestGateway } from './testbed.ts';

const BROWSER = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

for (const [accept, type] of [
  [BROWSER, 'text/html'],
  ['*/*', 'application/json'],
  ['text/*', 'text/html'],
  ['application/json;q=0.9, text/html;q=0.5', 'application/json'],
  ['application/json;q=0.5, text/html;q=0.9', 'text/html'],
  ['text/html;q=0, */*', 'application/json'],
  ['image/png', 'application/json'],
] as const) {
  test(`who accepts ${accept} is answered by ${type}`, async (t) => {
    const bed = await startTestGateway(t);
    const answer = await bed.fetch('nowhere/', { headers: { accept } });
    assert.deepEqual([answer.status, answer.headers.get('content-type')?.split(';')[0]], [404, type]);
  });
}

test('an address near an app of production names it, and nothing of other environments', async (t) => {
  const bed = await startTestGateway(t);
  const app = await httpUpstream(t, (_request, response) => response.end());
  await bed.route('a/tools/sales', app);
  await bed.route('a/tools/<b>', app);
  const asJson = await bed.fetch('a/tools/sale', { headers: { accept: 'application/json' } });
  const value = (await asJson.json()) as { status: number; near: string[]; request: string };
  assert.deepEqual([value.status, value.near], [404, ['/tools/sales']]);
  const page = await (await bed.fetch('a/tools/%3Cc%3E', { headers: { accept: BROWSER } })).text();
  assert.match(page, /Did you mean/);
  assert.match(page, /<a href="\/tools\/&lt;b&gt;">/);
  assert.doesNotMatch(page, /<b>|<c>/);
  const other = await bed.fetch('b/tools/sale', { headers: { accept: 'application/json' } });
  assert.deepEqual(Object.keys((await other.json()) as object), ['status', 'error', 'message', 'request']);
});

test('HEAD gets the head of the page alone, which names the request', async (t) => {
  const bed = await startTestGateway(t);
  const text = await bed.raw(`HEAD / HTTP/1.1\r\nHost: nowhere\r\nAccept: ${BROWSER}\r\nConnection: close\r\n\r\n`);
  assert.match(text, /^HTTP\/1\.1 404 .*\r\nContent-Length: [1-9]\d+\r\n/s);
  assert.ok(text.endsWith('\r\n\r\n'));
  const page = await bed.fetch('nowhere/', { headers: { accept: BROWSER } });
  assert.ok((await page.text()).includes(page.headers.get('x-request-id') ?? 'no name'));
});
