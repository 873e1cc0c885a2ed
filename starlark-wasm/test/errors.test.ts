import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Dialect } from '../src/index.ts';
import { builtin, errorLines, failed, source, testPool } from './evaluating.ts';

const pool = testPool({ after });

for (const [subject, text, expected] of [
  ['an open bracket', 'x = (\n', ['main.star:2:1 syntax: got end of file, want primary expression']],
  [
    'a bad indent',
    'def f():\n    x = 1\n  y = 2\n',
    ['main.star:3:3 syntax: unindent does not match any outer indentation level'],
  ],
  ['an unterminated string', 'x = "abc\n', ['main.star:1:5 syntax: unexpected newline in string']],
  ['an unknown name that is near a builtin', 'aap("/x")', ['main.star:1:1 resolve: undefined: aap (app?)']],
  [
    'an unknown name that is near a global',
    'colour = 1\nx = coluor',
    ['main.star:2:5 resolve: undefined: coluor (colour?)'],
  ],
  ['an unknown name that is near nothing', 'x = qqqqqqqq', ['main.star:1:5 resolve: undefined: qqqqqqqq']],
  ['an unknown field', 'x = "a".uper()', ['main.star:1:8 runtime: string has no .uper field or method (upper?)']],
  ['a division by zero', 'x = 1 // 0', ['main.star:1:7 runtime: floored division by zero']],
  ['a missing key', 'x = {}["k"]', ['main.star:1:7 runtime: key "k" not in dict']],
  [
    'a wrong argument of a function',
    'def f(a): pass\nf(b = 1)',
    ['main.star:2:2 runtime: function f got an unexpected keyword argument "b"'],
  ],
] as const) {
  test(`${subject} is an error with kind, place and suggestion`, async () => {
    assert.deepEqual(errorLines(await pool.evaluate(source(text, { builtins: [builtin('app', ['path'])] }))), expected);
  });
}

test('all static errors of all files come out at once, in reading order', async () => {
  const files = {
    'main.star': 'load("//lib.star", "good", "nmae")\nload("lib.star", "x")\nload("//gone.star", "y")\nz = seven + two',
    'lib.star': 'good = 1\nname = 2\nload("//broken.star", "b")\nw = three',
    'broken.star': 'def',
  };
  const result = await pool.evaluate({ entry: 'main.star', files });
  assert.deepEqual(errorLines(result), [
    'main.star:2:6 resolve: load name "lib.star" should begin with "//" (a path from the root)',
    'main.star:3:6 resolve: load: there is no file "gone.star"',
    'main.star:4:5 resolve: undefined: seven',
    'main.star:4:13 resolve: undefined: two',
    'lib.star:4:5 resolve: undefined: three',
    'broken.star:1:4 syntax: not an identifier',
  ]);
  assert.deepEqual(result.loaded, ['main.star', 'lib.star', 'broken.star']);
  assert.deepEqual(result.missing, ['gone.star']);
});

test('a name that the loaded file does not define is found before anything runs', async () => {
  const files = { 'main.star': 'load("//lib.star", "nmae")\nprint("ran")', 'lib.star': 'name = 2' };
  const result = await pool.evaluate({ entry: 'main.star', files });
  assert.deepEqual(errorLines(result), ['main.star:1:21 resolve: load: //lib.star does not define nmae (name?)']);
  assert.deepEqual(result.prints, []);
});

test('a runtime error in a loaded file has its own place and the whole backtrace', async () => {
  const files = {
    'main.star': 'load("//lib.star", "x")',
    'lib.star': 'def half(n):\n    return n // 0\nx = half(1)',
  };
  const error = failed(await pool.evaluate({ entry: 'main.star', files })).errors[0];
  assert.deepEqual([error.message, error.file, error.line], ['floored division by zero', 'lib.star', 2]);
  assert.deepEqual(
    error.backtrace.map(({ name, file, line }) => `${file}:${line} ${name}`),
    ['main.star:1 <toplevel>', 'lib.star:3 <toplevel>', 'lib.star:2 half'],
  );
});

test('an entry that is not there is an error of that file', async () => {
  const result = await pool.evaluate({ entry: 'main.star', files: {} });
  assert.deepEqual(errorLines(result), ['main.star:0:0 resolve: no such file']);
  assert.deepEqual(result.missing, ['main.star']);
});

test('what an error quotes from the source is cut', async () => {
  const [error] = failed(await pool.evaluate(source('fail("x" * 100000)'))).errors;
  assert.ok(error.message.length < 2_100, `${error.message.length} characters`);
});

test('a byte order mark and Windows line ends are no errors, and lines count', async () => {
  assert.deepEqual(errorLines(await pool.evaluate(source('\ufeffx = 1\r\ny = zz\r\n'))), [
    'main.star:2:5 resolve: undefined: zz',
  ]);
});

for (const [name, text] of [
  ['recursion', 'def f(n): return 0 if n == 0 else f(n - 1)\nf(3)'],
  ['while', 'def f():\n    while True: break\nf()'],
  ['topLevelControl', 'for i in [1]: pass\nif True: pass'],
  ['sets', 'x = set([1])'],
  ['globalReassign', 'x = 1\nx = 2'],
  ['struct', 'x = struct(a = 1).a'],
  ['json', 'x = json.encode({})'],
  ['math', 'x = math.pi'],
] as const satisfies readonly (readonly [keyof Dialect, string])[]) {
  test(`the dialect has ${name} only when asked for`, async () => {
    assert.equal((await pool.evaluate(source(text))).ok, false);
    assert.equal((await pool.evaluate(source(text, { dialect: { [name]: true } }))).ok, true);
  });
}
