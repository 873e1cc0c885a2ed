import assert from 'node:assert/strict';
import { test } from 'node:test';
import { never, testEvaluator, treeOf } from '../../test/support/config.ts';
import { readBuiltinSpecs } from '../specs/builtin-specs.ts';

const MANIFEST =
  'description = "ours"\ncommand = ["serve", "{mode}"]\n[app_config.mode]\ntype = "choice"\ndescription = "how"\nof = ["fast", "slow"]\n';
const files = {
  'apps.star': 'app("/a", "./a", spec = "ours", app_config = {"mode": "fast"})\n',
  'a/index.html': '',
  'specs/ours/spec.toml': MANIFEST,
  'specs/ours/Containerfile': 'FROM scratch\n',
};

test('a spec of the config repo can be named, and goes with the declarations', async (t) => {
  const evaluation = await testEvaluator(t).evaluate(treeOf(files), never);
  assert.ok(evaluation.ok);
  const { specs, apps } = evaluation.declarations;
  assert.deepEqual(apps[0]?.appConfig, { mode: 'fast' });
  assert.deepEqual(specs.ours?.container?.origin, { kind: 'containerfile', text: 'FROM scratch\n' });
  assert.deepEqual(Object.keys(specs).length, Object.keys(readBuiltinSpecs()).length + 1);
});

test('a spec of the config repo wins over a built-in one', async (t) => {
  const manifest = 'description = "ours"\nport = 7777\n';
  const evaluation = await testEvaluator(t).evaluate(
    treeOf({ 'specs/go/spec.toml': manifest, 'specs/go/Containerfile': 'FROM x\n' }),
    never,
  );
  assert.ok(evaluation.ok);
  assert.equal(evaluation.declarations.specs.go?.container?.port, 7777);
});

test('apps are checked against the specs of their own tree, also where nothing of the apps changed', async (t) => {
  const evaluator = testEvaluator(t);
  const messages = async (edit: Readonly<Record<string, string>>) =>
    (await evaluator.inspect(treeOf({ ...files, ...edit }), never)).errors.map(
      ({ file, line, message }) => `${file}:${line}: ${message}`,
    );
  assert.deepEqual(await messages({}), []);
  assert.deepEqual(await messages({ 'specs/ours/spec.toml': MANIFEST.replace('"fast", ', '') }), [
    'apps.star:1: app "/a": app_config.mode: expected "slow", got "fast"',
  ]);
  assert.deepEqual(await messages({}), []);
});

test('another text of a Containerfile is another book, and the very same declarations', async (t) => {
  const evaluator = testEvaluator(t);
  const one = await evaluator.evaluate(treeOf(files), never);
  const other = await evaluator.evaluate(treeOf({ ...files, 'specs/ours/Containerfile': 'FROM busybox\n' }), never);
  const again = await evaluator.evaluate(treeOf(files), never);
  assert.ok(one.ok && other.ok && again.ok);
  assert.equal(one.declarations.apps[0], other.declarations.apps[0]);
  assert.notEqual(one.declarations.specs, other.declarations.specs);
  assert.equal(one.declarations.specs, again.declarations.specs);
});

for (const [name, edit, expected] of [
  [
    'a manifest with a mistake',
    { 'specs/ours/spec.toml': 'description = "x"\nprot = 1\n' },
    'specs/ours/spec.toml:2: spec "ours": prot: is no key of a spec',
  ],
  [
    'a Containerfile alone',
    { 'specs/b/Containerfile': 'FROM x\n' },
    'specs/b/Containerfile:null: spec "b": there is no spec.toml beside its Containerfile',
  ],
  [
    'a name that is none',
    { 'specs/B C/spec.toml': MANIFEST },
    'specs/B C/spec.toml:null: spec "B C": a spec has a name of at most 40 characters a-z, 0-9, "-" and "_"',
  ],
  [
    'a file that is too large',
    { 'specs/ours/Containerfile': '#'.repeat(70_000) },
    'specs/ours/Containerfile:null: the file is larger than 64 KiB',
  ],
] as const) {
  test(`${name} is an error of the config, told once`, async (t) => {
    const { errors } = await testEvaluator(t).inspect(treeOf({ ...files, ...edit }), never);
    assert.deepEqual(
      errors.map(({ file, line, message }) => `${file}:${line}: ${message}`),
      [expected],
    );
  });
}

test('a folder in specs/ that holds something else is left alone', async (t) => {
  const evaluation = await testEvaluator(t).evaluate(treeOf({ 'specs/models/user_spec.rb': '' }), never);
  assert.ok(evaluation.ok);
});
