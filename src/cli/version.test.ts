import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readVersion, versionText } from './version.ts';

function folder(t: TestContext, manifest: object): string {
  const root = mkdtempSync(join(tmpdir(), 'ms-version-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'src', 'cli'), { recursive: true });
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'mainspring', version: '1.2.3', ...manifest }));
  return root;
}

test('a build says its commit itself', (t) => {
  const root = folder(t, { gitHead: 'a'.repeat(40) });
  assert.deepEqual(readVersion(join(root, 'src', 'cli')), { version: '1.2.3', commit: 'a'.repeat(40) });
});

test('in a checkout git knows the commit, as a loose ref, packed or detached', (t) => {
  const root = folder(t, {});
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', root, '-c', 'user.name=x', '-c', 'user.email=x@x', ...args], {
      encoding: 'utf8',
    }).trim();
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'x');
  const commit = git('rev-parse', 'HEAD');
  assert.equal(readVersion(join(root, 'src')).commit, commit);
  git('pack-refs', '--all');
  assert.equal(readVersion(join(root, 'src')).commit, commit);
  git('checkout', '-q', '--detach');
  assert.equal(readVersion(join(root, 'src')).commit, commit);
});

test('without either only the version is said', (t) => {
  const found = readVersion(folder(t, {}));
  assert.deepEqual([found.commit, versionText(found)], [null, '1.2.3']);
  assert.equal(versionText({ version: '1.2.3', commit: 'abcdef0123' }), '1.2.3 (commit abcdef01)');
});
