import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unreadableAnswer } from './unreadable.ts';

for (const [name, code, bytes, bytesParsed, status] of [
  ['another version', 'HPE_INVALID_VERSION', 'GET / HTTP/1.2\r\n', 13, 505],
  ['the right version with a wrong line end', 'HPE_INVALID_VERSION', 'GET / HTTP/1.1\nHost: a\n', 14, 400],
  ['the preface of HTTP/2', 'HPE_PAUSED_H2_UPGRADE', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 24, 505],
  ['a method that nobody knows', 'HPE_INVALID_METHOD', 'FROB / HTTP/1.1\r\n', 1, 501],
  ['a method in lower case', 'HPE_INVALID_METHOD', 'get / HTTP/1.1\r\n', 0, 501],
  ['such a method behind another request', 'HPE_INVALID_METHOD', 'GET / HTTP/1.1\r\n\r\nFROB / HTTP/1.1\r\n', 19, 501],
  ['garbage', 'HPE_INVALID_METHOD', '\x16\x03\x01 hello', 0, 400],
  ['a method of which only a part was seen', 'HPE_INVALID_METHOD', '', 0, 400],
  ['a target without end', 'HPE_HEADER_OVERFLOW', `GET /${'x'.repeat(100)}`, 100, 414],
  ['a header without end', 'HPE_HEADER_OVERFLOW', `GET / HTTP/1.1\r\nX: ${'x'.repeat(100)}`, 100, 431],
  ['what goes on without end', 'HPE_HEADER_OVERFLOW', 'x'.repeat(100), 100, 431],
  ['a head that takes too long', 'ERR_HTTP_REQUEST_TIMEOUT', '', 0, 408],
  ['anything else', 'HPE_INVALID_HEADER_TOKEN', 'GET / HTTP/1.1\r\nX : y\r\n', 18, 400],
] as const) {
  test(`${name} is answered with ${status}`, () =>
    assert.equal(unreadableAnswer({ code, rawPacket: Buffer.from(bytes, 'latin1'), bytesParsed }).status, status));
}

test('a fault without the bytes is answered all the same', () =>
  assert.equal(unreadableAnswer({ code: 'HPE_INVALID_METHOD' }).status, 400));
