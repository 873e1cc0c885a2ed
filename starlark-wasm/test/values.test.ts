import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { isConstructed } from '../src/index.ts';
import { builtin, errorLines, source, succeeded, testPool } from './evaluating.ts';

const pool = testPool({ after });
const put = builtin('put', ['value']);
const secret = builtin('secret', ['name'], { kind: 'value' });

for (const [expression, expected] of [
  ['None', null],
  ['True', true],
  ['-7', -7],
  ['9007199254740991', 9_007_199_254_740_991],
  ['1.5e300', 1.5e300],
  ['"quote \\" and \\n, é, 😀, \\t\\\\"', 'quote " and \n, é, 😀, \t\\'],
  ['[1, (2, "x"), []]', [1, [2, 'x'], []]],
  ['{"z": 1, "a": {"deep": [None]}}', { z: 1, a: { deep: [null] } }],
  ['struct(b = 1, a = [2])', { a: [2], b: 1 }],
  ['json.decode("[1, {\\"k\\": 2.5}]")', [1, { k: 2.5 }]],
  ['math.floor(2.5)', 2],
] as const) {
  test(`${expression} becomes plain data`, async () => {
    const dialect = { struct: true, json: true, math: true };
    const result = succeeded(await pool.evaluate(source(`put(${expression})`, { builtins: [put], dialect })));
    assert.deepEqual(result.calls[0]?.args, { value: expected });
  });
}

test('a dict keeps the order of its keys', async () => {
  const result = succeeded(await pool.evaluate(source('put({"z": 1, "m": 2, "a": 3})', { builtins: [put] })));
  assert.deepEqual(Object.keys(result.calls[0]?.args.value as object), ['z', 'm', 'a']);
});

test('keys that mean something to JavaScript are just keys', async () => {
  const result = succeeded(await pool.evaluate(source('put({"__proto__": 1, "constructor": 2})', { builtins: [put] })));
  const value = result.calls[0]?.args.value as Record<string, unknown>;
  assert.deepEqual(Object.entries(value), [
    ['__proto__', 1],
    ['constructor', 2],
  ]);
});

for (const [expression, message] of [
  ['9007199254740992', "value is an integer beyond ±(2^53 - 1), which JSON numbers don't hold exactly"],
  ['[float("nan")]', "value[0] is a float that is not finite, which can't be data"],
  ['{"a": [{1: 2}]}', 'value["a"][0] has a key of type int; only strings can be keys of data'],
  ['len', "value is of type builtin_function_or_method, which can't be data"],
  ['{"x": lambda: 1}', 'value["x"] is of type function, which can\'t be data'],
  ['b"x"', "value is of type bytes, which can't be data"],
  ['{"$builtin": "secret"}', 'value has the key "$builtin", which is reserved'],
] as const) {
  test(`${expression} can't be data, and the error says where`, async () => {
    const result = await pool.evaluate(source(`\nput(${expression})`, { builtins: [put] }));
    assert.deepEqual(errorLines(result), [`main.star:2:5 runtime: put: ${message}`]);
  });
}

test('a value that contains itself is an error and no hang', async () => {
  const text = 'x = {"list": []}\nx["list"].append(x)\nput(x)';
  const [line = ''] = errorLines(await pool.evaluate(source(text, { builtins: [put] })));
  assert.match(line, /^main\.star:3:5 runtime: put: value.* contains itself, which can't be data$/);
});

test('a value nested deeper than allowed is a limit', async () => {
  const limits = { valueDepth: 3 };
  const result = await pool.evaluate(source('put([[[1]]])\nput([[[[1]]]])', { builtins: [put], limits }));
  assert.deepEqual(errorLines(result), ['main.star:2:5 limit nesting: put: value[0][0][0] is nested more than 3 deep']);
});

test('what a value builtin returns is told apart from every dict', async () => {
  const text = 'put({"password": secret("DB"), "plain": {"name": "DB"}})';
  const result = succeeded(await pool.evaluate(source(text, { builtins: [put, secret] })));
  const value = result.calls[0]?.args.value as { password: never; plain: never };
  assert.deepEqual(value.password, {
    $builtin: 'secret',
    args: { name: 'DB' },
    position: { file: 'main.star', line: 1, column: 18 },
  });
  assert.equal(isConstructed(value.password), true);
  assert.equal(isConstructed(value.plain), false);
});

test('Starlark code cannot look into what a value builtin returned', async () => {
  const builtins = [secret];
  const shown = succeeded(await pool.evaluate(source('print(secret("DB"), type(secret("DB")))', { builtins })));
  assert.equal(shown.prints[0]?.message, '<secret> secret');
  const joined = await pool.evaluate(source('x = "a" + secret("DB")', { builtins }));
  assert.deepEqual(errorLines(joined), ['main.star:1:9 runtime: unknown binary op: string + secret']);
});

test("globals are the entry's public names that are data", async () => {
  const files = {
    'main.star': 'load("//lib.star", "x")\nA = x + 1\n_hidden = 2\ndef f(): pass\nB = [A]',
    'lib.star': 'x = 1',
  };
  const result = succeeded(await pool.evaluate({ entry: 'main.star', files, globals: true }));
  assert.deepEqual(result.globals, { A: 2, B: [2] });
  assert.deepEqual(succeeded(await pool.evaluate({ entry: 'main.star', files })).globals, {});
});
