import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatDuration, parseDurationMs, parseSizeBytes } from './duration.ts';

for (const [text, ms] of [
  ['300ms', 300],
  ['5s', 5_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['14d', 1_209_600_000],
  ['0s', 0],
  ['', undefined],
  ['5', undefined],
  ['5 s', undefined],
  ['-5s', undefined],
  ['1.5h', undefined],
  ['5S', undefined],
  ['1h30m', undefined],
  ['5s\n', undefined],
  ['1234567890s', undefined],
] as const) {
  test(`"${text.replace('\n', '\\n')}" as a duration is ${ms ?? 'refused'}`, () =>
    assert.equal(parseDurationMs(text), ms));
}

for (const [text, bytes] of [
  ['512m', 512 * 1024 ** 2],
  ['2g', 2 * 1024 ** 3],
  ['2G', 2 * 1024 ** 3],
  ['64k', 65_536],
  ['1048576', 1_048_576],
  ['', undefined],
  ['2gb', undefined],
  ['1.5g', undefined],
  ['-1m', undefined],
  ['m', undefined],
] as const) {
  test(`"${text}" as a size is ${bytes ?? 'refused'}`, () => assert.equal(parseSizeBytes(text), bytes));
}

for (const [ms, text] of [
  [0, '0ms'],
  [300, '300ms'],
  [1_500, '1500ms'],
  [5_000, '5s'],
  [90_000, '90s'],
  [7_200_000, '2h'],
  [86_400_000, '1d'],
] as const) {
  test(`${ms} milliseconds are written as ${text}, which means the same`, () => {
    assert.equal(formatDuration(ms), text);
    assert.equal(parseDurationMs(formatDuration(ms)), ms);
  });
}

for (const [text, expected] of [
  ['36500d', true],
  ['36501d', false],
  ['999999999d', false],
] as const) {
  test(`"${text}", ${expected ? 'a hundred years, is' : 'more than a hundred years, is not'} a duration`, () => {
    assert.equal(parseDurationMs(text) !== undefined, expected);
  });
}
