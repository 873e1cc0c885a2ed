import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalJson, hashOf, isSameJson, sha256Hex } from './canonical.ts';

/** RFC 8785, appendix B: the bits of a double, and how it is written. */
const NUMBERS = [
  ['0000000000000000', '0'],
  ['8000000000000000', '0'],
  ['0000000000000001', '5e-324'],
  ['8000000000000001', '-5e-324'],
  ['7fefffffffffffff', '1.7976931348623157e+308'],
  ['ffefffffffffffff', '-1.7976931348623157e+308'],
  ['4340000000000000', '9007199254740992'],
  ['c340000000000000', '-9007199254740992'],
  ['4430000000000000', '295147905179352830000'],
  ['44b52d02c7e14af5', '9.999999999999997e+22'],
  ['44b52d02c7e14af6', '1e+23'],
  ['44b52d02c7e14af7', '1.0000000000000001e+23'],
  ['444b1ae4d6e2ef4e', '999999999999999700000'],
  ['444b1ae4d6e2ef4f', '999999999999999900000'],
  ['444b1ae4d6e2ef50', '1e+21'],
  ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
  ['3eb0c6f7a0b5ed8d', '0.000001'],
  ['41b3de4355555553', '333333333.3333332'],
  ['41b3de4355555554', '333333333.33333325'],
  ['41b3de4355555555', '333333333.3333333'],
  ['41b3de4355555556', '333333333.3333334'],
  ['41b3de4355555557', '333333333.33333343'],
  ['becbf647612f3696', '-0.0000033333333333333333'],
  ['43143ff3c1cb0959', '1424953923781206.2'],
] as const;

for (const [bits, expected] of NUMBERS) {
  test(`the double ${bits} is written as ${expected}`, () => {
    assert.equal(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), expected);
  });
}

for (const [name, value] of [
  ['NaN', Number.NaN],
  ['infinity', Number.POSITIVE_INFINITY],
  ['minus infinity', Number.NEGATIVE_INFINITY],
  ['undefined', undefined],
  ['a big integer', 1n],
  ['a function', () => 1],
  ['a symbol', Symbol('s')],
  ['undefined in a list', [undefined]],
  ['a lone surrogate', 'a\ud83d'],
  ['a lone surrogate in a key', { '\udc00': 1 }],
] as const) {
  test(`${name} is refused`, () => {
    assert.throws(() => canonicalJson(value), TypeError);
  });
}

test('the example of RFC 8785, section 3.2.2, comes out as there', () => {
  const value = JSON.parse(`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`);
  const expected =
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
  assert.equal(canonicalJson(value), expected);
});

test('keys are ordered by UTF-16 code units, as in RFC 8785, section 3.2.3', () => {
  const value = { '\u20ac': 5, '\r': 1, '\ufb33': 7, 1: 2, '\ud83d\ude00': 6, '\u0080': 3, '\u00f6': 4 };
  const inOrder = Object.values(JSON.parse(canonicalJson(value)));
  // A parsed object has the key "1" first, as any engine has; the text is what counts.
  assert.deepEqual(inOrder.toSorted(), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(
    [...canonicalJson(value).matchAll(/:(\d)/g)].map((match) => Number(match[1])),
    [1, 2, 3, 4, 5, 6, 7],
  );
});

for (const [name, value, expected] of [
  ['control characters', '\b\t\n\f\r\u0000\u001f', '"\\b\\t\\n\\f\\r\\u0000\\u001f"'],
  ['what other writers escape stays as it is', '/\u007f\u2028é', '"/\u007f\u2028é"'],
  ['a surrogate pair', '😂', '"😂"'],
  ['empty things', { a: {}, b: [], c: '' }, '{"a":{},"b":[],"c":""}'],
  ['undefined members are left out', { a: undefined, b: 1 }, '{"b":1}'],
  ['nesting sorts on every level', { b: { d: 1, c: 2 }, a: 0 }, '{"a":0,"b":{"c":2,"d":1}}'],
] as const) {
  test(`canonical JSON: ${name}`, () => assert.equal(canonicalJson(value), expected));
}

test('equal values have equal hashes, whatever the order of their keys', () => {
  assert.equal(hashOf({ a: 1, b: [2] }), hashOf({ b: [2], a: 1 }));
  assert.notEqual(hashOf({ a: 1 }), hashOf({ a: '1' }));
});

test('a hash is SHA-256 over UTF-8', () => {
  assert.equal(sha256Hex('é'), sha256Hex(new TextEncoder().encode('é')));
  assert.equal(sha256Hex(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

for (const [name, one, other] of [
  ['the order of keys', { a: 1, b: [{ c: 2, d: null }] }, { b: [{ d: null, c: 2 }], a: 1 }],
  ['an undefined member', { a: 1, b: undefined }, { a: 1 }],
  ['a sign of nothing', [0], [-0]],
] as const) {
  test(`${name} makes no difference`, () => {
    assert.equal(canonicalJson(one), canonicalJson(other));
    assert.deepEqual([isSameJson(one, other), isSameJson(other, one)], [true, true]);
  });
}

for (const [name, one, other] of [
  ['another value', { a: 1 }, { a: 2 }],
  ['another type', { a: 1 }, { a: '1' }],
  ['a member more', { a: 1 }, { a: 1, b: 1 }],
  ['a member of a name that all objects have', {}, { constructor: 1 }],
  ['null for nothing', { a: null }, {}],
  ['the order of a list', [1, 2], [2, 1]],
  ['a longer list', [1], [1, 2]],
  ['a list for an object', [], {}],
  ['null for an object', null, {}],
] as const) {
  test(`${name} makes a difference`, () => {
    assert.notEqual(canonicalJson(one), canonicalJson(other));
    assert.deepEqual([isSameJson(one, other), isSameJson(other, one)], [false, false]);
  });
}
