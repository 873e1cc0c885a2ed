import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseForwarded } from './forwarded.ts';

const hop = (node: string | undefined, more: { proto?: string; host?: string } = {}) => ({
  for: node,
  proto: undefined,
  host: undefined,
  ...more,
});

for (const [value, expected] of [
  // The examples of RFC 7239, 4.
  ['for="_gazonk"', [hop(undefined)]],
  ['For="[2001:db8:cafe::17]:4711"', [hop('2001:db8:cafe::17')]],
  ['for=192.0.2.60;proto=http;by=203.0.113.43', [hop('192.0.2.60', { proto: 'http' })]],
  ['for=192.0.2.43, for=198.51.100.17', [hop('192.0.2.43'), hop('198.51.100.17')]],
  [
    'for=192.0.2.43,for="[2001:db8:cafe::17]",for=unknown',
    [hop('192.0.2.43'), hop('2001:db8:cafe::17'), hop(undefined)],
  ],
  ['for=_hidden, for=_SEVKISEK', [hop(undefined), hop(undefined)]],
  ['for="1.1.1.1:_port"', [hop('1.1.1.1')]],
  [' for=1.1.1.1 ; host="a,b;c" , , ;', [hop('1.1.1.1', { host: 'a,b;c' })]],
  ['host="a\\"b"', [hop(undefined, { host: 'a"b' })]],
  ['', []],
  ['for', undefined],
  ['for=', undefined],
  ['for = 1.1.1.1', undefined],
  ['for="1.1.1.1', undefined],
  ['for=1.1.1.1;for=2.2.2.2', undefined],
  ['for=[2001:db8::1]', undefined],
  ['for="2001:db8::1"', undefined],
  ['for=1.1.1.1 for=2.2.2.2', undefined],
  ['for=1.1.1.1, nonsense', undefined],
  ['for=1.1.1.1:123456', undefined],
  [Array.from({ length: 33 }, () => 'for=1.1.1.1').join(), undefined],
  [`for=1.1.1.1;x=${'y'.repeat(4_096)}`, undefined],
] as const) {
  test(`Forwarded: ${value.slice(0, 60)} is ${expected === undefined ? 'malformed' : JSON.stringify(expected)}`, () =>
    assert.deepEqual(parseForwarded(value), expected));
}

test('any text is parsed in one go, or malformed', () => {
  const part = fc.constantFrom('for=', '1.1.1.1', '"', '[::1]', ';', ',', ' ', '\\', 'proto=https', '_x', ':80', 'é');
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
      for (const { for: node } of parseForwarded(parts.join('')) ?? []) assert.match(node ?? '', /^[0-9a-f.:]*$/);
    }),
  );
});
