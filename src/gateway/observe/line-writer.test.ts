import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LineSink, LineWriter } from './line-writer.ts';

test('lines are written in order, many at a time, and all of them by the time it is closed', async () => {
  const { sink, written } = memorySink();
  const writer = new LineWriter(sink, () => {});
  for (let at = 0; at < 5_000; at += 1) writer.write(`line ${at} ${'x'.repeat(50)}`);
  await writer.close();
  const lines = written.join('').split('\n');
  assert.equal(lines.length, 5_001);
  assert.ok(lines.slice(0, -1).every((line, at) => line.startsWith(`line ${at} x`)));
  assert.ok(written.length <= 5);
  assert.equal(writer.dropped, 0);
});

test('what cannot be written is dropped and counted; the beginning and the end of that are said once', async () => {
  const { sink, written, fault } = memorySink();
  const said: string[] = [];
  const writer = new LineWriter(sink, (level, message, fields) =>
    said.push(`${level} ${message} ${JSON.stringify(fields)}`),
  );
  fault.error = new Error('the disk is full');
  const big = 'x'.repeat(70_000);
  for (const _ of [1, 2, 3]) {
    writer.write(big);
    await Promise.resolve();
  }
  await writer.close();
  assert.equal(writer.dropped, 3);
  fault.error = undefined;
  writer.write('fine');
  await writer.close();
  assert.deepEqual(written, ['fine\n']);
  assert.deepEqual(said, [
    'warn the access log cannot be written: lines are dropped {"error":"Error: the disk is full"}',
    'info the access log is written again {"dropped":3}',
  ]);
});

test('a disk that hangs costs a bounded amount of memory and holds nobody up', async () => {
  const { sink, written, hang } = memorySink();
  const writer = new LineWriter(sink, () => {});
  hang.promise = new Promise((resolve) => {
    hang.release = resolve;
  });
  for (let at = 0; at < 10_000; at += 1) writer.write('x'.repeat(1_000));
  assert.ok(writer.dropped > 5_000 && writer.dropped < 6_000, `${writer.dropped}`);
  hang.release?.();
  await writer.close();
  assert.equal(written.join('').length / 1_001, 10_000 - writer.dropped);
});

test('a failing refresh is a failing write', async () => {
  const { sink } = memorySink();
  const writer = new LineWriter({ ...sink, refresh: () => Promise.reject(new Error('gone')) }, () => {});
  writer.write('x');
  await writer.close();
  assert.equal(writer.dropped, 1);
});

function memorySink() {
  const written: string[] = [];
  const fault: { error: Error | undefined } = { error: undefined };
  const hang: { promise: Promise<void> | undefined; release: (() => void) | undefined } = {
    promise: undefined,
    release: undefined,
  };
  const sink: LineSink = {
    append: async (lines) => {
      await hang.promise;
      if (fault.error !== undefined) throw fault.error;
      written.push(lines);
    },
    refresh: async () => {},
    close: async () => {},
  };
  return { sink, written, fault, hang };
}
