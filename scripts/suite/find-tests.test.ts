import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { findTests, sharedFolder } from './find-tests.ts';

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

test('tests of a folder below src or test/integration share a process', () => {
  const alone = ['src/main.test.ts', 'test/integration/git-http.test.ts', 'test/e2e/c.test.ts'];
  const shared = ['src/git/a.test.ts', 'src/git/deep/b.test.ts', 'test/integration/gateway/d.test.ts'];
  assert.deepEqual(alone.map(sharedFolder), [undefined, undefined, undefined]);
  assert.deepEqual(shared.map(sharedFolder), ['src/git', 'src/git', 'test/integration/gateway']);
});
