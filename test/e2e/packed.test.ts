import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { execa } from 'execa';
import { root } from '../imports.ts';
import { programVariable } from './support/daemon.ts';

describe('the packed product, installed elsewhere', () => {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-packed-'));
  const command = join(dir, 'app/node_modules/.bin/mainspring');
  const env = { PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) };

  before(async () => {
    mkdirSync(join(dir, 'app'));
    // The suite has built it.
    if (process.env[programVariable] === undefined)
      await execa(process.execPath, ['scripts/build.ts'], { cwd: root, env });
    await execa('npm', ['pack', '--pack-destination', dir], { cwd: root, env });
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    writeFileSync(join(dir, 'app/package.json'), '{}');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
    await execa('npm', ['install', ...options, join(dir, `mainspring-${version}.tgz`)], { cwd: join(dir, 'app'), env });
  });

  after(() => rmSync(dir, { recursive: true, force: true }));

  /** A config repo's tree with one static app. */
  function writeConfig(name: string, declaration: string): string {
    const config = join(dir, name);
    mkdirSync(join(config, 'site'), { recursive: true });
    writeFileSync(join(config, 'site/index.html'), '<h1>hello</h1>');
    writeFileSync(join(config, 'apps.star'), declaration);
    return config;
  }

  test('says its version and nothing on stderr', async () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const { stdout, stderr } = await execa(command, ['--version'], { env });
    assert.ok(stdout.includes(version), stdout);
    assert.equal(stderr, '');
  });

  test('starts through a chain of links from anywhere', async () => {
    symlinkSync(command, join(dir, 'first-link'));
    symlinkSync('first-link', join(dir, 'second-link'));
    const { stdout } = await execa(join(dir, 'second-link'), ['--version'], { cwd: tmpdir(), env });
    assert.notEqual(stdout, '');
  });

  test('evaluates a config tree, so the evaluator and its workers are in the package', async () => {
    const { exitCode } = await execa(command, ['check', writeConfig('good', 'app("/", "./site", spec = "static")\n')], {
      env,
    });
    assert.equal(exitCode, 0);
  });

  test('names file and line of a config error', async () => {
    const config = writeConfig('broken', '\napp("/", "./site", spce = "static")\n');
    const { exitCode, stdout, stderr } = await execa(command, ['check', config], { env, reject: false });
    assert.equal(exitCode, 1);
    assert.match(stdout + stderr, /apps\.star:2/);
  });
});
