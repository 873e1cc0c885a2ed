import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runForTest } from '../../test/support/cli.ts';
import { loadSettings } from '../settings/load.ts';

async function place(t: TestContext) {
  const cwd = await mkdtemp(join(tmpdir(), 'ms-init-'));
  t.after(() => rm(cwd, { recursive: true }));
  const made: string[] = [];
  const createStore = async (dataDir: string) => {
    made.push(dataDir);
    await writeFile(join(dataDir, 'mainspring.db'), 'new');
  };
  const init = (...args: string[]) => runForTest(['init', ...args], { ports: { createStore }, io: { cwd } });
  return { cwd, made, init };
}

test('init with a URL writes settings that work and a data folder that only we may read', async (t) => {
  const { cwd, made, init } = await place(t);
  const { exit, stdout } = await init(
    'git@git.example.com:acme/config.git',
    '--domain',
    'apps.example.com',
    '--listen',
    '0.0.0.0:80',
  );
  assert.equal(exit, 0);
  assert.match(stdout, /^written {2}.*mainspring\.toml\nwritten {2}.*mainspring\.db\n/);
  assert.match(stdout, /\n {2}mainspring serve {5}runs/);
  const settings = await loadSettings(join(cwd, 'mainspring.toml'), {});
  assert.equal(settings.configRepo, 'git@git.example.com:acme/config.git');
  assert.equal(settings.publicUrl, 'http://apps.example.com');
  assert.deepEqual(settings.git.localRoots, []);
  assert.deepEqual(made, [join(cwd, 'data')]);
  assert.equal((await stat(join(cwd, 'data'))).mode & 0o777, 0o711);
  assert.deepEqual((await readdir(cwd)).sort(), ['data', 'mainspring.toml']);
});

test('init with a path makes it a local root and follows the branch of its HEAD', async (t) => {
  const { cwd, init } = await place(t);
  execFileSync('git', ['init', '-q', '--bare', '-b', 'trunk', join(cwd, 'config.git')]);
  execFileSync('git', ['init', '-q', '-b', 'work', join(cwd, 'tree')]);
  assert.equal((await init('./config.git', '--dir', 'one')).exit, 0);
  const one = await loadSettings(join(cwd, 'one', 'mainspring.toml'), {});
  assert.deepEqual([one.configRepo, one.branch], [join(cwd, 'config.git'), 'trunk']);
  assert.deepEqual(one.git.localRoots, [join(cwd, 'config.git')]);
  const { stdout } = await init('tree', '--dir', 'two');
  assert.match(stdout, /mainspring serve --config two\/mainspring\.toml/);
  assert.equal((await loadSettings(join(cwd, 'two', 'mainspring.toml'), {})).branch, 'work');
});

test('init overwrites nothing', async (t) => {
  const { cwd, made, init } = await place(t);
  await writeFile(join(cwd, 'mainspring.toml'), '# mine\n');
  const { exit, stderr } = await init('https://git.example.com/c.git');
  assert.equal(exit, 1);
  assert.match(stderr, /^error\[already-initialised\]: /);
  assert.equal(await readFile(join(cwd, 'mainspring.toml'), 'utf8'), '# mine\n');
  assert.deepEqual(made, []);
  assert.equal(existsSync(join(cwd, 'data')), false);
});

test('init that was broken off can be run again, and keeps a database that is there', async (t) => {
  const { cwd, made, init } = await place(t);
  await mkdir(join(cwd, 'data'));
  await writeFile(join(cwd, 'data', 'mainspring.db'), 'old');
  const { exit, stdout } = await init('https://git.example.com/c.git');
  assert.equal(exit, 0);
  assert.match(stdout, /\nkept {5}.*mainspring\.db\n/);
  assert.equal(await readFile(join(cwd, 'data', 'mainspring.db'), 'utf8'), 'old');
  assert.deepEqual(made, []);
});

test('init twice fails, but settings that came to a new machine get their data folder', async (t) => {
  const { cwd, made, init } = await place(t);
  assert.equal((await init('https://git.example.com/c.git')).exit, 0);
  assert.match((await init('https://git.example.com/c.git')).stderr, /^error\[already-initialised\]/);
  await rm(join(cwd, 'data'), { recursive: true });
  assert.match((await init('https://git.example.com/other.git')).stderr, /^error\[already-initialised\]/);
  const text = await readFile(join(cwd, 'mainspring.toml'), 'utf8');
  const { exit, stdout } = await init('https://git.example.com/c.git');
  assert.equal(exit, 0);
  assert.match(stdout, /^kept {5}.*mainspring\.toml\nwritten /);
  assert.equal(await readFile(join(cwd, 'mainspring.toml'), 'utf8'), text);
  assert.equal(made.length, 2);
});

for (const [name, args, message] of [
  ['a folder that is not there', ['./nothing'], /there is no folder/],
  ['a folder that is no repo', ['.'], /is no git repo/],
  [
    'an address without a port',
    ['https://git.example.com/c.git', '--listen', ':8080'],
    /listen: should be an address and a port/,
  ],
  ['a domain that is none', ['https://git.example.com/c.git', '--domain', 'a_b'], /domain: should be a host name/],
  ['a URL with a password', ['https://me:hunter2@git.example.com/c.git'], /config_repo: .* holds a credential/],
] as const) {
  test(`init refuses ${name} and writes nothing`, async (t) => {
    const { cwd, init } = await place(t);
    const { exit, stderr } = await init(...args);
    assert.equal(exit, 64);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /hunter2/);
    assert.deepEqual(await readdir(cwd), []);
  });
}
