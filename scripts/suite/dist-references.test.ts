import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteForDist, unresolvedReferences } from './dist-references.ts';

for (const [code, expected] of [
  ["import { a } from 'starlark-wasm';", "import { a } from '../../starlark-wasm/src/index.js';"],
  ["await import('starlark-wasm')", "await import('../../starlark-wasm/src/index.js')"],
  ["new URL('./worker.ts', import.meta.url)", "new URL('./worker.js', import.meta.url)"],
  ["new URL('../main.ts', import.meta.url)", "new URL('../main.js', import.meta.url)"],
  ["new URL('./app.star', import.meta.url)", "new URL('./app.star', import.meta.url)"],
  ["import { z } from 'zod'; say('./x.ts');", "import { z } from 'zod'; say('./x.ts');"],
] as const) {
  test(`${code} becomes ${expected} in dist/`, () => {
    assert.equal(rewriteForDist('src/starlark/a.js', code), expected);
  });
}

test('a reference that dist/ could not resolve is found', () => {
  const code =
    "import './a.js'; import { b } from './b.ts'; import('starlark-wasm'); new URL('./c.ts', base); f('./d.ts');";
  assert.deepEqual(unresolvedReferences(code), ['./b.ts', 'starlark-wasm', './c.ts']);
});
