// What ten hostile config files and ten broken config repos cost and say: `node bench/hostile.ts`.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readBuiltinSpecs } from '../src/specs/builtin-specs.ts';
import { createEvaluator, type Evaluator } from '../src/starlark/evaluator.ts';
import { checkFolder } from '../test/support/check-folder.ts';
import { never, type TreeFiles, treeOf } from '../test/support/config.ts';
import { type Figure, printReport } from './report.ts';

const TIMEOUT_MS = 2_000;
const many = (count: number, text: (i: number) => string) => Array.from({ length: count }, (_, i) => text(i)).join('');

const hostile: readonly (readonly [name: string, files: TreeFiles])[] = [
  ['a loop without end in sight', { 'a.star': 'for i in range(1000000000000):\n    pass\n' }],
  ['40 squarings of an integer', { 'a.star': 'x = 3\nfor i in range(40):\n    x = x * x\n' }],
  ['a string of a billion characters', { 'a.star': 'x = "a" * 1000000000\n' }],
  ['a string that doubles', { 'a.star': 'x = "a"\nfor i in range(100):\n    x = x + x\n' }],
  ['a list that doubles', { 'a.star': 'x = [1]\nfor i in range(100):\n    x = x + x\n' }],
  ['100,000 nested brackets', { 'a.star': `x = ${'['.repeat(100_000)}${']'.repeat(100_000)}\n` }],
  ['60,000 keyword arguments', { 'a.star': `app(${many(60_000, (i) => `a${i}=1,`)})\n` }],
  ['a million keyword arguments in a dict', { 'a.star': 'app(**{"k%d" % i: i for i in range(1000000)})\n' }],
  ['a million apps', { 'a.star': 'for i in range(1000000):\n    app("/x%d" % i, "github.com/a/b")\n' }],
  [
    'files that load each other',
    { 'a.star': 'load("//l/0", "x")', 'l/0': 'load("//l/1", "y")\nx = 1', 'l/1': 'load("//l/0", "x")\ny = 1' },
  ],
];

const say = (text: string) => void (process.argv.includes('--json') || console.log(text));
const figures: Figure[] = [];

async function measure(evaluator: Evaluator, name: string, files: TreeFiles): Promise<void> {
  const started = performance.now();
  const { errors, evaluation } = await evaluator.inspect(
    treeOf({ ...files, 'z.star': 'app("/z", "github.com/a/b")\n' }),
    never,
  );
  const ms = performance.now() - started;
  const rss = process.memoryUsage.rss() / 2 ** 20;
  say(`\n${name}: ${ms.toFixed(0)} ms, ${rss.toFixed(0)} MiB in the process after it`);
  if (evaluation.ok) say(`  accepted: ${evaluation.declarations.apps.length} apps`);
  for (const { file, line, message, hint } of errors.slice(0, 2)) say(`  ${file}:${line}: ${message} ${hint ?? ''}`);
  if (errors.length > 2) say(`  … ${errors.length} errors in all`);
  const note = `${errors[0]?.message.slice(0, 60) ?? 'accepted'}; ${rss.toFixed(0)} MiB after it`;
  figures.push({ name, value: ms, unit: 'ms', goal: { atMost: TIMEOUT_MS + 1_000 }, note });
}

const evaluator = createEvaluator({ specs: readBuiltinSpecs(), domain: 'localhost', timeoutMs: TIMEOUT_MS });
for (const [name, files] of hostile) await measure(evaluator, name, files);
await evaluator.close();

const broken = fileURLToPath(new URL('../test/fixtures/broken-config/', import.meta.url));
for (const name of readdirSync(broken)) {
  const started = performance.now();
  const { code, stderr } = await checkFolder(join(broken, name));
  const ms = performance.now() - started;
  say(`\n${name}: exit ${code} after ${ms.toFixed(0)} ms\n${stderr.trimEnd()}`);
  figures.push({ name: `broken: ${name}`, value: ms, unit: 'ms', note: `exit ${code}` });
}

say('');
printReport({
  part: 'hostile',
  title: `hostile: ten hostile config files (time limit ${TIMEOUT_MS} ms) and broken repos`,
  figures,
});
