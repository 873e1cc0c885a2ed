import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { withOwnPlace } from './own-place.ts';

test('code that was moved says of itself where it would lie', async (t) => {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'mainspring-place-')));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, 'src'));
  const code = 'export const said = [import.meta.url, import.meta.filename, import.meta.dirname];\n';
  writeFileSync(join(dir, 'src/all.mjs'), withOwnPlace(code, 'src/store/database.ts'));
  const { said } = await import(pathToFileURL(join(dir, 'src/all.mjs')).href);
  const place = join(dir, 'src/store/database.js');
  assert.deepEqual(said, [pathToFileURL(place).href, place, join(dir, 'src/store')]);
});
