import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runTests } from './run-tests.ts';

const HEAD = "import assert from 'node:assert';\nimport { test } from 'node:test';\n";

/** Runs files with these texts in one process: what they came to, each failure by its name and first line. */
async function runTogether(t: TestContext, texts: Readonly<Record<string, string>>) {
  const root = mkdtempSync(join(tmpdir(), 'mainspring-together-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const files = Object.keys(texts).map((name) => `${name}.test.mjs`);
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(root, `${name}.test.mjs`), HEAD + text);
  const lines: string[] = [];
  t.mock.method(console, 'log', (line: string) => lines.push(line));
  const { passed, failures, skips } = await runTests(root, files, { folderOf: () => 'unit' });
  const told = (one: { name: string; detail: string }) =>
    `${one.name.replace(/^\S*\//, '')}: ${one.detail.split('\n')[0]}`;
  return { passed, failures: failures.map(told), skips: skips.map(told), printed: lines.join('\n') };
}

const passing = "test('a', () => {});";

test('files of one folder run in one process, and count as if each had its own', async (t) => {
  const same = "test('same', () => assert.equal((globalThis.seen ??= process.pid), process.pid));";
  const { passed, failures, skips, printed } = await runTogether(t, {
    a: `${same} test('sub', (t) => t.test('c', () => {}));`,
    b: `${same} test('left out', { skip: 'no engine' }, () => {});`,
  });
  assert.deepEqual([passed, failures, skips], [4, [], ['b.test.mjs: left out: no engine']]);
  assert.match(printed, /^ok {6}unit, 2 files \(4 passed, 1 skipped; \d/);
});

for (const [name, broken, failure] of [
  ['fails', "test('adds up', () => { console.log('a hint'); assert.equal(1 + 1, 3); });", 'b.test.mjs: adds up: '],
  ['throws', "throw new Error('at the top');", 'b.test.mjs as a whole: Error: at the top'],
  ['is no code', 'test(;', 'b.test.mjs as a whole: SyntaxError: '],
  ['holds no test', '', 'b.test.mjs as a whole: holds no test'],
] as const) {
  test(`a file that ${name} fails, and the others of its folder count`, async (t) => {
    const { passed, failures, printed } = await runTogether(t, { a: passing, b: broken, c: passing });
    assert.equal(passed, 2);
    assert.equal(failures.length, 1, failures.join('\n'));
    assert.ok(failures[0]?.startsWith(failure), failures[0]);
    assert.match(printed, /^not ok {2}unit, 3 files \(2 passed, 1 failed; /);
    if (name === 'fails') assert.match(printed, /2 == 3[\s\S]*b\.test\.mjs:3[\s\S]*a hint/);
  });
}

for (const [name, broken] of [
  ['kills the process', "test('kills', () => process.kill(process.pid, 'SIGKILL'));"],
  ['ends the process', "test('ends', () => process.exit(0));"],
  ['throws when its tests are over', "test('late', () => { setTimeout(() => { throw new Error('late'); }, 1); });"],
] as const) {
  test(`a file that ${name} fails its folder as a whole`, async (t) => {
    const { failures } = await runTogether(t, { a: passing, b: broken });
    assert.equal(failures.length, 1, failures.join('\n'));
    assert.match(failures[0] ?? '', /^unit as a whole: /);
  });
}
