import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { ChunkedDecoder } from './chunked-decoder.ts';
import { UpstreamFault } from './response-head.ts';

function decode(text: string, cutAt: readonly number[] = []) {
  const decoder = new ChunkedDecoder();
  const bytes = Buffer.from(text, 'latin1');
  const edges = [0, ...[...cutAt].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let content = '';
  let rest = '';
  for (let at = 1; at < edges.length; at += 1) {
    const piece = bytes.subarray(edges[at - 1], edges[at]);
    const used = decoder.isDone ? 0 : decoder.decode(piece, (part) => (content += part.toString('latin1')));
    rest += piece.toString('latin1', used);
  }
  return { content, rest, isDone: decoder.isDone, trailers: decoder.isDone ? decoder.trailers : [] };
}

test('content, trailers and what follows come apart, wherever the pieces are cut', () => {
  const text = '5\r\nhello\r\n00006;a="b"\r\n world\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nnext';
  const expected = { content: 'hello world0123456789', rest: 'next', isDone: true, trailers: ['X-Sum', '1'] };
  fc.assert(
    fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => assert.deepEqual(decode(text, cuts), expected)),
  );
});

test('a body that has not ended is not done', () => assert.equal(decode('5\r\nhello\r\n0\r\n').isDone, false));

for (const text of [
  '5\nhello\r\n0\r\n\r\n',
  '5\r\nhelloX\r\n0\r\n\r\n',
  '5\r\nhello\n0\r\n\r\n',
  'x\r\n',
  '-5\r\n',
  '0x5\r\n',
  ' 5\r\n',
  '\r\n',
  '5;a\rb\r\n',
  '5 x\r\n',
  'fffffffffffffffff\r\n',
  `5;${'a'.repeat(5_000)}\r\n`,
  `0\r\n${`X: ${'a'.repeat(4_000)}\r\n`.repeat(6)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 24))} is malformed`, () => assert.throws(() => decode(text), UpstreamFault));
}

test('what is cut into chunks of any sizes comes together again, whatever two pieces they arrive in', () => {
  const chunk = fc.string({ unit: fc.constantFrom('\r', '\n', '0', 'a', '\xff'), minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 5 }), fc.constantFrom('', ';x', ';x="\\"y"'), (chunks, extension) => {
      const framed = chunks.map((content) => `${content.length.toString(16)}${extension}\r\n${content}\r\n`).join('');
      const text = `${framed}0\r\n\r\nGET`;
      for (let at = 0; at <= text.length; at += 1) {
        assert.deepEqual(decode(text, [at]), { content: chunks.join(''), rest: 'GET', isDone: true, trailers: [] });
      }
    }),
  );
});
