import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { root } from '../imports.ts';

// Stands in for npm: notes its calls, and "installs" the program that the command `fix` runs.
const fakeNpm = `
import fs from 'node:fs';
import path from 'node:path';
const [verb] = process.argv.slice(2);
fs.appendFileSync(process.env.CALLS, verb + '\\n');
if (verb === 'pack') fs.writeFileSync(path.join(process.argv.at(-1), 'node.tgz'), 'not a Node');
if (verb === 'ci') {
  const program = 'node_modules/@biomejs/biome/bin/biome';
  fs.mkdirSync(path.dirname(program), { recursive: true });
  if (process.env.NPM_FAILS) throw new Error('the registry is down');
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.NPM_TAKES_MS ?? 0)));
  fs.writeFileSync(program, fs.readFileSync(process.env.PROGRAM));
}
`;

const program = `
if (process.env.PROGRAM_WAITS) {
  process.on('SIGTERM', () => process.exit(7));
  setInterval(() => {}, 1000);
}
console.log(JSON.stringify(process.argv.slice(2)));
`;

/** A fresh clone with the real set-up and nothing else of the project. */
function tempCheckout(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-setup-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  for (const file of ['scripts/bootstrap.mjs', 'scripts/setup', '.npmrc', 'package-lock.json']) {
    cpSync(join(root, file), join(dir, file), { recursive: true });
  }
  writeFileSync(join(dir, 'package.json'), '{ "workspaces": ["starlark-wasm"] }');
  mkdirSync(join(dir, 'starlark-wasm'));
  writeFileSync(join(dir, 'starlark-wasm/package.json'), '{}');
  mkdirSync(join(dir, 'fake'));
  writeFileSync(join(dir, 'fake/npm-cli.mjs'), fakeNpm);
  writeFileSync(join(dir, 'fake/program.js'), program);
  const calls = join(dir, 'fake/calls');
  const base = { CALLS: calls, PROGRAM: join(dir, 'fake/program.js'), npm_execpath: join(dir, 'fake/npm-cli.mjs') };
  return {
    dir,
    calls: (): string[] => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    bootstrap: (args: readonly string[], env: Record<string, string> = {}) =>
      execa(process.execPath, [join(dir, 'scripts/bootstrap.mjs'), ...args], {
        env: { ...base, ...env },
        reject: false,
      }),
  };
}

/** The files of the set-up's own that are left. */
const leftovers = (dir: string): string[] => (existsSync(join(dir, '.node')) ? readdirSync(join(dir, '.node')) : []);

test('a fresh checkout installs its dependencies, then runs the command with its arguments', async (t) => {
  const { dir, calls, bootstrap } = tempCheckout(t);
  const { stdout, stderr, exitCode } = await bootstrap(['fix', 'a b']);
  assert.equal(exitCode, 0);
  assert.deepEqual(JSON.parse(String(stdout)), ['check', '--write', '.', 'a b']);
  assert.match(String(stderr), /installing the dependencies/);
  assert.deepEqual(calls(), ['ci']);
  assert.deepEqual(leftovers(dir), []);
});

test('a checkout that is ready installs nothing and says nothing', async (t) => {
  const { calls, bootstrap } = tempCheckout(t);
  await bootstrap(['fix']);
  const { stderr } = await bootstrap(['fix']);
  assert.equal(stderr, '');
  assert.deepEqual(calls(), ['ci']);
});

test('a changed lock file is installed', async (t) => {
  const { dir, calls, bootstrap } = tempCheckout(t);
  await bootstrap(['fix']);
  writeFileSync(join(dir, 'package-lock.json'), '{ "changed": true }');
  await bootstrap(['fix']);
  assert.deepEqual(calls(), ['ci', 'ci']);
});

test('an install that fails says why, keeps what was there and is tried again', async (t) => {
  const { dir, calls, bootstrap } = tempCheckout(t);
  mkdirSync(join(dir, 'node_modules/old'), { recursive: true });
  const { exitCode, stderr } = await bootstrap(['fix'], { NPM_FAILS: '1' });
  assert.equal(exitCode, 1);
  assert.match(String(stderr), /the registry is down/);
  assert.deepEqual(readdirSync(join(dir, 'node_modules')), ['old']);
  assert.equal((await bootstrap(['fix'])).exitCode, 0);
  assert.deepEqual(calls(), ['ci', 'ci']);
  assert.deepEqual(leftovers(dir), []);
});

test('two set-ups at once install once, and both commands run', async (t) => {
  const { calls, bootstrap } = tempCheckout(t);
  const both = await Promise.all([1, 2].map(() => bootstrap(['fix'], { NPM_TAKES_MS: '300' })));
  assert.deepEqual(
    both.map(({ exitCode }) => exitCode),
    [0, 0],
  );
  assert.deepEqual(calls(), ['ci']);
});

test('what a killed set-up left is cleared away', async (t) => {
  const { dir, bootstrap } = tempCheckout(t);
  const gone = await execa(process.execPath, ['-p', 'process.pid']);
  mkdirSync(join(dir, `.node/work-${gone.stdout}-modules-abc`), { recursive: true });
  writeFileSync(join(dir, '.node/setup.lock'), gone.stdout);
  assert.equal((await bootstrap(['fix'])).exitCode, 0);
  assert.deepEqual(leftovers(dir), []);
});

test('--print-node prints the path of the Node and nothing else on stdout', async (t) => {
  const { bootstrap } = tempCheckout(t);
  assert.equal((await bootstrap(['--print-node'])).stdout, process.execPath);
});

test('an unknown command is a usage error and sets nothing up', async (t) => {
  const { calls, bootstrap } = tempCheckout(t);
  const { exitCode, stderr } = await bootstrap(['toString']);
  assert.equal(exitCode, 64);
  assert.match(String(stderr), /demo\|test\|test:specs\|check/);
  assert.deepEqual(calls(), []);
});

test('SIGTERM reaches the command, and its exit code is the result', async (t) => {
  const { bootstrap } = tempCheckout(t);
  const running = bootstrap(['fix'], { PROGRAM_WAITS: '1' });
  running.stdout?.once('data', () => running.kill('SIGTERM'));
  assert.equal((await running).exitCode, 7);
});

/** Makes the bootstrap believe that it runs on an old Node, with no other on PATH. */
function onOldNode(version: string): Record<string, string> {
  const versions = `{...process.versions, node: '${version}'}`;
  const preload = `for (const [k, v] of [['version','v${version}'],['versions',${versions}]]) Object.defineProperty(process, k, {value: v});`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`, PATH: '/nonexistent' };
}

test('a fetched Node that is not the pinned one is never put in place', async (t) => {
  const { dir, calls, bootstrap } = tempCheckout(t);
  const { exitCode, stderr } = await bootstrap(['fix'], onOldNode('20.0.0'));
  assert.equal(exitCode, 1);
  assert.match(String(stderr), /is not what was pinned/);
  assert.deepEqual(calls(), ['pack']);
  assert.deepEqual(leftovers(dir), []);
});

test('an old Node takes a better one from PATH', async (t) => {
  const { bootstrap } = tempCheckout(t);
  const env = { ...onOldNode('20.0.0'), PATH: dirname(process.execPath) };
  assert.equal((await bootstrap(['--print-node'], env)).stdout, process.execPath);
});

test('a Node that is too old to set anything up is told so', async (t) => {
  const { calls, bootstrap } = tempCheckout(t);
  const { exitCode, stderr } = await bootstrap(['fix'], onOldNode('16.20.2'));
  assert.equal(exitCode, 1);
  assert.match(String(stderr), /install Node 18 or later/);
  assert.deepEqual(calls(), []);
});
