import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { isNeeded } from './needs.ts';

const files = {
  'test/support/containers/docker.ts': '',
  'test/direct.test.ts': "import { a } from './support/containers/docker.ts';",
  'test/far.test.ts': "import './fixture.ts';",
  'test/fixture.ts': "new Worker(new URL('./worker.ts', import.meta.url));",
  'test/worker.ts': "import './far.test.ts';\nimport './support/containers/docker.ts';",
  'test/none.test.ts': "import './support/other.ts';\nimport { test } from 'node:test';",
  'test/support/containers/own.test.ts': '',
};

for (const [file, expected] of [
  ['test/direct.test.ts', true],
  ['test/far.test.ts', true],
  ['test/support/containers/own.test.ts', true],
  ['test/none.test.ts', false],
] as const) {
  test(`${file} ${expected ? 'leads' : 'does not lead'} to the folder`, (t) => {
    const root = mkdtempSync(join(tmpdir(), 'mainspring-needs-'));
    t.after(() => rmSync(root, { recursive: true, force: true }));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    assert.equal(isNeeded(root, 'test/support/containers', [file]), expected);
  });
}
