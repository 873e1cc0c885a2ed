import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogFiles } from './log-files.ts';

/** A log in a folder of its own, and a clock whose sleeps are steps: `onSleep` is what happens between two looks. */
async function setup(t: TestContext, onSleep: (round: number) => Promise<void> = async () => undefined) {
  const dir = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const logs = new LogFiles(dir, { maxBytes: 20, files: 2 });
  const write = async (text: string, stream: 'stdout' | 'stderr' = 'stdout') => {
    const file = await logs.open(stream);
    await file.write(text).finally(() => file.close());
  };
  let round = 0;
  const clock = { now: () => 0, sleep: () => onSleep(++round) };
  const end = new AbortController();
  const follow = async (count: number) => {
    const texts: string[] = [];
    const of = { instance: 'i' } as never;
    for await (const { text } of logs.read(
      { of, tail: 10, follow: true },
      { clock, signal: end.signal, isOver: () => false },
    )) {
      if (texts.push(text) === count) end.abort();
    }
    return texts;
  };
  return { dir, logs, write, follow };
}

test('the tail has the last lines of each stream, over files that were set aside', async (t) => {
  const { logs, write } = await setup(t);
  for (let n = 1; n <= 9; n++) {
    await write(`line ${n}\n`);
    await logs.rotate();
  }
  await write('oh\nno\n', 'stderr');
  assert.deepEqual(
    (await logs.tail(2)).map(({ stream, text }) => `${stream} ${text}`),
    ['stdout line 8', 'stdout line 9', 'stderr oh', 'stderr no'],
  );
  assert.deepEqual(await logs.tail(0), []);
});

test('no more files are kept than were asked for', async (t) => {
  const { dir, logs, write } = await setup(t);
  for (let n = 0; n < 10; n++) {
    await write('x'.repeat(30));
    await logs.rotate();
  }
  assert.deepEqual((await readdir(dir)).sort(), ['stdout.log', 'stdout.log.1', 'stdout.log.2']);
});

test('following goes on where the tail ended, also when the file is set aside in between', async (t) => {
  const bench = await setup(t, async (round) => {
    await bench.write(`round ${round} of some\n`);
    if (round === 2) await bench.logs.rotate();
  });
  await bench.write('first\n');
  assert.deepEqual(await bench.follow(4), ['first', 'round 1 of some', 'round 2 of some', 'round 3 of some']);
});

test('a line is told once it is whole', async (t) => {
  const bench = await setup(t, (round) => bench.write(round === 1 ? 'be' : 'gun\n'));
  assert.deepEqual(await bench.follow(1), ['begun']);
});

test('following a log that is removed ends', async (t) => {
  const bench = await setup(t, () => rm(bench.dir, { recursive: true }));
  await bench.write('only\n');
  assert.deepEqual(await bench.follow(99), ['only']);
});
