import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Call } from '../src/index.ts';
import { builtin, errorLines, source, succeeded, testPool } from './evaluating.ts';

const pool = testPool({ after });
const app = builtin('app', ['path', 'source?', '*spec?', '*params?']);
const lenient = { ...app, lenient: true };

const problemLines = (call: Call | undefined) =>
  call?.problems.map(
    ({ kind, name, message, position, suggestion }) =>
      `${position.line}:${position.column} ${kind} ${name}: ${message}${suggestion ? ` (${suggestion}?)` : ''}`,
  );

test('calls are collected in order, with the places of the call and of each argument', async () => {
  const text = 'app("/a", "./a")\n\napp(\n    "/b",\n    params = {"X": "1"},\n    spec = "static",\n)';
  const { calls } = succeeded(await pool.evaluate(source(text, { builtins: [app] })));
  const place = (line: number, column: number) => ({ file: 'main.star', line, column });
  assert.deepEqual(calls[1], {
    builtin: 'app',
    args: { path: '/b', params: { X: '1' }, spec: 'static' },
    position: place(3, 1),
    positions: { path: place(4, 5), params: place(5, 5), spec: place(6, 5) },
    module: 'main.star',
    stack: [{ name: '<toplevel>', ...place(3, 1) }],
    problems: [],
  });
  assert.deepEqual(
    calls.map((call) => call.args.path),
    ['/a', '/b'],
  );
});

test('columns count characters, not bytes', async () => {
  const { calls } = succeeded(await pool.evaluate(source('x = "é😀"; app("é", "y")', { builtins: [app] })));
  assert.deepEqual(calls[0]?.position.column, 11);
  assert.deepEqual(calls[0]?.positions.source?.column, 20);
});

test('a call through a function of a loaded file shows the whole way there', async () => {
  const files = {
    'main.star': 'load("//lib/team.star", "team")\nteam("sales")',
    'lib/team.star': 'def team(name):\n    opts = {"spec": "static"}\n    app("/" + name, **opts)',
  };
  const { calls } = succeeded(await pool.evaluate({ entry: 'main.star', files, builtins: [app] }));
  assert.deepEqual(calls[0]?.args, { path: '/sales', spec: 'static' });
  assert.deepEqual(Object.keys(calls[0]?.positions ?? {}), ['path'], 'what came through ** has no place of its own');
  assert.equal(calls[0]?.module, 'main.star');
  assert.deepEqual(
    calls[0]?.stack.map(({ name, file, line }) => [name, file, line]),
    [
      ['<toplevel>', 'main.star', 2],
      ['team', 'lib/team.star', 3],
    ],
  );
});

test('a call at the top level of a loaded file names that file as the module', async () => {
  const files = { 'main.star': 'load("//lib.star", "x")\napp("/m")', 'lib.star': 'app("/lib")\nx = 1' };
  const { calls } = succeeded(await pool.evaluate({ entry: 'main.star', files, builtins: [app] }));
  assert.deepEqual(
    calls.map((call) => [call.args.path, call.module]),
    [
      ['/lib', 'lib.star'],
      ['/m', 'main.star'],
    ],
  );
});

test('an entry-only builtin refuses the top level of a loaded file, but not its functions', async () => {
  const files = {
    'main.star': 'load("//lib.star", "add")\nadd()',
    'bad.star': 'load("//lib.star", "add")\nload("//top.star", "x")',
    'lib.star': 'def add(): app("/x")',
    'top.star': 'x = 1\napp("/top")',
  };
  const entryOnly = { ...app, entryOnly: true };
  assert.equal((await pool.evaluate({ entry: 'main.star', files, builtins: [entryOnly] })).ok, true);
  assert.deepEqual(errorLines(await pool.evaluate({ entry: 'bad.star', files, builtins: [entryOnly] })), [
    'top.star:2:1 runtime: app may not be called by the top level of a loaded file',
  ]);
  const collected = succeeded(
    await pool.evaluate({ entry: 'bad.star', files, builtins: [{ ...entryOnly, lenient: true }] }),
  );
  assert.deepEqual(problemLines(collected.calls[0]), [
    '2:1 loaded : app may not be called by the top level of a loaded file',
  ]);
});

for (const [call, message] of [
  ['app("/x", spce = 1)', '2:11 runtime: app: unexpected keyword argument spce (spec?)'],
  ['app(spec = "x")', '2:1 runtime: app: missing argument for path'],
  ['app("/x", "y", "z")', '2:16 runtime: app takes at most 2 positional arguments'],
  ['app("/x", path = "/y")', '2:11 runtime: app: got multiple values for path'],
] as const) {
  test(`a strict builtin raises what is wrong with ${call}`, async () => {
    const result = await pool.evaluate(source(`\n${call}`, { builtins: [app] }));
    assert.deepEqual(errorLines(result), [`main.star:${message}`]);
  });
}

test('a lenient builtin lists what is wrong and evaluation goes on', async () => {
  const text = 'app("/a", "b", 3,\n    spce = 1, zzz = 2, params = len)\napp(path = "/b", source = 1)\napp()';
  const { calls } = succeeded(await pool.evaluate(source(text, { builtins: [lenient] })));
  assert.deepEqual(calls[0]?.args, { path: '/a', source: 'b' });
  assert.deepEqual(calls.map(problemLines), [
    [
      '1:16 extra : app takes at most 2 positional arguments',
      '2:5 unknown spce: app: unexpected keyword argument spce (spec?)',
      '2:15 unknown zzz: app: unexpected keyword argument zzz',
      "2:24 invalid params: app: params is of type builtin_function_or_method, which can't be data",
    ],
    [],
    ['4:1 missing path: app: missing argument for path'],
  ]);
});

test('a builtin that another builtin calls is placed where Starlark code stands', async () => {
  const { calls } = succeeded(await pool.evaluate(source('sorted(["/a"], key = app)', { builtins: [app] })));
  assert.deepEqual([calls[0]?.args, calls[0]?.positions, calls[0]?.position.line], [{ path: '/a' }, {}, 1]);
});

test('calls and prints up to an error are kept', async () => {
  const result = await pool.evaluate(source('print("one", 2)\napp("/x")\nfail("stop")', { builtins: [app] }));
  assert.deepEqual(errorLines(result), ['main.star:3:5 runtime: fail: stop']);
  assert.equal(result.calls.length, 1);
  assert.deepEqual(result.prints, [{ message: 'one 2', position: { file: 'main.star', line: 1, column: 6 } }]);
});

for (const [subject, builtins] of [
  ['a name that is no identifier', [builtin('a-b', [])]],
  ['a name twice', [app, app]],
  ['a parameter twice', [builtin('f', ['a', 'a'])]],
  ['a positional parameter after a keyword-only one', [builtin('f', ['*a', 'b'])]],
  ['a lenient value builtin', [builtin('f', [], { kind: 'value', lenient: true })]],
] as const) {
  test(`declaring ${subject} is the caller's mistake`, async () => {
    await assert.rejects(pool.evaluate(source('', { builtins })), TypeError);
  });
}
