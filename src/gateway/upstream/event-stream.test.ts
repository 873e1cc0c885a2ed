import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventStream, isEventStream } from './event-stream.ts';

for (const [name, before, after, endsAtOnce] of [
  ['a stream that has said nothing yet ends at once', [], [], true],
  ['between two events it ends at once', ['data: 1\n\n'], [], true],
  ['an event that came in two parts is whole', ['data: 1\n', '\n'], [], true],
  ['lines may end with CRLF', ['data: 1\r\n', '\r\n'], [], true],
  ['lines may end with CR', ['data: 1\r', '\r'], [], true],
  ['within an event it ends behind it', ['data: 1\n\nda'], ['ta: 2\n', '\n'], false],
  ['a line that has ended is no event yet', ['data: 1\r\n'], ['\r\n'], false],
] as const) {
  test(name, () => {
    let ended = 0;
    const stream = new EventStream({ finish: () => (ended += 1), cut: () => assert.fail('cut') });
    for (const part of before) stream.passed(Buffer.from(part));
    assert.equal(ended, 0);
    stream.end();
    assert.equal(ended > 0, endsAtOnce);
    for (const part of after) {
      assert.equal(ended, 0);
      stream.passed(Buffer.from(part));
    }
    assert.equal(ended, 1);
  });
}

for (const [headers, expected] of [
  [['Content-Type', 'text/event-stream'], true],
  [['content-type', 'Text/Event-Stream; charset=utf-8'], true],
  [['Content-Type', 'text/event-streams'], false],
  [['Content-Type', 'text/event-stream', 'Content-Encoding', 'gzip'], false],
  [[], false],
] as const) {
  test(`${JSON.stringify(headers)} is ${expected ? 'a' : 'no'} stream of events that can be read`, () => {
    assert.equal(isEventStream(headers), expected);
  });
}
