import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodingChoice } from './content-coding.ts';

const choice = new CodingChoice();

for (const [header, all, gzip, none] of [
  [undefined, 'identity', 'identity', 'identity'],
  ['', 'identity', 'identity', 'identity'],
  ['gzip', 'gzip', 'gzip', 'identity'],
  ['GZIP', 'gzip', 'gzip', 'identity'],
  ['gzip, deflate, br, zstd', 'br', 'gzip', 'identity'],
  ['gzip;q=1.0, br;q=0.5', 'gzip', 'gzip', 'identity'],
  ['gzip;q=0.5, zstd;q=0.6', 'zstd', 'gzip', 'identity'],
  ['br;q=0', 'identity', 'identity', 'identity'],
  ['br;q=0, *', 'zstd', 'gzip', 'identity'],
  ['*', 'br', 'gzip', 'identity'],
  ['identity', 'identity', 'identity', 'identity'],
  ['identity;q=1, *;q=0', 'identity', 'identity', 'identity'],
  ['identity;q=1, gzip;q=0.5', 'identity', 'identity', 'identity'],
  ['identity;q=0', null, null, null],
  ['identity;q=0, br', 'br', null, null],
  ['*;q=0', null, null, null],
  ['gzip, *;q=0', 'gzip', 'gzip', null],
  ['deflate', 'identity', 'identity', 'identity'],
  ['gzip;q=nonsense', 'identity', 'identity', 'identity'],
  [', ,', 'identity', 'identity', 'identity'],
  [`${'x'.repeat(300)}, gzip`, 'gzip', 'gzip', 'identity'],
] as const) {
  test(`"${header?.slice(0, 40) ?? 'no header'}" takes ${all} of all, ${gzip} where there is only gzip, ${none} where nothing is coded`, () => {
    // Twice: the second time from memory.
    for (const _ of [1, 2]) {
      assert.equal(choice.choose(header, ['br', 'zstd', 'gzip']), all);
      assert.equal(choice.choose(header, ['gzip']), gzip);
      assert.equal(choice.choose(header, []), none);
    }
  });
}
