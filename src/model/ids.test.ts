import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCommitId } from './ids.ts';

for (const [name, text, expected] of [
  ['40 hex digits', 'a'.repeat(40), true],
  ['64 hex digits', '0'.repeat(64), true],
  ['an abbreviation', 'a'.repeat(12), false],
  ['upper case', 'A'.repeat(40), false],
  ['41 digits', 'a'.repeat(41), false],
  ['a line break after it', `${'a'.repeat(40)}\n`, false],
  ['a branch name', 'main', false],
] as const) {
  test(`${name}: ${expected ? 'a' : 'not a'} commit id`, () => assert.equal(isCommitId(text), expected));
}
