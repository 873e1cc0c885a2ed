import assert from 'node:assert/strict';
import { accessSync, constants, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { execa } from 'execa';
import { CONTROLLER_STOP_MS, DRAIN_MS } from '../../src/roles/serve.ts';
import { PROGRAM } from '../e2e/support/daemon.ts';
import { root } from '../imports.ts';

const PACKAGING = join(root, 'packaging');
const SERVICE = readFileSync(join(PACKAGING, 'mainspring.service'), 'utf8');

test('systemd finds nothing wrong with the units', async (t) => {
  if (!isInstalled('/usr/bin/systemd-analyze')) {
    t.diagnostic('SKIPPED: systemd-analyze is not installed, so nobody has read the units');
    return;
  }
  const dir = tempDir(t);
  cpSync(PACKAGING, dir, { recursive: true });
  // It looks for the program, which is not installed here.
  writeFileSync(
    join(dir, 'mainspring.service'),
    SERVICE.replace('/usr/local/bin/mainspring', join(root, 'bin/mainspring')),
  );
  const units = ['mainspring.service', 'mainspring.socket'].map((name) => join(dir, name));
  const { exitCode, stderr } = await execa('systemd-analyze', ['verify', ...units], { reject: false });
  assert.deepEqual({ exitCode, stderr }, { exitCode: 0, stderr: '' });
});

test('what the unit starts is a command of the program', async (t) => {
  const [program, ...args] = settingOf('ExecStart').split(' ');
  assert.equal(program, '/usr/local/bin/mainspring');
  const missing = join(tempDir(t), 'mainspring.toml');
  const asked = args.map((arg) => (arg.endsWith('mainspring.toml') ? missing : arg));
  const [node, ...flags] = PROGRAM;
  const { exitCode, stderr } = await execa(node, [...flags, ...asked], { reject: false });
  // Read as a command with settings, of which only the file is not there.
  assert.equal(exitCode, 1);
  assert.match(stderr, new RegExp(missing.replaceAll('.', '\\.')));
});

test('systemd gives the program the time to stop that it takes for itself', () => {
  assert.ok(Number.parseInt(settingOf('TimeoutStopSec'), 10) * 1_000 > DRAIN_MS + 2_000 + CONTROLLER_STOP_MS);
});

test('systemd leaves what is meant to outlive the supervisor alone', () => {
  assert.deepEqual([settingOf('KillMode'), settingOf('Restart')], ['process', 'always']);
});

function settingOf(key: string): string {
  const [, value = ''] = new RegExp(`^${key}=(.*)$`, 'm').exec(SERVICE) ?? [];
  return value;
}

function isInstalled(program: string): boolean {
  try {
    accessSync(program, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function tempDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-packaging-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
