import assert from 'node:assert/strict';
import { test } from 'node:test';
import { never, type TreeFiles, testEvaluator, treeOf } from '../../test/support/config.ts';
import { readBuiltinSpecs } from '../specs/builtin-specs.ts';
import type { CachedEvaluation, EvaluationCache } from './evaluation-cache.ts';
import type { Evaluator } from './evaluator.ts';

const app = (route: string) => `app("${route}", "github.com/acme/x")\n`;

async function declarationsOf(evaluator: Evaluator, files: TreeFiles) {
  const evaluation = await evaluator.evaluate(treeOf(files), never);
  assert.ok(evaluation.ok, JSON.stringify(evaluation));
  return evaluation.declarations;
}

async function errorsOf(evaluator: Evaluator, files: TreeFiles): Promise<string[]> {
  const { errors } = await evaluator.inspect(treeOf(files), never);
  return errors.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
}

class MapCache implements EvaluationCache {
  readonly rows = new Map<string, CachedEvaluation>();
  asked = 0;

  async getMany(keys: readonly string[]): Promise<readonly CachedEvaluation[]> {
    this.asked += keys.length;
    return [...this.rows.values()].filter(({ key }) => keys.includes(key));
  }

  async putMany(rows: readonly CachedEvaluation[]): Promise<void> {
    for (const row of rows) this.rows.set(`${row.key} ${row.variant}`, row);
  }
}

test('entry files are those at the root and below config/; all others are only loaded', async (t) => {
  const { apps } = await declarationsOf(testEvaluator(t), {
    'b.star': app('/b'),
    'a.star': app('/a2') + app('/a1'),
    'config/deep/er/c.star': app('/c'),
    'lib/d.star': app('/d'),
    'other/e.star': app('/e'),
    'config/.hidden.star': app('/f'),
    'config/g.txt': app('/g'),
  });
  assert.deepEqual(
    apps.map(({ id, position }) => `${id} ${position.file}:${position.line}`),
    ['/a2 a.star:1', '/a1 a.star:2', '/b b.star:1', '/c config/deep/er/c.star:1'],
  );
});

test('a tree without entry files declares nothing, with default policies', async (t) => {
  assert.deepEqual(await declarationsOf(testEvaluator(t), { 'README.md': '' }), {
    apps: [],
    previews: { branches: ['*'], max: 20, ttlMs: 1_209_600_000 },
    release: { atomic: true, allowRemoval: null },
    specs: readBuiltinSpecs(),
  });
});

test('policies are taken from wherever they are', async (t) => {
  const declarations = await declarationsOf(testEvaluator(t), {
    'a.star': 'previews(branches = [], max = 3)',
    'config/z.star': 'release(atomic = False)',
  });
  assert.deepEqual([declarations.previews.max, declarations.release.atomic], [3, false]);
});

test('top-level for and if, structs, json and functions of a library work', async (t) => {
  const { apps } = await declarationsOf(testEvaluator(t), {
    'lib/team.star': 'def tool(name, **rest):\n    app("/tools/" + name, "github.com/acme/" + name, **rest)\n',
    'a.star': `load("//lib/team.star", "tool")
team = struct(names = ["sales", "stock"], opts = json.decode('{"memory": "512m"}'))
for name in team.names:
    if name != "none":
        tool(name, spec = "procfile", container_opts = team.opts)
`,
  });
  assert.deepEqual(
    apps.map(({ id, containerOpts, position }) => [id, containerOpts, position.line]),
    [
      ['/tools/sales', { memory: '512m' }, 5],
      ['/tools/stock', { memory: '512m' }, 5],
    ],
  );
});

test('two loops of one file may use the same variable', async (t) => {
  const loop = (a: string, b: string) =>
    `for name in ["${a}", "${b}"]:\n    route = "/" + name\n    app(route, "github.com/a/b")\n`;
  const { apps } = await declarationsOf(testEvaluator(t), { 'a.star': loop('a', 'b') + loop('c', 'd') });
  assert.deepEqual(
    apps.map(({ id }) => id),
    ['/a', '/b', '/c', '/d'],
  );
});

test('all errors of all files are reported, sorted by file and line; a broken file hides no other', async (t) => {
  const errors = await errorsOf(testEvaluator(t), {
    'z.star': 'app("/z", "./nope")\n',
    'a.star': 'app("/a", "github.com/a/b", idl = 1)\napp("/a", "github.com/a/b")\nx = [1, 2\n',
    'b.star': 'app("/b", "github.com/a/b", idl = 1)\napp("/a/b", "github.com/a/b")\nprint(nope)\nimport os\n',
    'c.star': 'app("/c", "github.com/a/b", helth = 1)\napp("/c/d", "github.com/a/b")\nfail("stop")\napp(3)',
  });
  assert.deepEqual(errors, [
    "a.star:4:1: syntax error: got end of file, want ']'",
    'b.star:4:1: syntax error: got import, want primary expression',
    'c.star:1:29: app "/c": unknown argument "helth"',
    'c.star:2:1: app "/c/d": path: lies below app "/c", declared at c.star:1',
    'c.star:3:5: fail: stop',
    'z.star:1:11: app "/z": source: "./nope" does not exist in the config repo',
  ]);
});

test('an error in a function of a library is told at the line of the entry that called it', async (t) => {
  const { errors } = await testEvaluator(t).inspect(
    treeOf({
      'lib/team.star':
        'def tool(name, **rest):\n    app("/" + name, "github.com/a/b", **rest)\ndef broken():\n    return 1 + "x"\n',
      'a.star': 'load("//lib/team.star", "broken", "tool")\n\ntool("x", idl = 1)\nbroken()\n',
    }),
    never,
  );
  assert.deepEqual(
    errors.map(({ file, line, message, hint }) => [`${file}:${line}`, message, hint]),
    [
      [
        'a.star:3',
        'app "/x": unknown argument "idl"',
        'Did you mean "idle"? app() stands at lib/team.star:2 (in tool).',
      ],
      ['a.star:4', 'unknown binary op: int + string', 'It happened at lib/team.star:4 (in broken).'],
    ],
  );
});

test('what a loaded file does wrong by itself is told once, at its own line', async (t) => {
  const load = 'load("//lib/team.star", "x")\n';
  const errors = await errorsOf(testEvaluator(t), {
    'lib/team.star': `x = 1\n${app('/lib')}previews(max = 1)\n`,
    'a.star': load,
    'b.star': load,
  });
  assert.deepEqual(errors, [
    'lib/team.star:2:1: app(): called while a file is being loaded; only entry files declare',
    'lib/team.star:3:1: previews(): called while a file is being loaded; only entry files declare',
  ]);
});

for (const [name, files, expected] of [
  [
    'a file that is not there',
    { 'a.star': 'load("//lib/x.star", "x")' },
    ['a.star:1:6: load: there is no file "lib/x.star"'],
  ],
  [
    'an entry file',
    { 'a.star': 'load("//b.star", "x")', 'b.star': 'x = 1' },
    ['a.star:1:6: load: b.star is an entry file, which is evaluated on its own and never loaded'],
  ],
  [
    'a file that is no text',
    { 'a.star': 'load("//lib/x.star", "x")', 'lib/x.star': Buffer.from('a = 1\nb = "\xff"', 'latin1') },
    ['a.star:1:6: load: lib/x.star is not UTF-8 text (line 2)'],
  ],
  [
    'a file that is too large',
    { 'a.star': 'load("//lib/x.star", "x")', 'lib/x.star': '#'.repeat(2 ** 20 + 1) },
    ['a.star:1:6: load: lib/x.star is larger than 1 MiB'],
  ],
  [
    'itself, by way of another',
    {
      'a.star': 'load("//lib/x.star", "x")',
      'lib/x.star': 'load("//lib/y.star", "y")\nx = 1',
      'lib/y.star': 'load("//lib/x.star", "x")\ny = 1',
    },
    ['lib/y.star:1:6: load cycle: lib/x.star → lib/y.star → lib/x.star'],
  ],
  [
    'a name that the file lacks',
    { 'a.star': 'load("//lib/x.star", "toll")', 'lib/x.star': 'tool = 1' },
    ['a.star:1:23: load: //lib/x.star does not define toll'],
  ],
] as const) {
  test(`loading ${name} is an error at the load`, async (t) => {
    assert.deepEqual(await errorsOf(testEvaluator(t), files), expected);
  });
}

for (const [name, content, expected] of [
  ['is not UTF-8', Buffer.from('x = 1\ny = "\xe4"\n', 'latin1'), 'a.star:2:0: the line is not UTF-8 text'],
  ['is UTF-16', Buffer.from('\ufeffx = 1\n', 'utf16le'), 'a.star:1:0: the line is not UTF-8 text'],
  ['is larger than a mebibyte', `# ${'x'.repeat(2 ** 20)}`, 'a.star:null:0: the file is larger than 1 MiB'],
  ['calls what other tools have', 'binding("x", "y")', 'a.star:1:1: undefined: binding'],
] as const) {
  test(`an entry file that ${name} is an error, and the others are still looked at`, async (t) => {
    assert.deepEqual(await errorsOf(testEvaluator(t), { 'a.star': content, 'b.star': 'app()' }), [
      expected,
      'b.star:1:1: app(): needs "path"',
      'b.star:1:1: app(): needs "source"',
    ]);
  });
}

test('a byte order mark and line ends of Windows change nothing', async (t) => {
  const evaluator = testEvaluator(t);
  const plain = await declarationsOf(evaluator, {
    'a.star': 'x = """a\nb"""\napp("/x", "github.com/a/b",\n  spec = "procfile", params = {"X": x})\n',
  });
  const other = await declarationsOf(evaluator, {
    'a.star': '\ufeffx = """a\r\nb"""\r\napp("/x", "github.com/a/b",\r\n  spec = "procfile", params = {"X": x})\r\n',
  });
  assert.deepEqual(other, plain);
});

test('links and submodules are never read as config', async (t) => {
  const tree = treeOf({ 'a.star': '/etc/passwd', 'b.star': '' });
  const files = tree.files.map((file) => (file.path === 'a.star' ? { ...file, mode: '120000' } : file));
  const evaluation = await testEvaluator(t).evaluate({ ...tree, files }, never);
  assert.ok(!evaluation.ok);
  assert.deepEqual(evaluation.errors, [
    {
      code: 'config-invalid',
      file: 'a.star',
      line: null,
      message: 'the file is a symbolic link, which is not followed',
      hint: null,
    },
  ]);
});

test('a tree of too many files is refused before anything is read', async (t) => {
  const files = Array.from({ length: 100_001 }, (_, i) => ({ path: `f${i}`, mode: '100644', oid: 'x', size: 1 }));
  const evaluation = await testEvaluator(t).evaluate({ files, read: () => assert.fail('read') }, never);
  assert.ok(!evaluation.ok);
  assert.deepEqual(
    evaluation.errors.map(({ code, message }) => [code, message]),
    [['config-limit', 'the config repo has 100001 files; at most 100000 are looked at']],
  );
});

test('prints come with their places', async (t) => {
  const evaluation = await testEvaluator(t).evaluate(treeOf({ 'a.star': '\nprint("hello", 3)' }), never);
  assert.ok(evaluation.ok);
  assert.deepEqual(evaluation.prints, [{ file: 'a.star', line: 2, column: 6, text: 'hello 3' }]);
});

test('what is unchanged is neither read nor evaluated again, and gives the same objects', async (t) => {
  const evaluator = testEvaluator(t);
  const files = {
    'lib/l.star': 'x = "/x"',
    'a.star': `load("//lib/l.star", "x")\n${app('/a')}`,
    'b.star': app('/b') + app('/b2'),
  };
  const first = await declarationsOf(evaluator, files);

  const again = treeOf(files);
  const second = await evaluator.inspect(again, never);
  assert.deepEqual([second.evaluated, again.reads], [0, []]);
  assert.ok(second.evaluation.ok && second.evaluation.declarations.apps.every((one, i) => one === first.apps[i]));

  const changed = treeOf({ ...files, 'b.star': app('/b') + app('/b3') });
  const third = await evaluator.inspect(changed, never);
  assert.deepEqual([third.evaluated, changed.reads.length], [1, 1]);
  assert.ok(third.evaluation.ok);
  const { apps } = third.evaluation.declarations;
  assert.ok(apps[0] === first.apps[0], 'an app of an unchanged file');
  assert.ok(apps[1] === first.apps[1], 'an unchanged app of a changed file');
  assert.equal(apps[2]?.id, '/b3');

  const back = await evaluator.inspect(treeOf(files), never);
  assert.equal(back.evaluated, 0, 'going back costs nothing');
});

test('a file is evaluated again when something that it loads changes, appears or vanishes', async (t) => {
  const evaluator = testEvaluator(t);
  const entry = { 'a.star': 'load("//lib/l.star", "r")\napp(r, "github.com/a/b")', 'b.star': app('/b') };
  const inner = { 'lib/l.star': 'load("//lib/m.star", "m")\nr = m' };
  const idsOf = async (files: TreeFiles) => (await declarationsOf(evaluator, files)).apps.map(({ id }) => id);
  assert.deepEqual(await idsOf({ ...entry, ...inner, 'lib/m.star': 'm = "/1"' }), ['/1', '/b']);
  assert.deepEqual(await idsOf({ ...entry, ...inner, 'lib/m.star': 'm = "/2"' }), ['/2', '/b']);
  assert.deepEqual(await errorsOf(evaluator, { ...entry, ...inner }), [
    'lib/l.star:1:6: load: there is no file "lib/m.star"',
  ]);
  assert.deepEqual(await idsOf({ ...entry, ...inner, 'lib/m.star': 'm = "/1"' }), ['/1', '/b']);
  assert.deepEqual(await idsOf({ ...entry, 'lib/l.star': 'r = "/3"' }), ['/3', '/b']);
});

test('evaluations survive a restart: a new evaluator with the same cache evaluates nothing', async (t) => {
  const cache = new MapCache();
  const files = {
    'lib/l.star': 'x = 1',
    'a.star': `load("//lib/l.star", "x")\nprint(x)\n${app('/a')}`,
    'b.star': 'app("/b", 3)',
  };
  const before = await testEvaluator(t, { cache }).inspect(treeOf(files), never);
  const tree = treeOf(files);
  const after = await testEvaluator(t, { cache }).inspect(tree, never);
  assert.deepEqual([before.evaluated, after.evaluated, tree.reads], [2, 0, []]);
  assert.deepEqual({ ...after, evaluated: 2 }, before);

  const other = await testEvaluator(t, { cache }).inspect(treeOf({ ...files, 'lib/l.star': 'x = 2' }), never);
  assert.equal(other.evaluated, 1);
  assert.equal(
    (await testEvaluator(t, { cache }).inspect(treeOf(files), never)).evaluated,
    0,
    'both variants are kept',
  );
});

test('a cache row that cannot be read counts as lost', async (t) => {
  const cache = new MapCache();
  const files = { 'a.star': app('/a') };
  await testEvaluator(t, { cache }).evaluate(treeOf(files), never);
  for (const [key, row] of cache.rows) cache.rows.set(key, { ...row, value: '{"loads":' });
  const { evaluated, evaluation } = await testEvaluator(t, { cache }).inspect(treeOf(files), never);
  assert.deepEqual([evaluated, evaluation.ok], [1, true]);
});

test('an unchanged tree does not ask the cache', async (t) => {
  const cache = new MapCache();
  const evaluator = testEvaluator(t, { cache });
  await evaluator.evaluate(treeOf({ 'a.star': app('/a') }), never);
  const { asked } = cache;
  await evaluator.evaluate(treeOf({ 'a.star': app('/a') }), never);
  assert.equal(cache.asked, asked);
});

test('hostile files cost their own evaluation, and are not tried again at once nor kept over a restart', async (t) => {
  const cache = new MapCache();
  let now = 0;
  const evaluator = testEvaluator(t, { cache, timeoutMs: 400, memoryBytes: 64 * 2 ** 20, now: () => now });
  const files = {
    'a.star': app('/a'),
    'config/squares.star': 'x = 3\nfor i in range(40):\n    x = x * x\n',
    'config/string.star': 'x = "a"\nfor i in range(100):\n    x = x + x\n',
    'config/z.star': `${app('/a')}app("/z", 3)`,
  };
  const started = performance.now();
  const { errors } = await evaluator.inspect(treeOf(files), never);
  assert.ok(performance.now() - started < 10_000);
  assert.deepEqual(
    errors.map(({ file, code }) => [file, code]),
    [
      ['config/squares.star', 'config-limit'],
      ['config/string.star', 'config-limit'],
      ['config/z.star', 'config-invalid'],
      ['config/z.star', 'config-invalid'],
    ],
  );
  assert.equal((await evaluator.inspect(treeOf(files), never)).evaluated, 0);
  assert.equal(cache.rows.size, 2);
  now = 6 * 60_000;
  assert.equal((await evaluator.inspect(treeOf(files), never)).evaluated, 2);
});

test('a file that runs for too many steps is refused the same on every machine, so that is kept', async (t) => {
  const cache = new MapCache();
  const evaluator = testEvaluator(t, { cache, timeoutMs: 60_000 });
  const { errors } = await evaluator.inspect(treeOf({ 'a.star': 'for i in range(1000000000):\n    pass\n' }), never);
  assert.deepEqual(
    errors.map(({ code, line, message }) => [code, line, message]),
    [['config-limit', 1, errors[0]?.message]],
  );
  assert.match(errors[0]?.message ?? '', /steps/);
  assert.equal(cache.rows.size, 1);
});

test('an abort ends a pass soon and is no verdict on the files', async (t) => {
  const evaluator = testEvaluator(t, { timeoutMs: 60_000 });
  const abort = new AbortController();
  const pass = evaluator.evaluate(treeOf({ 'a.star': 'x = 3\nfor i in range(60):\n    x = x * x\n' }), abort.signal);
  setTimeout(() => abort.abort(new Error('stopped')), 200);
  const started = performance.now();
  await assert.rejects(pass, /stopped/);
  // Far below the minute that the file may take.
  assert.ok(performance.now() - started < 50_000);
  const fine = await evaluator.evaluate(treeOf({ 'a.star': app('/a') }), never);
  assert.equal(fine.ok, true);
});

test('a failure to read the tree is a failure, not an empty config', async (t) => {
  const tree = { ...treeOf({ 'a.star': app('/a') }), read: () => Promise.reject(new Error('no such object')) };
  await assert.rejects(testEvaluator(t).evaluate(tree, never), /no such object/);
});

test('hosts are judged by the domain, zone and status host of the settings', async (t) => {
  const files = { 'a.star': app('x.previews.test:/') + app('status.acme.test:/') + app('env.:/') };
  const evaluator = testEvaluator(t, {
    domain: 'acme.test',
    envDomain: 'previews.test',
    statusHost: 'status.acme.test',
  });
  assert.deepEqual(await errorsOf(evaluator, files), [
    'a.star:1:1: app "x.previews.test:/": path: host "x.previews.test" lies in the zone of the environments, "previews.test"',
    'a.star:2:1: app "status.acme.test:/": path: host "status.acme.test" is where the status pages live',
  ]);
});

test('more errors than anybody reads are counted, not listed', async (t) => {
  const errors = await errorsOf(testEvaluator(t), { 'a.star': 'for i in range(1200):\n    app("/x%d" % i, 3)\n' });
  assert.equal(errors.length, 1_001);
  assert.match(errors.at(-1) ?? '', /and 200 more errors, not listed$/);
});

test('a tree of more apps than are looked at is refused, and the files that come after are not evaluated', async (t) => {
  const loop = (prefix: string) => `for i in range(20000):\n    app("/${prefix}%d" % i, "github.com/a/b")\n`;
  const files = Object.fromEntries(
    Array.from({ length: 70 }, (_, i) => [`f${100 + i}.star`, i < 3 ? loop(`f${i}x`) : `x = ${i}`]),
  );
  const { errors } = await testEvaluator(t).inspect(treeOf(files), never);
  assert.deepEqual(
    errors.map(({ code, file, message }) => [code, file, message]),
    [['config-limit', '', 'the config repo declares more than 50000 apps']],
  );
});

test('a tree of many slow files is given up after twelve times the time of one, and goes on from there the next time', async (t) => {
  const evaluator = testEvaluator(t, { timeoutMs: 100 });
  const slow = Object.fromEntries(
    Array.from({ length: 80 }, (_, i) => [`s${i}.star`, 'for i in range(1000000000): pass\n']),
  );
  const started = performance.now();
  const first = await evaluator.inspect(treeOf(slow), never);
  assert.ok(performance.now() - started < 6_000);
  assert.match(first.errors[0]?.message ?? '', /^evaluating all files took longer than 1200ms; \d+ of them are left$/);
  const second = await evaluator.inspect(treeOf(slow), never);
  assert.ok(second.evaluated < first.evaluated);
});
