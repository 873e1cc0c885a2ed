import assert from 'node:assert/strict';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually, startTestGateway, type TestGateway } from './testbed.ts';

const SMALL = Buffer.from(Array.from({ length: 1_000 }, (_, at) => at % 251));
const LARGE = Buffer.from(Array.from({ length: 1_500_000 }, (_, at) => (at * 7) % 253));

for (const [name, content] of [
  ['small.bin', SMALL],
  ['large.bin', LARGE],
] as const) {
  test(`several parts of ${name} come as multipart/byteranges, each with its place`, async (t) => {
    const bed = await serveTree(t);
    const { status, headers, body } = await bed.get(name, { range: 'bytes=500-899, 0-0 ,-10' });
    assert.equal(status, 206);
    assert.equal(headers['content-range'], undefined);
    assert.equal(Number(headers['content-length']), body.length);
    const size = content.length;
    assert.deepEqual(partsOf(headers['content-type'] ?? '', body), [
      { type: 'application/octet-stream', range: `bytes 500-899/${size}`, content: content.subarray(500, 900) },
      { type: 'application/octet-stream', range: `bytes 0-0/${size}`, content: content.subarray(0, 1) },
      {
        type: 'application/octet-stream',
        range: `bytes ${size - 10}-${size - 1}/${size}`,
        content: content.subarray(-10),
      },
    ]);
  });
}

test('many parts that span pieces of a large file come whole', async (t) => {
  const bed = await serveTree(t);
  const ranges = Array.from({ length: 16 }, (_, at) => [at * 90_000, at * 90_000 + 89_000] as const);
  const { headers, body } = await bed.get('large.bin', { range: `bytes=${ranges.map(([a, b]) => `${a}-${b}`)}` });
  assert.deepEqual(
    partsOf(headers['content-type'] ?? '', body).map(({ content }) => content),
    ranges.map(([from, to]) => LARGE.subarray(from, to + 1)),
  );
});

for (const [range, status, contentRange] of [
  ['bytes=0-9,10-19', 206, 'bytes 0-19/1000'],
  ['bytes=0-9,5000-', 206, 'bytes 0-9/1000'],
  ['bytes=5000-,-0', 416, 'bytes */1000'],
  ['bytes=0-9,5-19', 200, undefined],
  [`bytes=${Array.from({ length: 40 }, (_, at) => `${at * 2}-${at * 2}`)}`, 200, undefined],
] as const) {
  test(`${range.slice(0, 30)} gives ${status} ${contentRange ?? 'and all of it'}`, async (t) => {
    const bed = await serveTree(t);
    const answer = await bed.get('small.bin', { range });
    assert.deepEqual([answer.status, answer.headers['content-range']], [status, contentRange]);
    const [, from, to] = /bytes (\d+)-(\d+)/.exec(contentRange ?? '') ?? [];
    if (status === 206) assert.deepEqual(answer.body, SMALL.subarray(Number(from), Number(to) + 1));
    else assert.equal(answer.body.length, status === 200 ? 1_000 : 0);
  });
}

test('HEAD ignores ranges', async (t) => {
  const bed = await serveTree(t);
  const answer = await bed.get('small.bin', { range: 'bytes=0-9' }, 'HEAD');
  assert.deepEqual([answer.status, answer.headers['content-length'], answer.body.length], [200, '1000', 0]);
});

test('answers in a pipeline come in order, whatever they come from', async (t) => {
  const bed = await serveTree(t);
  const ask = (name: string, more = '') => `GET /${name} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  const text = await bed.raw(
    ask('large.bin') +
      ask('small.bin') +
      ask('none') +
      ask('large.bin', 'Range: bytes=0-3,8-9\r\n') +
      ask('small.bin', 'Connection: close\r\n'),
  );
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+) [^\r]*\r\n/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ['200', '200', '404', '206', '200']);
  assert.ok(text.includes(LARGE.toString('latin1')));
  assert.ok(text.endsWith(SMALL.toString('latin1')));
});

test('a tree that went while its clients stay gives 503 for what is not in memory, and the gateway lives', async (t) => {
  const bed = await serveTree(t);
  assert.equal((await bed.get('large.bin', {})).body.length, LARGE.length);
  renameSync(bed.root, `${bed.root}.gone`);
  t.after(() => rmSync(`${bed.root}.gone`, { recursive: true, force: true }));
  assert.equal((await bed.get('large.bin', {})).status, 503);
  assert.equal((await bed.get('small.bin', {})).status, 404);
});

test('a file that was cut off in the middle of a download ends the connection, not the gateway', async (t) => {
  const bed = await serveTree(t);
  const path = join(bed.root, 'huge.bin');
  writeFileSync(path, Buffer.alloc(64 * 1024 * 1024));
  const answer = await begin(bed, 'huge.bin');
  const file = openSync(path, 'r+');
  ftruncateSync(file, 1_000_000);
  closeSync(file);
  await assert.rejects(answer.toArray(), { code: 'ECONNRESET' });
  assert.equal((await bed.get('small.bin', {})).status, 200);
});

test('clients that read nothing cost one descriptor a file and a piece of memory each; when they leave it is closed', {
  skip: process.platform !== 'linux' && 'needs /proc',
}, async (t) => {
  const bed = await serveTree(t);
  writeFileSync(join(bed.root, 'huge.bin'), Buffer.alloc(64 * 1024 * 1024));
  const before = readdirSync('/proc/self/fd').length;
  const memory = process.memoryUsage().arrayBuffers;
  const clients = await Promise.all(Array.from({ length: 40 }, () => connectAndAsk(bed.port, 'huge.bin')));
  // Each client is a descriptor on either side, as both run here; the file is one more.
  await eventually(() => readdirSync('/proc/self/fd').length - before === 81, 'one descriptor for the file');
  assert.ok(process.memoryUsage().arrayBuffers - memory < 40 * 1024 * 1024);
  for (const client of clients) client.destroy();
  await eventually(() => readdirSync('/proc/self/fd').length <= before, 'all closed');
  assert.equal(bed.gateway.inFlight(), 0);
});

interface Part {
  readonly type: string | undefined;
  readonly range: string | undefined;
  readonly content: Buffer;
}

/** Reads a body as RFC 2046 (5.1.1) says. */
function partsOf(contentType: string, body: Buffer): Part[] {
  const boundary = /^multipart\/byteranges; boundary=([\w-]{20,70})$/.exec(contentType)?.[1];
  assert.ok(boundary !== undefined, contentType);
  const pieces = `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`);
  assert.deepEqual([pieces[0], pieces.at(-1)], ['', '--\r\n']);
  return pieces.slice(1, -1).map((piece) => {
    const end = piece.indexOf('\r\n\r\n');
    const headers = new Headers(
      piece
        .slice(2, end)
        .split('\r\n')
        .map((line) => line.split(': ') as [string, string]),
    );
    const content = Buffer.from(piece.slice(end + 4), 'latin1');
    return {
      type: headers.get('content-type') ?? undefined,
      range: headers.get('content-range') ?? undefined,
      content,
    };
  });
}

type Bed = TestGateway & {
  readonly root: string;
  get(
    path: string,
    headers: Record<string, string>,
    method?: string,
  ): Promise<{ status: number; headers: Record<string, string>; body: Buffer }>;
};

async function serveTree(t: TestContext): Promise<Bed> {
  const root = mkdtempSync(join(tmpdir(), 'ranges-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  writeFileSync(join(root, 'small.bin'), SMALL);
  writeFileSync(join(root, 'large.bin'), LARGE);
  const bed = await startTestGateway(t);
  await bed.route('a/', { kind: 'static', root, index: 'index.html', fallback: null });
  const get: Bed['get'] = async (path, headers, method = 'GET') => {
    const answer = await begin(bed, path, { headers, method });
    const body = Buffer.concat(await answer.toArray());
    return { status: answer.statusCode ?? 0, headers: answer.headers as Record<string, string>, body };
  };
  return { ...bed, root, get };
}

function begin(
  { port }: { readonly port: number },
  path: string,
  { headers = {}, method = 'GET' }: { headers?: Record<string, string>; method?: string } = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: `/${path}`, method, headers: { host: 'a', ...headers } };
    request(options, resolve).on('error', reject).end();
  });
}

/** A client that asks and then reads nothing. */
function connectAndAsk(port: number, path: string): Promise<ReturnType<typeof connect>> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.pause();
      socket.write(`GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`, () => resolve(socket));
    });
    socket.on('error', reject);
  });
}
