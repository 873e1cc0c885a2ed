import assert from 'node:assert/strict';
import { test } from 'node:test';
import { framingFault } from './framing.ts';

const HOST = ['Host', 'a'];
for (const [name, head, expected] of [
  ['a plain request is fine', {}, undefined],
  ['exactly chunked is fine, in any case', { rawHeaders: [...HOST, 'transfer-encoding', 'Chunked'] }, undefined],
  ['HTTP/1.0 with Host is fine', { httpVersion: '1.0' }, undefined],
  ['HTTP/0.9 is refused', { httpVersion: '0.9', rawHeaders: [] }, 505],
  ['HTTP/2.0 in text is refused', { httpVersion: '2.0' }, 505],
  ['no Host is refused, in 1.0 too', { httpVersion: '1.0', rawHeaders: [] }, 400],
  [
    'HTTP/1.0 needs no Host beside an absolute target',
    { httpVersion: '1.0', rawHeaders: [], url: 'http://a/' },
    undefined,
  ],
  ['HTTP/1.1 does', { rawHeaders: [], url: 'http://a/' }, 400],
  ['a target at the limit is fine', { url: `/${'x'.repeat(19)}` }, undefined],
  ['a target beyond the limit is refused', { url: `/${'x'.repeat(20)}` }, 414],
  ['a coding that is not the last is refused', { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked, gzip'] }, 400],
  ['a coding without chunked is refused', { rawHeaders: [...HOST, 'Transfer-Encoding', 'gzip'] }, 400],
  ['chunked twice is refused', { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked , chunked'] }, 400],
  ['the one known expectation is fine, in any case', { headers: { expect: '100-Continue' } }, undefined],
  ['others are refused', { headers: { expect: '100-continue, more' } }, 417],
  ['in HTTP/1.0 they are ignored', { httpVersion: '1.0', headers: { expect: 'more' } }, undefined],
  ['two Hosts are refused, even equal ones', { rawHeaders: [...HOST, 'hOst', 'a'] }, 400],
  ['identity, chunked is refused', { rawHeaders: [...HOST, 'Transfer-Encoding', 'identity, chunked'] }, 501],
  ['gzip, chunked is refused', { rawHeaders: [...HOST, 'Transfer-Encoding', 'gzip, chunked'] }, 501],
  [
    'two codings are refused',
    { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked', 'TRANSFER-ENCODING', 'chunked'] },
    400,
  ],
  [
    'coding and length together are refused',
    { rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked', 'content-length', '3'] },
    400,
  ],
  ['two lengths are refused', { rawHeaders: [...HOST, 'Content-Length', '3', 'content-length', '3'] }, 400],
  [
    'a coding in HTTP/1.0 is refused',
    { httpVersion: '1.0', rawHeaders: [...HOST, 'Transfer-Encoding', 'chunked'] },
    400,
  ],
  ['CONNECT is refused', { method: 'CONNECT' }, 405],
  ['TRACE is refused', { method: 'TRACE' }, 405],
  ['a method of another protocol is refused', { method: 'DESCRIBE' }, 501],
] as const) {
  test(name, () =>
    assert.equal(
      framingFault({ httpVersion: '1.1', method: 'GET', url: '/', rawHeaders: HOST, headers: {}, ...head }, 20)?.status,
      expected,
    ),
  );
}
