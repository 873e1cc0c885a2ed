import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { markedSpecs, withSpecFacts } from '../../scripts/suite/specs-docs.ts';
import { readBuiltinSpecs } from '../../src/specs/builtin-specs.ts';
import { CODE_SPECS } from '../../src/specs/code-specs.ts';
import { specTable } from '../../src/specs/spec-table.ts';
import { DIALECT_NAMES } from '../../src/starlark/dialect.ts';
import { never, testEvaluator, treeOf } from '../support/config.ts';

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../docs/${name}`, import.meta.url)), 'utf8');
const docs = read('config.md');
const specDocs = read('specs.md');
const blocks = [...`${docs}\n${specDocs}`.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code = '']) => code);

test('every function and argument is in docs/config.md, and so is every spec that runs no containers with its options', () => {
  const names = Object.entries(DIALECT_NAMES).flatMap(([name, all]) => [
    `## ${name}(`,
    ...all.map((one) => `\`${one}\``),
  ]);
  const options = Object.entries(specTable(CODE_SPECS)).flatMap(([name, rules]) =>
    rules === null
      ? []
      : [
          `| \`${name}\` |`,
          ...[rules.containerOpts, rules.appConfig, rules.params === 'environment' ? {} : rules.params].flatMap((one) =>
            Object.keys(one),
          ),
        ],
  );
  assert.deepEqual(
    [...names, ...options].filter((text) => !docs.includes(text)),
    [],
  );
});

test('docs/specs.md says of every spec that runs containers what its manifest says; `node scripts/specs-docs.ts` writes it', () => {
  const book = readBuiltinSpecs();
  const names = Object.keys(book).filter((name) => !Object.hasOwn(CODE_SPECS, name));
  assert.deepEqual([...markedSpecs(specDocs)].sort(), names.sort());
  assert.equal(withSpecFacts(specDocs, book), specDocs);
});

test('every example of docs/config.md and docs/specs.md is right', async (t) => {
  assert.ok(blocks.length > 15);
  const evaluator = testEvaluator(t, { domain: 'localhost' });
  for (const code of blocks) {
    const folders = [...code.matchAll(/"\.\/([\w/]+)"/g)].map(([, folder]) => [`${folder}/index.html`, ''] as const);
    const { errors } = await evaluator.inspect(treeOf({ ...Object.fromEntries(folders), 'apps.star': code }), never);
    assert.deepEqual(errors, [], code);
  }
});
