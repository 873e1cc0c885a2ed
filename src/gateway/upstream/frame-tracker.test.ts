import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameTracker } from './frame-tracker.ts';

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly isMasked: boolean;
  readonly size: number;
}

function encode({ opcode, isFinal, isMasked, size }: Frame): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const head = [(isFinal ? 0x80 : 0) | opcode];
  if (size < 126) head.push(mask | size);
  else if (size < 65_536) head.push(mask | 126, size >> 8, size & 0xff);
  else head.push(mask | 127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 0xff, size & 0xff);
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0, 0xff), Buffer.alloc(size, 0x88)]);
}

/** A text message in two fragments with a ping between them, and a binary one. */
const FRAMES: readonly Frame[] = [
  { opcode: 1, isFinal: false, isMasked: true, size: 5 },
  { opcode: 9, isFinal: true, isMasked: true, size: 0 },
  { opcode: 0, isFinal: true, isMasked: true, size: 126 },
  { opcode: 2, isFinal: true, isMasked: true, size: 70_000 },
];

test('between the fragments of a message one may be between frames, never between messages', () => {
  const tracker = new FrameTracker();
  const seen = FRAMES.map((frame) => {
    tracker.track(encode(frame));
    return [tracker.isBetweenFrames, tracker.isBetweenMessages];
  });
  assert.deepEqual(seen, [
    [true, false],
    [true, false],
    [true, true],
    [true, true],
  ]);
});

test('the end of the message that is under way is found in the middle of bytes', () => {
  const tracker = new FrameTracker();
  const [one, ping, two, next] = FRAMES.map(encode) as [Buffer, Buffer, Buffer, Buffer];
  assert.equal(tracker.trackMessage(one), -1);
  assert.equal(tracker.trackMessage(Buffer.concat([ping, two, next.subarray(0, 9)])), ping.length + two.length);
});

test('a close frame is noticed from its head on', () => {
  const tracker = new FrameTracker();
  tracker.track(Buffer.from([0x88, 2]));
  assert.deepEqual([tracker.hasClosed, tracker.isBetweenFrames], [true, false]);
});

test('however the bytes are cut, the boundaries are the same', () => {
  const frame = fc.record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    isFinal: fc.boolean(),
    isMasked: fc.boolean(),
    size: fc.oneof(fc.nat(130), fc.constantFrom(65_535, 65_536, 66_000)),
  });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), fc.array(fc.integer({ min: 1, max: 40_000 })), (frames, cuts) => {
      const bytes = Buffer.concat(frames.map(encode));
      const ends = new Set(frames.map((_, at) => Buffer.concat(frames.slice(0, at + 1).map(encode)).length));
      const tracker = new FrameTracker();
      let at = 0;
      for (const cut of [...cuts, bytes.length]) {
        const part = bytes.subarray(at, at + cut);
        tracker.track(part);
        at += part.length;
        assert.equal(tracker.isBetweenFrames, at === 0 || ends.has(at));
      }
    }),
    { seed: 5, numRuns: 200 },
  );
});

test('messages are told from pings, also in parts', () => {
  const tracker = new FrameTracker();
  const said = (...bytes: number[]) => {
    tracker.track(Buffer.from(bytes));
    return tracker.takeSawMessage();
  };
  assert.equal(said(0x89, 2, 1, 2), false, 'a ping');
  assert.equal(said(0x81, 3, 65), true, 'the beginning of a text');
  assert.equal(said(66), true, 'more of it');
  assert.equal(said(), false, 'nothing');
  assert.equal(said(67, 0x8a, 0), true, 'its end, and a pong');
  assert.equal(said(0x8a, 0x80, 1, 2, 3, 4), false, 'a masked pong');
});
