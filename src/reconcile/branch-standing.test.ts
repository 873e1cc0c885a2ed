import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_REPO } from '../../test/support/declarations.ts';
import type { Files } from '../../test/support/fake-git.ts';
import { Loop } from '../../test/support/loop.ts';
import { branchLabel } from '../model/environment.ts';
import { branchStanding } from './branch-standing.ts';

const FILES: Files = {
  'config.json': JSON.stringify({ apps: [{ path: '/a', source: { kind: 'config', folder: 'a' } }] }),
  'a/index.html': 'a1',
};

test('of each branch it is said whether it has a preview, and why not', async (t) => {
  const loop = new Loop(t);
  const repo = loop.ports.git.repo(CONFIG_REPO);
  const main = repo.push(FILES);
  repo.push({ ...FILES, 'a/index.html': 'old' }, 'old', [main]);
  await loop.start();
  repo.push({ ...FILES, 'a/index.html': 'a2' }, 'feature/x', [main]);
  repo.push({ ...FILES, README: 'x' }, 'words', [main]);
  repo.push({ 'config.json': FILES['config.json'] ?? '', 'a/index.html': 'alien' }, 'alien');
  await loop.look();
  const standing = (branch: string) => branchStanding(branch, loop.reconciler.snapshot());
  assert.deepEqual(standing('feature/x'), { env: branchLabel('feature/x'), planned: true, why: null, followedIn: [] });
  assert.match(standing('words').why ?? '', /^nothing on branch "words" differs/);
  assert.match(standing('old').why ?? '', /was there before its repo was first looked at/);
  assert.match(standing('alien').why ?? '', /no ancestor in common/);
  assert.match(standing('gone').why ?? '', /no repo .* has a branch "gone"/);
  assert.deepEqual(standing('main').followedIn, [CONFIG_REPO]);
  repo.push({ ...FILES, 'a/index.html': 'a3' }, 'feature/x', [main]);
  await loop.look(0);
  assert.deepEqual([standing('feature/x').env !== null, standing('feature/x').why], [true, null]);
});
