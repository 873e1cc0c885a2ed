import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRange, freeRanges, nextFreeRange, parseRange, type Range } from './subnets.ts';

const range = (text: string) => parseRange(text) as Range;

test('ranges are read and written, a host part cut off', () => {
  assert.equal(formatRange(range('10.213.7.9/16')), '10.213.0.0/16');
  assert.equal(formatRange(range('192.168.255.255/26')), '192.168.255.192/26');
  for (const text of ['10.0.0.0', '10.0.0.256/8', 'fd00::/8', '10.0.0.0/33']) assert.equal(parseRange(text), undefined);
});

test('a subnet that anything touches is left out', () => {
  const taken = ['10.213.0.0/22', '10.213.4.64/26', '10.213.4.255/32'].map(range);
  const free = [...freeRanges(range('10.213.0.0/20'), 26, taken)].map(formatRange);
  assert.deepEqual(free.slice(0, 3), ['10.213.4.0/26', '10.213.4.128/26', '10.213.5.0/26']);
});

test('a range that is used up has none left', () => {
  assert.deepEqual([...freeRanges(range('10.0.0.0/24'), 26, [range('10.0.0.0/8')])], []);
});

test('after a refusal a subnet farther away is tried first: what is hidden may be larger', () => {
  const within = range('10.213.0.0/21');
  const taken = [range('10.213.0.0/26')];
  const next = (refused: readonly string[], hiddenBits = 22) => {
    const found = nextFreeRange(within, 26, { taken, refused: refused.map(range), hiddenBits });
    return found && formatRange(found);
  };
  assert.equal(next([]), '10.213.0.64/26');
  assert.equal(next(['10.213.0.64/26']), '10.213.4.0/26');
  assert.equal(next(['10.213.0.64/26', '10.213.4.0/26']), '10.213.0.128/26', 'nothing is farther away');
  assert.equal(
    next(['10.213.0.64/26'], 30),
    '10.213.0.128/26',
    'what is hidden is never smaller than what is looked for',
  );
  assert.equal(nextFreeRange(range('10.213.0.0/26'), 26, { taken, refused: [], hiddenBits: 22 }), undefined);
});
