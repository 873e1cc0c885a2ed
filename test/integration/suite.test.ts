import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { eventually } from '../e2e/support/eventually.ts';
import { root } from '../imports.ts';

/** Runs the suite's runner on one test file; the environment says that it is not itself part of a test. */
async function runSuite(t: TestContext, body: string, env: Record<string, string> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-suite-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(
    join(dir, 'a.test.mjs'),
    `import assert from 'node:assert';\nimport { describe, it, test } from 'node:test';\n${body}`,
  );
  const { NODE_TEST_CONTEXT: _context, CI: _ci, ...outside } = process.env;
  const options = { cwd: root, env: { ...outside, ...env }, extendEnv: false, reject: false } as const;
  const { stdout, exitCode } = await execa(process.execPath, ['scripts/test.ts', dir], options);
  return { stdout, exitCode, lastLine: stdout.split('\n').at(-1) };
}

const passing = "test('a', () => {});";

for (const [name, body, env, lastLine, exitCode] of [
  ['a passing file passes', passing, {}, '1 passed, 0 failed, 0 skipped', 0],
  ['no test at all fails', '', {}, '0 passed, 1 failed, 0 skipped', 1],
  ['a failing test fails the run', "test('a', () => assert.equal(1, 2));", {}, '0 passed, 1 failed, 0 skipped', 1],
  [
    'suites do not count',
    "describe('s', () => { it('a', () => {}); it('b', () => {}); });",
    {},
    '2 passed, 0 failed, 0 skipped',
    0,
  ],
  [
    'a failing subtest counts once',
    "describe('s', () => it('a', () => assert.fail('no')));",
    {},
    '0 passed, 1 failed, 0 skipped',
    1,
  ],
  [
    'a skipped test is told',
    `${passing} test('b', { skip: 'no engine' }, () => {});`,
    {},
    '1 passed, 0 failed, 1 skipped',
    0,
  ],
  [
    'a skipped test fails CI',
    `${passing} test('b', { skip: 'no engine' }, () => {});`,
    { CI: 'true' },
    '1 passed, 0 failed, 1 skipped',
    1,
  ],
  [
    'a test that is still to do is not a pass',
    `${passing} test('b', { todo: true }, () => assert.fail());`,
    {},
    '1 passed, 0 failed, 1 skipped',
    0,
  ],
  ['a file that throws fails as a whole', "throw new Error('at the top');", {}, '0 passed, 1 failed, 0 skipped', 1],
  ['a file that can not be read as code fails', 'test(;', {}, '0 passed, 1 failed, 0 skipped', 1],
  ['a file that kills itself fails', "process.kill(process.pid, 'SIGKILL');", {}, '0 passed, 1 failed, 0 skipped', 1],
] as const) {
  test(`in the suite, ${name}`, async (t) => {
    const result = await runSuite(t, body, env);
    assert.equal(result.lastLine, lastLine, result.stdout);
    assert.equal(result.exitCode, exitCode);
  });
}

test('a failure is shown whole: where, what was expected and what the file printed', async (t) => {
  const { stdout } = await runSuite(t, "test('adds up', () => { console.log('a hint'); assert.equal(1 + 1, 3); });");
  for (const part of [/✖ .*a\.test\.mjs: adds up/, /2 == 3/, /a\.test\.mjs:3/, /a hint/]) assert.match(stdout, part);
});

test('tests that a file takes from another count for the file that is run', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-lent-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const contract = join(dir, 'contract.mjs');
  writeFileSync(contract, "import { test } from 'node:test';\nexport const define = () => test('holds', () => {});");
  const { stdout } = await runSuite(t, `import { define } from '${contract}';\ndefine();`);
  assert.match(stdout, /^ok .*a\.test\.mjs \(1 passed/m);
});

test('what was skipped is named with its reason', async (t) => {
  const { stdout } = await runSuite(t, `${passing} test('builds', { skip: 'no engine here' }, () => {});`);
  assert.match(stdout, /^SKIPPED .*a\.test\.mjs: builds: no engine here$/m);
});

test('tests see no git settings of the user', async (t) => {
  const body =
    "test('a', () => assert.deepEqual([process.env.GIT_DIR, process.env.GIT_CONFIG_GLOBAL], [undefined, '/dev/null']));";
  assert.equal((await runSuite(t, body, { GIT_DIR: '/elsewhere' })).exitCode, 0);
});

test('without a Docker Engine the run says loudly that containers are not tested, and why', async (t) => {
  const helper = join(root, 'test/support/containers/docker.ts');
  const body = `import { dockerForTests } from '${helper}';
const { skip } = await dockerForTests();
${passing} test('runs a container', { skip }, () => {});`;
  const nowhere = { MAINSPRING_TEST_DOCKER: '', DOCKER_HOST: 'unix:///nowhere/docker.sock' };
  const { stdout, lastLine, exitCode } = await runSuite(t, body, nowhere);
  assert.match(stdout, /^NOTICE {2}CONTAINERS ARE NOT TESTED: .*DOCKER_HOST names unix:\/\/\/nowhere\/docker\.sock/m);
  assert.match(stdout, /^SKIPPED .*runs a container: there is no Docker Engine: DOCKER_HOST names/m);
  assert.deepEqual([lastLine, exitCode], ['1 passed, 0 failed, 1 skipped', 0]);
});

test('a run that needs no engine does not speak of one', async (t) => {
  const { stdout } = await runSuite(t, passing, { DOCKER_HOST: 'unix:///nowhere/docker.sock' });
  assert.doesNotMatch(stdout, /CONTAINERS/);
});

test('a run that is told to stop ends the test that runs, starts no other, and ends as signals end', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-stop-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const started = join(dir, 'started');
  const hangs = `require('node:fs').appendFileSync('${started}', process.pid + '\\n'); setInterval(() => {}, 1000);`;
  for (const name of ['a', 'b', 'c', 'd']) writeFileSync(join(dir, `${name}.test.js`), hangs);
  const { NODE_TEST_CONTEXT: _context, ...env } = process.env;
  const run = execa(process.execPath, ['scripts/test.ts', dir], { cwd: root, env, extendEnv: false, reject: false });
  const running = Math.min(4, Math.max(2, availableParallelism()));
  const pids = await eventually(() => {
    const lines = existsSync(started) ? readFileSync(started, 'utf8').trim().split('\n') : [];
    return lines.length === running ? lines.map(Number) : undefined;
  });
  run.kill('SIGTERM');
  assert.equal((await run).exitCode, 143);
  assert.equal(readFileSync(started, 'utf8').trim().split('\n').length, running);
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});
