import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReadBuffers } from './read-buffers.ts';

const ENDED = { isWritten: false, isLast: true };

/** A read of so many bytes, all of this value, to where the next one is to go. */
function read(buffers: ReadBuffers, bytes: number, value: number, isStreaming = true): Buffer {
  return buffers.next(isStreaming).fill(value, 0, bytes).subarray(0, bytes);
}

function isAll(content: Buffer, value: number): boolean {
  return content.every((byte) => byte === value);
}

test('heads and short answers of all connections go to the same memory', () => {
  assert.equal(new ReadBuffers().next(false), new ReadBuffers().next(true));
});

test('content that is too long to be copied when it is sent survives the next read', () => {
  const buffers = new ReadBuffers();
  const content = buffers.contentOf(read(buffers, 5_000, 1));
  buffers.passed(content, { isWritten: false, isLast: false });
  read(buffers, 5_000, 2);
  read(new ReadBuffers(), 5_000, 3);
  assert.ok(isAll(content, 1));
});

test('after a large read a stream reads to memory of its own, the same again once that is written', () => {
  const buffers = new ReadBuffers();
  buffers.passed(buffers.contentOf(read(buffers, 60_000, 1)), { isWritten: true, isLast: false });
  const own = buffers.next(true);
  assert.notEqual(own, new ReadBuffers().next(true));
  const content = buffers.contentOf(read(buffers, 60_000, 2));
  assert.equal(content.buffer, own.buffer);
  buffers.passed(content, { isWritten: true, isLast: false });
  assert.equal(buffers.next(true), own);
});

test('memory with content that waits for the client is not read to, and given back when that has taken it', () => {
  const buffers = new ReadBuffers();
  buffers.passed(buffers.contentOf(read(buffers, 65_536, 1)), { isWritten: true, isLast: false });
  const content = buffers.contentOf(read(buffers, 65_536, 2));
  buffers.passed(content, { isWritten: false, isLast: false });
  read(buffers, 65_536, 3);
  assert.ok(isAll(content, 2));
  buffers.written();
  assert.equal(content.length, 0);
});

for (const [what, end] of [
  ['of an answer that has ended', (buffers: ReadBuffers, content: Buffer) => buffers.passed(content, ENDED)],
  ['that broke off while it was passed on', () => {}],
] as const) {
  test(`content ${what} stays with whoever still writes it`, () => {
    const buffers = new ReadBuffers();
    buffers.passed(buffers.contentOf(read(buffers, 65_536, 1)), { isWritten: true, isLast: false });
    const content = buffers.contentOf(read(buffers, 65_536, 2));
    end(buffers, content);
    buffers.next(false);
    buffers.written();
    read(buffers, 65_536, 3);
    assert.ok(content.length === 65_536 && isAll(content, 2));
  });
}
