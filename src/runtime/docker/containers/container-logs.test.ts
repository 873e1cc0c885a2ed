import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogLine } from '../../engine.ts';
import { linesOf, newerThan } from './container-logs.ts';

function frame(stream: 1 | 2, text: string): Buffer {
  const head = Buffer.alloc(8);
  head[0] = stream;
  head.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([head, Buffer.from(text)]);
}

async function linesFrom(chunks: readonly Buffer[]): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of linesOf(chunks, false)) lines.push(line);
  return lines;
}

const T = '2026-11-27T15:00:00.123456789Z';

test('frames are taken apart wherever the engine cuts them, and lines told by stream and time', async () => {
  const all = Buffer.concat([frame(1, `${T} one\n`), frame(2, `${T} t`), frame(1, `${T} three\n`), frame(2, 'wo\n')]);
  for (const size of [1, 5, 1_000]) {
    const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
      all.subarray(n * size, (n + 1) * size),
    );
    const lines = await linesFrom(chunks);
    assert.deepEqual(
      lines.map(({ stream, at, text }) => [stream, at, text]),
      [
        ['stdout', T, 'one'],
        ['stdout', T, 'three'],
        ['stderr', T, 'two'],
      ],
    );
  }
});

test('a line without end comes in parts', async () => {
  const lines = await linesFrom([frame(1, 'x'.repeat(150_000))]);
  assert.deepEqual(
    lines.map(({ text }) => text.length),
    [65_536, 65_536, 18_928],
  );
});

test('a log that is read on from a moment gives what is new of that moment, and nothing twice', async () => {
  const lineOf = (at: string, text: string): LogLine => ({ at, stream: 'stdout', text });
  async function* all(): AsyncGenerator<LogLine> {
    for (const [second, text] of ['1 a', '2 b', '2 c', '2 d', '3 e', '3 f'].map((one) => one.split(' '))) {
      yield lineOf(`2026-11-27T15:00:0${second}Z`, text ?? '');
    }
  }
  const newer = async (seen: Parameters<typeof newerThan>[0]) => {
    const texts: string[] = [];
    for await (const { text } of newerThan(seen, all())) texts.push(text);
    return texts.join('');
  };
  assert.equal(await newer(null), 'abcdef');
  assert.equal(await newer({ at: '2026-11-27T15:00:02Z', lines: 2 }), 'def');
  assert.equal(await newer({ at: '2026-11-27T15:00:03Z', lines: 1 }), 'f');
});
