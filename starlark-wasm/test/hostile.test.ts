import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Dialect, LimitName, StarlarkError } from '../src/index.ts';
import { builtin, failed, source, succeeded, testPool } from './evaluating.ts';

// Each of these costs its own evaluation, within its deadline plus a second, and nobody else anything.

const timeMs = 600;
// What must end by another limit gets time enough to reach it, however busy the machine is.
const ampleMs = 20_000;
// The promise is a second where nothing else runs; the suite runs other files beside this one.
const graceMs = 3_000;
const dialect: Dialect = { topLevelControl: true, while: true, recursion: true, globalReassign: true };
const builtins = [builtin('put', ['value?'])];
const pool = testPool({ after }, { workers: 2, memoryBytes: 96 * 2 ** 20 });
const nested = (text: string, depth: number) => text.repeat(depth);

const hostile: readonly (readonly [
  name: string,
  text: string,
  ends: readonly (LimitName | StarlarkError['kind'])[],
  ...lines: number[],
])[] = [
  ['an endless loop', 'x = 1\nwhile True: pass', ['steps', 'time'], 2],
  ['40 squarings of an integer', 'x = 3\nfor i in range(40):\n    x = x * x', ['time', 'memory'], 2],
  ['a string of a billion characters', 'y = 1\nx = "a" * 1000000000', ['memory'], 2],
  ['a string that doubles', 'x = "a"\nfor i in range(100):\n    x = x + x', ['memory'], 2],
  ['a list that doubles', 'x = [1]\nfor i in range(100):\n    x = x + x', ['memory', 'time'], 2, 3],
  ['100,000 nested brackets', `x = ${nested('[', 100_000)}${nested(']', 100_000)}`, ['syntax', 'nesting'], 1],
  [
    'a million keyword arguments',
    `put(${Array.from({ length: 1_000_000 }, (_, i) => `a${i}=1`).join(',')})`,
    ['resolve', 'time', 'memory'],
    0,
    1,
  ],
  [
    'a million keyword arguments through a dict',
    'put(**{"k%d" % i: i for i in range(1000000)})',
    ['runtime', 'time', 'memory'],
    1,
  ],
  ['endless recursion', 'def f(n):\n    return f(n + 1)\nf(0)', ['memory', 'nesting', 'time', 'runtime'], 1, 2, 3],
  ['endless printing', 'while True: print("x" * 1000)', ['output'], 1],
  ['a load cycle', 'load("//main.star", "x")', ['load-cycle'], 1],
  ['a giant format', 's = "a" * 1000000\nx = ("%s" * 1000) % tuple([s for _ in range(1000)])', ['memory'], 2],
  ['a huge dict', 'x = {i: [i] for i in range(100000000)}', ['time', 'memory', 'steps'], 1],
  ['list(range(10**18))', 'y = 1\nx = list(range(1000000000000000000))', ['memory'], 2],
  ['a value nested a million deep', 'x = []\nfor i in range(1000000): x = [x]\nput(x)', ['nesting', 'time'], 2, 3],
  [
    'printing a value nested a million deep',
    'x = []\nfor i in range(1000000): x = [x]\nprint(x)',
    ['nesting', 'time', 'memory'],
    2,
    3,
  ],
  ['a small value that is huge when written', 'x = []\nfor i in range(50): x = [x, x]\nput(x)', ['output'], 3],
  [
    'printing a small value that is huge when written',
    'x = []\nfor i in range(50): x = [x, x]\nprint(x)',
    ['time', 'memory'],
    3,
  ],
  ['replace() that multiplies', 'x = ("a" * 100000).replace("a", "b" * 100000)', ['memory'], 1],
  ['200,000 nested negations', `x = ${nested('not ', 200_000)}1`, ['syntax', 'nesting'], 1],
];

for (const [name, text, ends, ...lines] of hostile) {
  test(`${name} costs its own evaluation and says where`, async () => {
    const limits = { timeMs: ends.includes('time') ? timeMs : ampleMs, inputBytes: 32 * 2 ** 20 };
    const start = performance.now();
    const neighbour = pool.evaluate(source('put(1)', { builtins }));
    const [error] = failed(await pool.evaluate(source(text, { builtins, dialect, limits }))).errors;
    const took = performance.now() - start;
    assert.ok(ends.includes(error.limit ?? error.kind), `ended with ${error.limit ?? error.kind}: ${error.message}`);
    assert.ok(took < limits.timeMs + graceMs, `took ${took.toFixed()} ms`);
    assert.ok(lines.includes(error.line), `line ${error.line}`);
    assert.equal((await neighbour).ok, true);
  });
}

test('ten evaluations beside hostile ones come out as if alone', async () => {
  const four = testPool({ after }, { workers: 2 });
  const bad = hostile.filter(([name]) => /squarings|doubles|recursion/.test(name));
  const limits = { timeMs: 700 };
  const [good, ended] = await Promise.all([
    Promise.all(Array.from({ length: 10 }, (_, i) => four.evaluate(source(`put([${i}] * 3)`, { builtins })))),
    Promise.all(bad.map(([, text]) => four.evaluate(source(text, { dialect, limits })))),
  ]);
  assert.deepEqual(
    good.map((result) => succeeded(result).calls[0]?.args.value),
    Array.from({ length: 10 }, (_, i) => [i, i, i]),
  );
  assert.ok(ended.every((result) => !result.ok));
});

test('the memory that hostile files took goes back', async () => {
  const two = testPool({ after }, { workers: 2 });
  const greedy = (size: number) => two.evaluate(source(`x = len("a" * ${size})`, { limits: { timeMs: ampleMs } }));
  await Promise.all([greedy(10), greedy(10)]);
  const before = residentBytes();
  for (let i = 0; i < 2; i++) {
    // Below the limit, so that the instances live on with memory that never shrinks.
    assert.ok((await Promise.all([greedy(160 * 2 ** 20), greedy(160 * 2 ** 20)])).every((result) => result.ok));
    await Promise.all(hostile.slice(2, 4).map(([, text]) => two.evaluate(source(text, { dialect }))));
  }
  const deadline = Date.now() + 5_000;
  while (residentBytes() > before + 96 * 2 ** 20 && Date.now() < deadline) await new Promise(setImmediate);
  const grown = (residentBytes() - before) / 2 ** 20;
  assert.ok(grown <= 96, `${grown.toFixed()} MiB more than before`);
});

function residentBytes(): number {
  return 1_024 * Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
}
