import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const ENTRY = new URL('./program.ts', import.meta.url);

/** The packages that loading a file loads: what it imports at once, and what that imports, but nothing that is loaded later. */
function packagesLoadedBy(file: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>();
  if (seen.has(file.href)) return packages;
  seen.add(file.href);
  const imports = readFileSync(file, 'utf8').matchAll(/^import (?!type )[^;]*?from '([^']+)';/gm);
  for (const [, specifier = ''] of imports) {
    const found = specifier.startsWith('.') ? packagesLoadedBy(new URL(specifier, file), seen) : [specifier];
    for (const name of found) packages.add(name);
  }
  return packages;
}

test('the program itself loads nothing but commander: each command loads what it needs', () => {
  const packages = [...packagesLoadedBy(ENTRY), ...packagesLoadedBy(new URL('./version.ts', import.meta.url))];
  assert.deepEqual(
    packages.filter((name) => !name.startsWith('node:')),
    ['commander'],
  );
});
