import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createStarlarkPool, type EvaluateRequest, type StarlarkPool } from '../src/index.ts';
import { errorLines, failed, source, testPool } from './evaluating.ts';

const packageFolder = fileURLToPath(new URL('..', import.meta.url));
const endless: EvaluateRequest = {
  ...source('while True: pass', { dialect: { while: true, topLevelControl: true } }),
  limits: { steps: 1e15 },
};
// No step ends, so only force helps.
const squarings: EvaluateRequest = {
  ...source('x = 3\nfor i in range(40): x = x * x', { dialect: { topLevelControl: true, globalReassign: true } }),
};

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited too long');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Runs a script that has the package at hand; throws if it fails or takes longer than 10 seconds. */
function runScript(entry: string, script: string): string {
  const text = `import { createStarlarkPool } from ${JSON.stringify(entry)};\n${script}`;
  const args = ['--input-type=module', '--eval', text];
  return execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 10_000, env: {} });
}

test('threads start when needed, up to the number given', async (t) => {
  const pool = testPool(t, { workers: 2 });
  assert.equal(pool.size, 0);
  await pool.evaluate(source('x = 1'));
  assert.equal(pool.size, 1);
  const results = await Promise.all(Array.from({ length: 20 }, (_, i) => pool.evaluate(source(`print(${i})`))));
  assert.equal(pool.size, 2);
  assert.deepEqual(
    results.map((result) => result.prints[0]?.message),
    Array.from({ length: 20 }, (_, i) => `${i}`),
  );
});

test('idle threads are stopped, and come back', async (t) => {
  const pool = testPool(t, { workers: 2, idleMs: 20 });
  await Promise.all([pool.evaluate(source('x = 1')), pool.evaluate(source('x = 1'))]);
  await until(() => pool.size === 0);
  assert.equal((await pool.evaluate(source('x = 1'))).ok, true);
});

test('one thread is reused while nothing goes wrong', async (t) => {
  const pool = testPool(t, { workers: 1, idleMs: 60_000 });
  let started = 0;
  const count = () => started++;
  process.on('worker', count);
  t.after(() => process.off('worker', count));
  for (let i = 0; i < 50; i++) assert.equal((await pool.evaluate(source(i % 2 ? 'x = 1' : 'x ='))).ok, i % 2 === 1);
  assert.equal(started, 1);
});

test('a loop that takes too long is stopped where it is, with its backtrace', async (t) => {
  const text = 'def spin():\n    while True:\n        pass\nspin()';
  const request = source(text, { dialect: { while: true }, limits: { timeMs: 200, steps: 1e15 } });
  const [error] = failed(await testPool(t).evaluate(request)).errors;
  assert.deepEqual([error.limit, error.message], ['time', 'took longer than 200 ms']);
  assert.deepEqual(
    error.backtrace.map((frame) => frame.name),
    ['<toplevel>', 'spin'],
  );
});

test('the same source uses the same number of steps, and stops at the same place', async (t) => {
  const pool = testPool(t, { workers: 2 });
  const request = { ...endless, limits: { steps: 123_456 } };
  const [one, two] = await Promise.all([pool.evaluate(request), pool.evaluate(request)]);
  assert.deepEqual(one, two);
  assert.equal(one.steps, 123_456);
});

for (const [name, request] of [
  ['asks whether to go on', endless],
  ['never asks', squarings],
] as const) {
  test(`a signal ends an evaluation that ${name}`, { timeout: 60_000 }, async (t) => {
    const pool = testPool(t, { workers: 1 });
    await pool.evaluate(source('x = 1'));
    const controller = new AbortController();
    const limits = { ...request.limits, timeMs: 600_000 };
    const running = pool.evaluate({ ...request, limits }, controller.signal);
    setTimeout(() => controller.abort(), 50);
    assert.equal(failed(await running).errors[0].limit, 'cancelled');
    assert.equal((await pool.evaluate(source('x = 1'))).ok, true);
  });
}

test('a signal that comes while its thread is starting ends an evaluation that never asks', async (t) => {
  const pool = testPool(t, { workers: 2 });
  await pool.evaluate(source('x = 1'));
  // One thread is taken, so that the other evaluation gets a new one: with the code compiled, it begins to start at once.
  const [first, second] = [new AbortController(), new AbortController()];
  const taken = pool.evaluate(squarings, first.signal);
  const starting = pool.evaluate(squarings, second.signal);
  setTimeout(() => second.abort(), 5);
  assert.equal(failed(await starting).errors[0].limit, 'cancelled');
  first.abort();
  assert.equal(failed(await taken).errors[0].limit, 'cancelled');
});

test('a signal ends what waits: for a thread, for a file, or for nothing yet', async (t) => {
  const pool = testPool(t, { workers: 1 });
  const controller = new AbortController();
  const waitsForFile = pool.evaluate({ entry: 'a', files: () => new Promise(() => {}) }, controller.signal);
  const waitsForThread = pool.evaluate(source('x = 1'), controller.signal);
  await until(() => pool.size === 1);
  controller.abort();
  const results = [await waitsForFile, await waitsForThread, await pool.evaluate(source('x = 1'), controller.signal)];
  assert.deepEqual(
    results.map((result) => failed(result).errors[0].limit),
    ['cancelled', 'cancelled', 'cancelled'],
  );
  assert.equal((await pool.evaluate(source('x = 1'))).ok, true);
});

test('fetching files is not counted as time of the evaluation', async (t) => {
  const files = (path: string) =>
    new Promise<string>((resolve) => {
      setTimeout(() => resolve(path === 'a' ? 'load("//b", "x")' : 'x = 1'), 150);
    });
  assert.equal((await testPool(t).evaluate({ entry: 'a', files, limits: { timeMs: 100 } })).ok, true);
});

test('closing ends what runs and what waits, and later evaluations are refused', async () => {
  const pool = createStarlarkPool({ workers: 1 });
  const running = pool.evaluate(endless);
  const waiting = pool.evaluate(source('x = 1'));
  await until(() => pool.size === 1);
  await pool.close();
  assert.equal(pool.size, 0);
  for (const ended of [await running, await waiting]) assert.equal(failed(ended).errors[0].limit, 'cancelled');
  await assert.rejects(pool.evaluate(source('x = 1')), /closed/);
  await pool.close();
});

test('less memory can be allowed', async (t) => {
  // Memory is what should run out, on a machine that has more to do, too.
  const large = { ...source('x = len("a" * 33554432)'), limits: { timeMs: 60_000 } };
  const roomy: StarlarkPool = testPool(t);
  const tight: StarlarkPool = testPool(t, { memoryBytes: 24 * 2 ** 20 });
  assert.equal((await roomy.evaluate(large)).ok, true);
  assert.deepEqual(errorLines(await tight.evaluate(large)), [
    'main.star:1:1 limit memory: needs more than 24 MiB of memory',
  ]);
  assert.equal((await tight.evaluate(source('x = 1'))).ok, true);
});

for (const [subject, options] of [
  ['no workers', { workers: 0 }],
  ['a negative idle time', { idleMs: -1 }],
  ['too little memory', { memoryBytes: 1_000 }],
] as const) {
  test(`a pool with ${subject} is refused`, () => {
    assert.throws(() => createStarlarkPool(options), TypeError);
  });
}

test('limits that make no sense are refused', async (t) => {
  const pool = testPool(t);
  for (const limits of [{ timeMs: 0 }, { steps: 1.5 }, { outputBytes: Number.NaN }, { memory: 1 } as object]) {
    await assert.rejects(pool.evaluate(source('', { limits })), TypeError);
  }
});

test('a pool keeps no process alive, and an evaluation does', () => {
  const entry = join(packageFolder, 'src/index.ts');
  const script = `const pool = createStarlarkPool({ idleMs: 60_000 });
    pool.evaluate({ entry: 'a', files: { a: 'print(1)' } }).then((result) => console.log(result.prints[0].message));`;
  assert.equal(runScript(entry, script), '1\n');
});

test('it works when compiled to JavaScript', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'starlark-wasm-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const root = join(packageFolder, '..');
  const compilerOptions = {
    noEmit: false,
    outDir: join(folder, 'dist'),
    rootDir: join(packageFolder, 'src'),
    typeRoots: [join(root, 'node_modules/@types')],
  };
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: [join(packageFolder, 'src')] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'inherit' });
  cpSync(join(packageFolder, 'starlark.wasm'), join(folder, 'starlark.wasm'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const script = `const pool = createStarlarkPool();
    console.log((await pool.evaluate({ entry: 'a', files: { a: 'print(2)' } })).prints[0].message);`;
  assert.equal(runScript(join(folder, 'dist/index.js'), script), '2\n');
});

test('a program does not end while an evaluation waits for a thread that is being ended', () => {
  const printed = runScript(
    join(packageFolder, 'src/index.ts'),
    `const files = new Map([['big', 'x = "a"\\nfor i in range(100): x = x + x'], ['small', 'y = 1']]);
    const dialect = { topLevelControl: true, globalReassign: true };
    const pool = createStarlarkPool({ workers: 1, memoryBytes: 64 * 2 ** 20 });
    const evaluate = (entry) => pool.evaluate({ entry, files: (path) => files.get(path), dialect });
    const results = await Promise.all(['big', 'small'].map(evaluate));
    console.log(results.map(({ ok }) => ok).join());`,
  );
  assert.equal(printed, 'false,true\n');
});
