import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fc } from '../../../test/support/properties.ts';
import { MOST_RANGES, parseRanges } from './byte-range.ts';

for (const [header, expected] of [
  [undefined, 'all'],
  ['bytes=0-9', '0-9'],
  ['bytes=90-', '90-99'],
  ['bytes=-5', '95-99'],
  ['bytes=-500', '0-99'],
  ['bytes=5-999', '5-99'],
  ['Bytes=0-0', '0-0'],
  ['bytes=0-9,20-29', '0-9 20-29'],
  ['bytes=20-29, 0-9', '20-29 0-9'],
  ['bytes=,0-9,,20-29,', '0-9 20-29'],
  ['bytes=0-9,10-19', '0-19'],
  ['bytes=0-9,10-19,30-39', '0-19 30-39'],
  ['bytes=10-19,0-9', '10-19 0-9'],
  ['bytes=0-9,200-300', '0-9'],
  ['bytes=100-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=100-,200-', 'unsatisfiable'],
  ['bytes=0-9,9-19', 'all'],
  ['bytes=0-99,-1', 'all'],
  ['bytes=9-5', 'all'],
  ['bytes=0-9,9-5', 'all'],
  ['bytes=-', 'all'],
  ['bytes=', 'all'],
  ['bytes=a-b', 'all'],
  ['bytes=0-9;20-29', 'all'],
  ['bytes=0x0-9', 'all'],
  ['bytes 0-9', 'all'],
  ['lines=0-9', 'all'],
  [`bytes=${Array.from({ length: MOST_RANGES }, (_, at) => `${at * 3}-${at * 3}`)}`, 'many'],
  [`bytes=${Array.from({ length: MOST_RANGES + 1 }, (_, at) => `${at * 3}-${at * 3}`)}`, 'all'],
] as const) {
  test(`of 100 bytes, ${header?.slice(0, 40) ?? 'no range'} means ${expected}`, () => {
    const ranges = parseRanges(header, 100);
    if (ranges === undefined || ranges === 'unsatisfiable') return assert.equal(ranges ?? 'all', expected);
    const text = ranges.map(({ start, end }) => `${start}-${end}`).join(' ');
    assert.equal(ranges.length === MOST_RANGES ? 'many' : text, expected);
  });
}

test('parts lie inside the file, overlap nowhere, and hold each byte that was asked for', () => {
  const spec = fc.tuple(fc.nat(150), fc.nat(150)).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 120 }), (specs, size) => {
      const ranges = parseRanges(`bytes=${specs.map(({ from, to }) => `${from}-${to}`)}`, size);
      const asked = new Set(specs.flatMap(({ from, to }) => bytesOf(from, Math.min(to, size - 1))));
      if (ranges === 'unsatisfiable') return assert.equal(asked.size, 0);
      if (ranges === undefined) return;
      const sent = ranges.flatMap(({ start, end }) => bytesOf(start, end));
      assert.deepEqual(
        sent.sort((a, b) => a - b),
        [...asked].sort((a, b) => a - b),
      );
    }),
  );
});

function bytesOf(from: number, to: number): number[] {
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => from + at);
}
