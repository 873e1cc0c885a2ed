import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findTests, unitTestFolder } from './find-tests.ts';

const files = [
  'test/a.test.ts',
  'test/specs/go.test.ts',
  'test/specsheet.test.ts',
  'test/specs/help.ts',
  'src/b.test.mjs',
];

for (const [name, paths, without, expected] of [
  ['all below folders', ['test', 'src'], [], [files[0], files[1], files[2], files[4]]],
  ['each once', ['test/specs', 'test'], [], [files[1], files[0], files[2]]],
  ['none of a folder left out', ['test'], ['test/specs'], [files[0], files[2]]],
  ['a file itself', ['test/a.test.ts'], [], [files[0]]],
  ['none in a folder that is not there', ['gone'], [], []],
] as const) {
  test(`tests are found: ${name}`, (t) => {
    const root = mkdtempSync(join(tmpdir(), 'mainspring-find-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    for (const file of files) {
      mkdirSync(dirname(join(root, file)), { recursive: true });
      writeFileSync(join(root, file), '');
    }
    assert.deepEqual(findTests(root, paths, without), expected);
  });
}

test('unit tests of a folder below src share a process', () => {
  const files = ['src/git/a.test.ts', 'src/git/deep/b.test.ts', 'src/main.test.ts', 'test/e2e/c.test.ts'];
  assert.deepEqual(files.map(unitTestFolder), ['src/git', 'src/git', undefined, undefined]);
});
