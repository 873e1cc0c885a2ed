import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RouteTarget } from '../../../src/model/routing.ts';
import { eventually, startTestGateway, type TestGateway } from './testbed.ts';

const BIG = Buffer.from(Array.from({ length: 200_000 }, (_, at) => at % 251));

test('a folder serves its index, a file its content with type, tag and length', async (t) => {
  const bed = await serveTree(t, 'a/');
  const page = await bed.fetch('a/');
  assert.equal(await page.text(), '<h1>home</h1>');
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(page.headers.get('content-length'), '13');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  assert.match(page.headers.get('etag') ?? '', /^"[\w-]{24}"$/);
  assert.equal((await bed.fetch('a/app.js')).headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.equal((await bed.fetch('a/logo.png')).headers.get('content-type'), 'image/png');
  assert.deepEqual(Buffer.from(await (await bed.fetch('a/big.bin')).arrayBuffer()), BIG);
  assert.equal(await (await bed.fetch('a/empty.txt')).text(), '');
});

test('the bare path of the app and a folder without a slash redirect to where relative links work', async (t) => {
  const bed = await serveTree(t, 'a/docs');
  for (const [path, location] of [
    ['a/docs?x=1', '/docs/?x=1'],
    ['a/docs/sub', '/docs/sub/'],
    ['a/d%6Fcs/sub?y', '/d%6Fcs/sub/?y'],
  ] as const) {
    const answer = await bed.fetch(path);
    assert.deepEqual([answer.status, answer.headers.get('location')], [302, location]);
  }
  assert.equal(await (await bed.fetch('a/docs/sub/')).text(), 'sub');
});

for (const path of [
  '/.env',
  '/.git/config',
  '/sub/.hidden',
  '/none',
  '/noindex/',
  '/noindex',
  '/index.html/',
  '/a%2fb',
  '/..%2f..%2fetc/passwd',
  '/sub//index.html',
  '//etc/passwd',
  '/out',
  '/outdir/secret',
  '/sub%5cindex.html',
  '/app.js/x',
  `/${'x'.repeat(300)}`,
]) {
  test(`${path} does not exist`, async (t) => {
    const bed = await serveTree(t, 'a/');
    const answer = await bed.raw(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    assert.match(answer, /^HTTP\/1.1 40[04] /);
    assert.doesNotMatch(answer, /secret/);
  });
}

test('links inside the tree and /.well-known/ are served', async (t) => {
  const bed = await serveTree(t, 'a/');
  assert.equal(await (await bed.fetch('a/inner')).text(), 'sub');
  assert.equal(await (await bed.fetch('a/.well-known/security.txt')).text(), 'contact');
});

test('what the client has already is 304, also by HEAD and with a weak tag', async (t) => {
  const bed = await serveTree(t, 'a/');
  const tag = (await bed.fetch('a/app.js')).headers.get('etag') ?? '';
  for (const header of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
    const answer = await bed.fetch('a/app.js', { headers: { 'if-none-match': header } });
    assert.deepEqual([answer.status, answer.headers.get('etag'), await answer.text()], [304, tag, '']);
  }
  assert.equal((await bed.fetch('a/app.js', { method: 'HEAD', headers: { 'if-none-match': tag } })).status, 304);
  assert.equal((await bed.fetch('a/app.js', { headers: { 'if-none-match': '"other"' } })).status, 200);
  assert.notEqual((await bed.fetch('a/')).headers.get('etag'), tag);
});

test('a switch to another tree gives another tag, the same name or not', async (t) => {
  const bed = await serveTree(t, 'a/');
  const tag = (await bed.fetch('a/app.js')).headers.get('etag') ?? '';
  await bed.route('a/', makeTree(t));
  assert.equal((await bed.fetch('a/app.js', { headers: { 'if-none-match': tag } })).status, 200);
});

for (const [range, status, expected] of [
  ['bytes=0-9', 206, 'bytes 0-9/200000'],
  ['bytes=199990-', 206, 'bytes 199990-199999/200000'],
  ['bytes=-5', 206, 'bytes 199995-199999/200000'],
  ['bytes=100-999999', 206, 'bytes 100-199999/200000'],
  ['bytes=200000-', 416, 'bytes */200000'],
  ['bytes=-0', 416, 'bytes */200000'],
  ['bytes=9-5', 200, null],
  ['lines=1-2', 200, null],
] as const) {
  test(`range ${range} gives ${status} ${expected ?? 'and all of it'}`, async (t) => {
    const bed = await serveTree(t, 'a/');
    const answer = await bed.fetch('a/big.bin', { headers: { range } });
    assert.deepEqual([answer.status, answer.headers.get('content-range')], [status, expected]);
    const body = Buffer.from(await answer.arrayBuffer());
    const [, from, to] = /bytes (\d+)-(\d+)/.exec(expected ?? '') ?? [];
    if (status === 206) assert.deepEqual(body, BIG.subarray(Number(from), Number(to) + 1));
    else assert.equal(body.length, status === 200 ? BIG.length : 0);
  });
}

test('If-Range with another tag gives all of it', async (t) => {
  const bed = await serveTree(t, 'a/');
  const tag = (await bed.fetch('a/big.bin')).headers.get('etag') ?? '';
  assert.equal((await bed.fetch('a/big.bin', { headers: { range: 'bytes=0-1', 'if-range': tag } })).status, 206);
  assert.equal((await bed.fetch('a/big.bin', { headers: { range: 'bytes=0-1', 'if-range': '"x"' } })).status, 200);
});

test('other methods are 405 with what is allowed', async (t) => {
  const bed = await serveTree(t, 'a/');
  const answer = await bed.fetch('a/', { method: 'POST', body: 'x' });
  assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'GET, HEAD']);
});

test('with a fallback every page that does not exist is that file, dot files still are not', async (t) => {
  const bed = await serveTree(t, 'a/', { fallback: 'index.html' });
  for (const path of ['a/orders/17', 'a/orders/', 'a/none.js']) {
    const answer = await bed.fetch(path);
    assert.deepEqual([answer.status, await answer.text()], [200, '<h1>home</h1>']);
  }
  assert.equal((await bed.fetch('a/.env')).status, 404);
});

test('a client that leaves in the middle of a large file leaves nothing behind', async (t) => {
  const bed = await serveTree(t, 'a/');
  await bed.raw('GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n', (text) => text.length > 1_000);
  await eventually(() => bed.gateway.inFlight() === 0, 'nothing in flight');
});

async function serveTree(
  t: TestContext,
  place: string,
  overrides: Partial<RouteTarget & { kind: 'static' }> = {},
): Promise<TestGateway> {
  const bed = await startTestGateway(t);
  await bed.route(place, { ...makeTree(t), ...overrides });
  return bed;
}

function makeTree(t: TestContext): RouteTarget & { kind: 'static' } {
  const dir = mkdtempSync(join(tmpdir(), 'tree-'));
  const root = join(dir, 'root');
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const files: Record<string, string | Buffer> = {
    'index.html': '<h1>home</h1>',
    'app.js': 'let x;',
    'logo.png': 'png',
    'big.bin': BIG,
    'empty.txt': '',
    'sub/index.html': 'sub',
    'sub/.hidden': 'secret',
    '.env': 'secret',
    '.git/config': 'secret',
    'noindex/x.txt': 'x',
    '.well-known/security.txt': 'contact',
    '../secret': 'secret',
    '../outside/secret': 'secret',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(root, name, '..'), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  symlinkSync('../secret', join(root, 'out'));
  symlinkSync('../outside', join(root, 'outdir'));
  symlinkSync('sub/index.html', join(root, 'inner'));
  return { kind: 'static', root, index: 'index.html', fallback: null };
}
