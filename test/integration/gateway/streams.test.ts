import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { httpUpstream, startTestGateway, type TestGateway } from './testbed.ts';

const CONTENT = randomBytes(9_000_000);
const HASH = sha(CONTENT);
const PIECES = [1, 700, 16_384, 65_536, 300_000] as const;

for (const framing of ['sized', 'chunked'] as const) {
  for (const pace of ['fast', 'slow'] as const) {
    test(`${framing} content comes through byte for byte, both ways at once, to ${pace} readers`, async (t) => {
      const bed = await startTestGateway(t);
      const target = await httpUpstream(t, async (request, response) => {
        const uploaded = hashOf(request, pace);
        if (framing === 'sized') response.setHeader('content-length', CONTENT.length);
        for (const piece of pieces(CONTENT.length - 1)) if (!response.write(piece)) await once(response, 'drain');
        // An answer that is complete before the request is ends the request.
        uploads.push(await uploaded);
        response.end(CONTENT.subarray(-1));
      });
      const uploads: string[] = [];
      await bed.route('a/', target);
      const downloads = await Promise.all([1, 2, 3].map(() => exchange(bed, framing, pace)));
      assert.deepEqual(downloads, [HASH, HASH, HASH]);
      assert.deepEqual(uploads, [HASH, HASH, HASH]);
    });
  }
}

async function exchange(bed: TestGateway, framing: 'sized' | 'chunked', pace: 'fast' | 'slow'): Promise<string> {
  const headers = { host: 'a', ...(framing === 'sized' ? { 'content-length': CONTENT.length } : {}) };
  const client = httpRequest({ port: bed.port, host: '127.0.0.1', method: 'POST', headers });
  const downloaded = once(client, 'response').then(([answer]) => hashOf(answer as IncomingMessage, pace));
  for (const piece of pieces()) if (!client.write(piece)) await once(client, 'drain');
  client.end();
  return downloaded;
}

function* pieces(end = CONTENT.length): Generator<Buffer> {
  for (let at = 0, turn = 0; at < end; turn += 1) {
    const size = PIECES[turn % PIECES.length] ?? 1;
    yield CONTENT.subarray(at, Math.min(end, at + size));
    at += size;
  }
}

async function hashOf(stream: IncomingMessage, pace: 'fast' | 'slow'): Promise<string> {
  const hash = createHash('sha256');
  let reads = 0;
  for await (const data of stream) {
    hash.update(data as Buffer);
    reads += 1;
    if (pace === 'slow' && reads % 20 === 0) await wait(5);
  }
  return hash.digest('hex');
}

function sha(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
