import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SPEC_TABLE } from '../../src/runtime/specs.ts';
import { DIALECT_NAMES } from '../../src/starlark/dialect.ts';
import { never, testEvaluator, treeOf } from '../support/config.ts';

const docs = readFileSync(fileURLToPath(new URL('../../docs/config.md', import.meta.url)), 'utf8');
const blocks = [...docs.matchAll(/^```python\n(.*?)^```$/gms)].map(([, code = '']) => code);

test('every function and argument is in docs/config.md, and so is every spec with its options', () => {
  const names = Object.entries(DIALECT_NAMES).flatMap(([name, all]) => [
    `## ${name}(`,
    ...all.map((one) => `\`${one}\``),
  ]);
  const options = Object.entries(SPEC_TABLE).flatMap(([name, rules]) => [
    `| \`${name}\` |`,
    ...[rules.containerOpts, rules.appConfig, rules.params === 'environment' ? {} : rules.params].flatMap((one) =>
      Object.keys(one),
    ),
  ]);
  assert.deepEqual(
    [...names, ...options].filter((text) => !docs.includes(text)),
    [],
  );
});

test('every example of docs/config.md is right', async (t) => {
  assert.ok(blocks.length > 15);
  const evaluator = testEvaluator(t, { domain: 'localhost' });
  for (const code of blocks) {
    const folders = [...code.matchAll(/"\.\/([\w/]+)"/g)].map(([, folder]) => [`${folder}/index.html`, ''] as const);
    const { errors } = await evaluator.inspect(treeOf({ ...Object.fromEntries(folders), 'apps.star': code }), never);
    assert.deepEqual(errors, [], code);
  }
});
