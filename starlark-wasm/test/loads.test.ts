import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { builtin, errorLines, source, succeeded, testPool } from './evaluating.ts';

const pool = testPool({ after });
const chain = (length: number) =>
  Object.fromEntries(
    Array.from({ length }, (_, i) => [
      `f${i}.star`,
      i + 1 < length ? `load("//f${i + 1}.star", y${i} = "x")\nx = y${i} + 1` : 'x = 0',
    ]),
  );

test('a file that several load is evaluated once', async () => {
  const files = {
    'main.star': 'load("//a.star", "a")\nload("//b.star", "b")\nprint(a + b)',
    'a.star': 'load("//c.star", "c")\na = c',
    'b.star': 'load("//c.star", "c")\nb = c',
    'c.star': 'print("c")\nc = 1',
  };
  const result = succeeded(await pool.evaluate({ entry: 'main.star', files }));
  assert.deepEqual(
    result.prints.map((print) => print.message),
    ['c', '2'],
  );
  assert.deepEqual(result.loaded, ['main.star', 'a.star', 'b.star', 'c.star']);
});

test('only what is loaded is asked for, and a function may find it later', async () => {
  const asked: string[] = [];
  const files = async (path: string) => {
    asked.push(path);
    return { 'main.star': 'load("//lib/x.star", "x")', 'lib/x.star': 'x = 1' }[path];
  };
  assert.equal((await pool.evaluate({ entry: 'main.star', files })).ok, true);
  assert.deepEqual(asked, ['main.star', 'lib/x.star']);
  const map = new Map([['main.star', 'print(1)']]);
  assert.equal((await pool.evaluate({ entry: 'main.star', files: map })).ok, true);
});

test('a function that fails to find a file fails the call, and the pool goes on', async () => {
  for (const files of [
    () => {
      throw new Error('disk');
    },
    async () => {
      throw new Error('disk');
    },
  ]) {
    await assert.rejects(pool.evaluate({ entry: 'main.star', files }), /disk/);
  }
  assert.equal((await pool.evaluate(source('x = 1'))).ok, true);
});

test('what was loaded is frozen', async () => {
  const files = { 'main.star': 'load("//lib.star", "xs")\nxs.append(1)', 'lib.star': 'xs = []' };
  assert.deepEqual(errorLines(await pool.evaluate({ entry: 'main.star', files })), [
    'main.star:2:10 runtime: append: cannot append to frozen list',
  ]);
});

for (const [name, message] of [
  ['lib.star', 'load name "lib.star" should begin with "//" (a path from the root)'],
  ['//../x.star', 'load name "//../x.star" leaves the tree of files'],
  ['///etc/passwd', 'load name "///etc/passwd" is not a plain path'],
  ['//a//b.star', 'load name "//a//b.star" is not a plain path'],
  ['//a/./b.star', 'load name "//a/./b.star" is not a plain path'],
  ['//', 'load name "//" is not a plain path'],
  ['//.', 'load name "//." leaves the tree of files'],
] as const) {
  test(`load("${name}") is refused`, async () => {
    const result = await pool.evaluate(source(`load("${name}", "x")`));
    assert.deepEqual(errorLines(result), [`main.star:1:6 resolve: ${message}`]);
    assert.deepEqual(result.missing, []);
  });
}

test('relative loads are taken from the folder of the loading file, when allowed', async () => {
  const files = {
    'app/main.star': 'load(":a.star", "a")\nload("../lib/b.star", "b")\nprint(a + b)',
    'app/a.star': 'load("./sub/c.star", "c")\na = c',
    'app/sub/c.star': 'c = 1',
    'lib/b.star': 'b = 2',
    'out.star': 'load("../x.star", "x")',
  };
  const loads = { relative: true };
  assert.equal(succeeded(await pool.evaluate({ entry: 'app/main.star', files, loads })).prints[0]?.message, '3');
  assert.deepEqual(errorLines(await pool.evaluate({ entry: 'out.star', files, loads })), [
    'out.star:1:6 resolve: load name "../x.star" leaves the tree of files',
  ]);
});

test('another root can be asked for', async () => {
  const files = { 'main.star': 'load("@lib.star", "x")', 'lib.star': 'x = 1' };
  assert.equal((await pool.evaluate({ entry: 'main.star', files, loads: { root: '@' } })).ok, true);
});

test('a chain of loads may be as long as the limit and no longer', async () => {
  const limits = { loadDepth: 5 };
  assert.equal((await pool.evaluate({ entry: 'f0.star', files: chain(6), limits })).ok, true);
  assert.deepEqual(errorLines(await pool.evaluate({ entry: 'f0.star', files: chain(7), limits })), [
    'f5.star:1:6 limit load-depth: loads are nested more than 5 deep',
  ]);
  const shortcut = { ...chain(7), 'main.star': 'load("//f6.star", b = "x")\nload("//f1.star", a = "x")' };
  const [line] = errorLines(await pool.evaluate({ entry: 'main.star', files: shortcut, limits }));
  assert.match(line ?? '', /limit load-depth/, 'the longest chain counts, not the shortest');
});

test('a load cycle is found before anything runs, and named', async () => {
  const files = {
    'main.star': 'print("ran")\nload("//a.star", "a")',
    'a.star': 'load("//b.star", "b")\na = 1',
    'b.star': 'load("//a.star", "a")\nb = 1',
  };
  const result = await pool.evaluate({ entry: 'main.star', files });
  assert.deepEqual(errorLines(result), ['b.star:1:6 limit load-cycle: load cycle: a.star → b.star → a.star']);
  assert.deepEqual(result.prints, []);
  const self = await pool.evaluate({ entry: 'x.star', files: { 'x.star': 'load("//x.star", "y")\ny = 1' } });
  assert.match(errorLines(self)[0] ?? '', /load cycle: x\.star → x\.star/);
});

test('more source than allowed is a limit', async () => {
  const files = { 'main.star': 'load("//big.star", "x")', 'big.star': `x = "${'a'.repeat(2_000)}"` };
  const result = await pool.evaluate({ entry: 'main.star', files, limits: { inputBytes: 1_000 } });
  assert.deepEqual(errorLines(result), ['big.star:0:0 limit input: the source files are larger than 1000 bytes']);
});

test('one evaluation sees nothing of another', async () => {
  const one = testPool({ after }, { workers: 1 });
  const files = {
    'main.star': 'load("//lib.star", "xs")\nput(xs)',
    'lib.star': 'xs = []\nput("loaded")\nxs.append(1)',
  };
  const request = { entry: 'main.star', files, builtins: [builtin('put', ['value'])] };
  const first = await one.evaluate(request);
  assert.deepEqual(await one.evaluate(request), first);
  assert.deepEqual(
    first.calls.map((call) => call.args.value),
    ['loaded', [1]],
  );
  assert.equal((await one.evaluate(source('put(1)'))).ok, false, "another request's builtins are gone");
  assert.equal((await one.evaluate(source('load("//lib.star", "xs")'))).ok, false, 'and so are its files');
});
