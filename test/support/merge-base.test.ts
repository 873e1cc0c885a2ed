import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommitId } from '../../src/model/ids.ts';
import { mergeBaseOf, type ParentsOf } from './merge-base.ts';

// o - p - x1 - x2     x2 and y2 merge x1 and y1 both (criss-cross); z is unrelated.
//       \ y1 - y2
const parentsOf = new Map(
  Object.entries({ o: [], p: ['o'], x1: ['p'], y1: ['p'], x2: ['x1', 'y1'], y2: ['y1', 'x1'], z: [] }),
) as unknown as ParentsOf;

for (const [name, a, b, expected] of [
  ['equal commits are their own base', 'x1', 'x1', 'x1'],
  ['of a commit and an ancestor it is the ancestor', 'x1', 'o', 'o'],
  ['of two branches it is where they part', 'x1', 'y1', 'p'],
  ['of two best ones it is the smaller id, whichever side comes first', 'y2', 'x2', 'x1'],
  ['unrelated commits have none', 'x2', 'z', null],
] as const) {
  test(`merge base in memory: ${name}`, () => {
    assert.equal(mergeBaseOf(parentsOf, a as CommitId, b as CommitId), expected);
    assert.equal(mergeBaseOf(parentsOf, b as CommitId, a as CommitId), expected);
  });
}
