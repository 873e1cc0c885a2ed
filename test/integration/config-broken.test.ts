import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFolder } from '../support/check-folder.ts';

// Ten broken config repos, each with the text that `mainspring check` says of it beside its files.
const folder = fileURLToPath(new URL('../fixtures/broken-config/', import.meta.url));

test('there are ten broken config repos', () => assert.equal(readdirSync(folder).length, 10));

for (const name of readdirSync(folder)) {
  test(`mainspring check says all that is wrong with a config repo of the kind "${name}"`, async () => {
    const { code, stdout, stderr } = await checkFolder(join(folder, name));
    assert.equal(stderr, readFileSync(join(folder, name, 'expected.txt'), 'utf8'));
    assert.deepEqual([code, stdout], [1, '']);
  });
}
