import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIG_REPO } from '../../test/support/declarations.ts';
import type { Files } from '../../test/support/fake-git.ts';
import { Loop } from '../../test/support/loop.ts';
import { branchStanding } from '../reconcile/branch-standing.ts';
import { aboutCommit } from './about-commit.ts';

const FILES: Files = {
  'config.json': JSON.stringify({ apps: [{ path: '/a', source: { kind: 'config', folder: 'a' } }] }),
  'a/index.html': 'a1',
};

test('a commit is the newest of main or of a branch, was so before, or was never seen', async (t) => {
  const loop = new Loop(t);
  const repo = loop.ports.git.repo(CONFIG_REPO);
  const about = (commit: string) =>
    aboutCommit(commit, {
      recorded: loop.ports.store.recorded,
      connection: loop.ports.connection,
      repo: CONFIG_REPO,
      branch: 'main',
      standingOf: (branch) => branchStanding(branch, loop.reconciler.snapshot()),
    });
  const main = repo.push(FILES);
  await loop.start();
  const first = repo.push({ ...FILES, 'a/index.html': 'a2' }, 'topic', [main]);
  await loop.look();
  const of = { role: 'config', state: 'current', by: null } as const;
  assert.deepEqual(about(main), { commit: main, ...of, branch: null });
  assert.deepEqual(about(first), { commit: first, ...of, branch: 'topic', env: 'topic', planned: true, why: null });
  const second = repo.push({ ...FILES, 'a/index.html': 'a3' }, 'topic', [first]);
  const newMain = repo.push({ ...FILES, README: '' }, 'main', [main]);
  await loop.look();
  const before = { role: 'config', state: 'superseded' } as const;
  assert.deepEqual(about(first), { commit: first, ...before, by: second, branch: 'topic', env: 'topic' });
  assert.deepEqual(about(main), { commit: main, ...before, by: newMain, branch: null });
  repo.branches.delete('topic');
  await loop.look();
  assert.deepEqual(about(second), { commit: second, ...before, by: null, branch: 'topic', env: null });
  const never = 'f'.repeat(40);
  assert.deepEqual(about(never), { commit: never, role: 'unknown', state: 'unknown', by: null });
});
