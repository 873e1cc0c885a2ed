// Makes a fresh clone ready, then runs one command of the project in it; with --print-node, prints the Node to use.
//
// Plain JavaScript for any Node >= 18 with nothing installed: built-in modules only, here and in setup/, and no syntax
// that an older Node can't read (it has to get as far as being told that it is too old).
import { spawn } from 'node:child_process';
import os from 'node:os';
import { compileCache, warmUp } from './setup/compile-cache.mjs';
import { install, isInstalled } from './setup/dependencies.mjs';
import { withLock } from './setup/lock.mjs';
import { fetchNode, findNode } from './setup/node.mjs';
import { withNodeFirst } from './setup/npm.mjs';
import { root, SetupError, say } from './setup/paths.mjs';

const commands = {
  demo: ['src/main.ts', 'demo'],
  test: ['scripts/test.ts'],
  'test:specs': ['scripts/test.ts', 'test/specs'],
  check: ['scripts/check.ts'],
  fix: ['node_modules/@biomejs/biome/bin/biome', 'check', '--write', '.'],
  bench: ['scripts/bench.ts'],
  build: ['scripts/build.ts'],
  simulate: ['test/simulation/run.ts'],
  mutants: ['test/simulation/mutants.ts'],
};

// Node 22 announces type stripping as experimental on every start.
const nodeFlags = ['--disable-warning=ExperimentalWarning'];

/** Makes the checkout ready and returns the Node to use. Costs a few milliseconds when it already is. */
function setUp() {
  if (Number(process.versions.node.split('.')[0]) < 18) {
    throw new SetupError(`Node ${process.version} is too old even to fetch a newer one: install Node 18 or later`);
  }
  const node = findNode() || withLock(() => findNode() || fetchNode());
  if (!isInstalled()) withLock(() => isInstalled() || installAll(node));
  return node;
}

function installAll(node) {
  install(node);
  warmUp(node, nodeFlags);
}

/** Runs a command in the foreground and ends as it ends. */
function run(node, name, args) {
  // Only where the program itself is run: what measures coverage is less exact on compiled code.
  const cache = name === 'demo' ? { NODE_COMPILE_CACHE: compileCache } : {};
  const env = Object.assign(cache, withNodeFirst(node));
  const child = spawn(node, nodeFlags.concat(commands[name], args), { cwd: root, env, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Ctrl-C goes to the whole foreground group: passing it on would make it two.
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', fail);
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + os.constants.signals[signal];
  });
}

function fail(error) {
  say(error instanceof SetupError ? error.message : `set-up failed: ${error.stack}`);
  process.exitCode = 1;
}

function main(name, args) {
  if (name === '--print-node') {
    process.stdout.write(`${setUp()}\n`);
  } else if (Object.hasOwn(commands, name)) {
    run(setUp(), name, args);
  } else {
    say(`usage: node scripts/bootstrap.mjs ${Object.keys(commands).join('|')} [argument …]`);
    process.exitCode = 64;
  }
}

try {
  main(process.argv[2], process.argv.slice(3));
} catch (error) {
  fail(error);
}
