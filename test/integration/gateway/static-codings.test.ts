import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  brotliCompressSync,
  brotliDecompressSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib';
import { eventually, startTestGateway, type TestGateway } from './testbed.ts';

const SCRIPT = 'export const answer = () => "forty-two";\n'.repeat(200);
const NOISE = Buffer.from(Array.from({ length: 4_000 }, (_, at) => (at * at * 2_654_435_761) >>> 13));
const DECODERS: Readonly<Record<string, (content: Buffer) => Buffer>> = {
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
  gzip: gunzipSync,
};

const PRE = 'console.log("made beforehand");\n'.repeat(100);
const TREE: Readonly<Record<string, string | Buffer>> = {
  'app.js': SCRIPT,
  'short.js': 'let x;',
  'noise.txt': NOISE,
  'photo.jpg': Buffer.alloc(5_000),
  'big.css': 'a{color:red}\n'.repeat(20_000),
  'pre.js': PRE,
  'pre.js.br': brotliCompressSync(PRE),
  'pre.js.gz': gzipSync(PRE),
  'pre.js.zst': zstdCompressSync(PRE),
  'only.js': PRE,
  'only.js.gz': gzipSync(PRE),
  'larger.js': 'x',
  'larger.js.gz': gzipSync('x'),
  'index.html': `<h1>${'home '.repeat(500)}</h1>`,
  'photo.jpg.gz': gzipSync('nothing to do with it'),
};

for (const [path, accepted, coding] of [
  ['app.js', 'gzip, br', 'br'],
  ['app.js', 'gzip', 'gzip'],
  ['app.js', 'gzip;q=1, br;q=0.1', 'gzip'],
  ['app.js', 'zstd', null],
  ['app.js', 'identity', null],
  ['app.js', 'br;q=0, gzip;q=0', null],
  ['app.js', '*', 'br'],
  ['app.js', 'identity;q=0, gzip', 'gzip'],
  ['', 'br', 'br'],
  ['pre.js', 'zstd, gzip', 'zstd'],
  ['pre.js', 'gzip', 'gzip'],
  ['pre.js', 'br, zstd, gzip', 'br'],
  ['only.js', 'gzip, deflate, br, zstd', 'br'],
  ['only.js', 'gzip', 'gzip'],
  ['short.js', 'gzip, br', null],
  ['larger.js', 'gzip', null],
  ['photo.jpg', 'gzip, br', null],
] as const) {
  test(`"/${path}" for "${accepted}" comes ${coding === null ? 'as it is' : `as ${coding}`}`, async (t) => {
    const bed = await serveTree(t);
    const plain = await bed.get(path, { 'accept-encoding': 'identity' });
    const answer = await bed.get(path, { 'accept-encoding': accepted });
    assert.deepEqual([answer.status, answer.headers['content-encoding'] ?? null], [200, coding]);
    assert.equal(Number(answer.headers['content-length']), answer.body.length);
    assert.deepEqual(decoded(answer), plain.body);
    assert.equal(answer.headers['content-type'], plain.headers['content-type']);
    assert.equal(answer.headers.etag === plain.headers.etag, coding === null);
    const isNegotiated = !['short.js', 'larger.js', 'photo.jpg'].includes(path);
    for (const { headers } of [plain, answer]) assert.equal(headers.vary, isNegotiated ? 'Accept-Encoding' : undefined);
    const head = await bed.get(path, { 'accept-encoding': accepted }, 'HEAD');
    assert.deepEqual(unnamed(head.headers), unnamed(answer.headers));
    assert.equal(head.body.length, 0);
  });
}

test('each coding has a tag of its own, stored ones other ones than those made here', async (t) => {
  const bed = await serveTree(t);
  const tags = new Set<string | undefined>();
  for (const path of ['pre.js', 'app.js'])
    for (const coding of ['br', 'gzip', 'zstd', 'identity'])
      tags.add((await bed.get(path, { 'accept-encoding': coding })).headers.etag);
  // Two files, plain and in two codings, and the first of them in a third.
  assert.equal(tags.size, 7);
});

test('a compressed file asked for by its own name is just a file', async (t) => {
  const bed = await serveTree(t);
  const answer = await bed.get('pre.js.gz', { 'accept-encoding': 'gzip, br' });
  assert.deepEqual(
    [answer.headers['content-encoding'], answer.headers['content-type']],
    [undefined, 'application/gzip'],
  );
  assert.deepEqual(answer.body, TREE['pre.js.gz']);
});

test('what gets no smaller is sent as it is', async (t) => {
  const bed = await serveTree(t);
  for (const _ of [1, 2]) {
    const answer = await bed.get('noise.txt', { 'accept-encoding': 'br' });
    assert.deepEqual([answer.headers['content-encoding'], answer.body], [undefined, NOISE]);
  }
});

test('who takes nothing that there is gets 406', async (t) => {
  const bed = await serveTree(t);
  for (const [path, accepted] of [
    ['app.js', 'identity;q=0'],
    ['app.js', '*;q=0'],
    ['photo.jpg', 'gzip, identity;q=0'],
    ['noise.txt', 'br, identity;q=0'],
  ] as const) {
    const answer = await bed.get(path, { 'accept-encoding': accepted });
    assert.deepEqual([answer.status, answer.headers.vary], [406, 'Accept-Encoding'], path);
  }
});

test('a large file comes at once, and compressed when that is done', async (t) => {
  const bed = await serveTree(t);
  assert.equal((await bed.get('big.css', { 'accept-encoding': 'br' })).headers['content-encoding'], undefined);
  await eventually(async () => {
    const answer = await bed.get('big.css', { 'accept-encoding': 'br' });
    return answer.headers['content-encoding'] === 'br' && decoded(answer).equals(Buffer.from(TREE['big.css'] ?? ''));
  }, 'compressed');
});

test('who has it already gets 304 with the tag that it has, also of what is not compressed yet', async (t) => {
  const first = await serveTree(t);
  const tag = (await first.get('app.js', { 'accept-encoding': 'br' })).headers.etag ?? '';
  const plainTag = (await first.get('app.js', {})).headers.etag ?? '';
  const second = await serveTree(t, first.root);
  const get = (headers: Record<string, string>) => second.get('app.js', headers);
  for (const header of [tag, `W/${tag}`, `"x", ${tag}`]) {
    const answer = await get({ 'accept-encoding': 'gzip, br', 'if-none-match': header });
    assert.deepEqual([answer.status, answer.headers.etag, answer.headers.vary], [304, tag, 'Accept-Encoding']);
  }
  const plain = await get({ 'accept-encoding': 'br', 'if-none-match': plainTag });
  assert.deepEqual([plain.status, plain.headers.etag], [304, plainTag]);
  // Who takes no brotli can't use what has that tag.
  assert.equal((await get({ 'accept-encoding': 'gzip', 'if-none-match': tag })).status, 200);
});

test('If-Match with another tag, or a weak one, is 412; If-Modified-Since says nothing', async (t) => {
  const bed = await serveTree(t);
  const tag = (await bed.get('app.js', {})).headers.etag ?? '';
  for (const [header, status] of [
    [tag, 200],
    ['*', 200],
    [`"x", ${tag}`, 200],
    [`W/${tag}`, 412],
    ['"x"', 412],
  ] as const) {
    assert.equal((await bed.get('app.js', { 'if-match': header })).status, status, header);
  }
  const since = { 'if-modified-since': new Date(Date.now() + 86_400_000).toUTCString() };
  assert.equal((await bed.get('app.js', since)).status, 200);
});

test('a part is one of the coding that is chosen; of what is compressed here only for who has it', async (t) => {
  const bed = await serveTree(t);
  const stored = await bed.get('pre.js', { 'accept-encoding': 'br', range: 'bytes=2-5' });
  assert.deepEqual([stored.status, stored.headers['content-encoding']], [206, 'br']);
  assert.deepEqual(stored.body, (TREE['pre.js.br'] as Buffer).subarray(2, 6));
  const whole = await bed.get('app.js', { 'accept-encoding': 'br' });
  const plain = await bed.get('app.js', { 'accept-encoding': 'br', range: 'bytes=2-5' });
  assert.deepEqual([plain.status, plain.body.toString()], [206, SCRIPT.slice(2, 6)]);
  const ifRange = { 'accept-encoding': 'br', range: 'bytes=2-5', 'if-range': whole.headers.etag ?? '' };
  const resumed = await bed.get('app.js', ifRange);
  assert.deepEqual([resumed.status, resumed.body], [206, whole.body.subarray(2, 6)]);
  const other = await bed.get('app.js', { ...ifRange, 'accept-encoding': 'gzip' });
  assert.deepEqual([other.status, other.body.length], [200, SCRIPT.length]);
});

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function decoded({ headers, body }: Answer): Buffer {
  return DECODERS[headers['content-encoding'] ?? '']?.(body) ?? body;
}

type Bed = TestGateway & {
  readonly root: string;
  /** Asks for a file of the tree; gives what came as it came. */
  get(path: string, headers: Record<string, string>, method?: string): Promise<Answer>;
};

async function serveTree(t: TestContext, tree?: string): Promise<Bed> {
  const root = tree ?? makeTree(t);
  const bed = await startTestGateway(t);
  await bed.route('a/', { kind: 'static', root, index: 'index.html', fallback: null });

  const get: Bed['get'] = (path, headers, method = 'GET') =>
    new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port: bed.port,
        path: `/${path}`,
        method,
        headers: { host: 'a', ...headers },
      };
      const asked = request(options, async (answer) => {
        const body = Buffer.concat(await answer.toArray());
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string>, body });
      });
      asked.on('error', reject).end();
    });
  return { ...bed, root, get };
}

function makeTree(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'codings-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(TREE)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  return root;
}

/** Without what differs from one answer to the next. */
function unnamed(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return { ...headers, date: '', 'x-request-id': '' };
}
