import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ProxyHeader, type ProxyVersions, parseProxyHeader } from './proxy-protocol.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const V4 = 'c0000201c6336402c35001bb';
const V6 = '20010db8000000000000000000000001fd000000000000000000000000000002c35001bb';
const v2 = (command: string, family: string, rest: string, length = rest.length / 2) =>
  Buffer.from(`${SIGNATURE}${command}${family}${length.toString(16).padStart(4, '0')}${rest}`, 'hex');
const complete = (bytes: number, address: string | null) => ({ kind: 'complete', bytes, address });
const INVALID = { kind: 'invalid' };

const CASES: readonly (readonly [string, Buffer, unknown])[] = [
  ['v1 over IPv4', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n'), complete(45, '192.0.2.1')],
  ['v1 over IPv6', Buffer.from('PROXY TCP6 2001:db8::1 fd00::2 50000 443\r\n'), complete(42, '2001:db8::1')],
  ['v1 that cannot tell', Buffer.from('PROXY UNKNOWN\r\n'), complete(15, null)],
  ['v1 that cannot tell, at length', Buffer.from('PROXY UNKNOWN ffff::1 whatever 1 2\r\n'), complete(36, null)],
  ['v2 over IPv4', v2('21', '11', V4), complete(28, '192.0.2.1')],
  ['v2 over IPv6', v2('21', '21', V6), complete(52, '2001:db8::1')],
  ['v2 with more behind the addresses', v2('21', '11', `${V4}04000401020304`), complete(35, '192.0.2.1')],
  ['v2 of the proxy itself', v2('20', '00', ''), complete(16, null)],
  ['v2 of the proxy itself, with addresses', v2('20', '11', V4), complete(28, null)],
  ['v2 of no family', v2('21', '00', '0102'), complete(18, null)],
  ['v2 of a Unix socket', v2('21', '31', '00'.repeat(216)), complete(232, null)],
  ['v1 with an address of the other family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n'), INVALID],
  ['v1 with a leading zero', Buffer.from('PROXY TCP4 192.0.02.1 1.1.1.1 1 2\r\n'), INVALID],
  ['v1 with a port too high', Buffer.from('PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n'), INVALID],
  ['v1 with two spaces', Buffer.from('PROXY TCP4  1.1.1.1 1.1.1.1 1 2\r\n'), INVALID],
  ['v1 that ends in LF alone', Buffer.from('PROXY TCP4 1.1.1.1 1.1.1.1 1 2\nGET / HTTP/1.1\r\n\r\n'), INVALID],
  ['v1 without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`), INVALID],
  ['v1 that is too long', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}\r\n`), INVALID],
  ['v2 of another version', v2('11', '11', V4), INVALID],
  ['v2 with an unknown command', v2('22', '11', V4), INVALID],
  ['v2 of an unknown family', v2('21', '41', V4), INVALID],
  ['v2 shorter than its addresses', v2('21', '21', V4), INVALID],
  ['v2 that is too long', v2('21', '11', V4, 65_535), INVALID],
  ['a request without a header', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), INVALID],
];

for (const [name, bytes, expected] of CASES) {
  test(`PROXY header: ${name} is ${(expected as ProxyHeader).kind}`, () =>
    assert.deepEqual(parseProxyHeader(bytes, 'any'), expected));
}

test('PROXY header: wherever it is cut, the parts before the end are partial and those after it change nothing', () => {
  for (const [name, bytes, expected] of CASES) {
    const { kind, bytes: length } = expected as { kind: string; bytes: number };
    if (kind !== 'complete') continue;
    for (let cut = 0; cut < length; cut += 1)
      assert.equal(parseProxyHeader(bytes.subarray(0, cut), 'any').kind, 'partial', `${name} at ${cut}`);
    const more = Buffer.concat([bytes, Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
    for (let cut = length; cut <= more.length; cut += 1)
      assert.deepEqual(parseProxyHeader(more.subarray(0, cut), 'any'), expected, `${name} at ${cut}`);
  }
});

test('PROXY header: what is invalid stays so, and nothing that grows stays partial past 2 KiB', () => {
  const starts = CASES.map(([, bytes]) => bytes);
  fc.assert(
    fc.property(fc.constantFrom(...starts), fc.nat(60), fc.uint8Array({ maxLength: 40 }), (start, keep, noise) => {
      const bytes = Buffer.concat([start.subarray(0, keep), noise, Buffer.alloc(2_100, 'x')]);
      let isInvalid = false;
      for (let cut = 0; cut <= 120; cut += 1) {
        const { kind } = parseProxyHeader(bytes.subarray(0, cut), 'any');
        assert.ok(!isInvalid || kind === 'invalid', `valid again at ${cut}`);
        isInvalid = kind === 'invalid';
      }
      assert.notEqual(parseProxyHeader(bytes, 'any').kind, 'partial');
    }),
  );
});

for (const [versions, v1, second] of [
  ['v1', 'complete', 'invalid'],
  ['v2', 'invalid', 'complete'],
  ['any', 'complete', 'complete'],
] as const) {
  test(`PROXY header: where ${versions} is asked for, v1 is ${v1} and v2 is ${second}`, () => {
    const kinds = [Buffer.from('PROXY UNKNOWN\r\n'), v2('20', '00', '')].map(
      (bytes) => parseProxyHeader(bytes, versions as ProxyVersions).kind,
    );
    assert.deepEqual(kinds, [v1, second]);
  });
}
