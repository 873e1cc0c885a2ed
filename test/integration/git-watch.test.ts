import assert from 'node:assert/strict';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Git } from '../../src/git/git.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { testGit } from '../support/git-client.ts';
import { tempDir, tempRepo } from '../support/git-repo.ts';

interface Watched {
  /** Resolves at the first call from now on, or fails. */
  next(): Promise<void>;
  calls(): number;
  end(): void;
}

async function watched(t: TestContext, git: Git, path: string): Promise<Watched> {
  let calls = 0;
  let wake = () => {};
  const end = git.watch(path as RepoUrl, () => {
    calls += 1;
    wake();
  });
  t.after(end);
  const next = () => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    wake = resolve;
    const late = setTimeout(() => reject(new Error('nothing was reported')), 5_000);
    return promise.finally(() => clearTimeout(late));
  };
  const started = next();
  await started;
  return { next, calls: () => calls, end };
}

test('a push to a bare repo is reported, on known, new and nested branches, packed and deleted', async (t) => {
  const repo = await tempRepo(t);
  await repo.commitAndPush({ a: '1' });
  const git = await testGit(t, { localRoots: [repo.bare] });
  const watch = await watched(t, git, repo.bare);
  const steps: (() => Promise<unknown>)[] = [
    () => repo.commitAndPush({ a: '2' }),
    () => repo.push({ to: 'new' }),
    () => repo.push({ to: 'feature/deep/er' }),
    () => repo.commit({ a: '3' }).then(() => repo.push({ to: 'feature/deep/er' })),
    () => repo.gitBare('pack-refs', '--all', '--prune'),
    () => repo.git('push', '-q', 'origin', '--delete', 'feature/deep/er'),
    () => repo.push({ to: 'feature/deep/er' }),
    () => repo.commit({ a: '4' }).then(() => repo.push({ to: 'feature/deep/er' })),
    () => repo.gitBare('symbolic-ref', 'HEAD', 'refs/heads/new'),
  ];
  for (const step of steps) {
    const reported = watch.next();
    await step();
    await reported;
  }
});

test('a commit in a work tree and in a linked work tree is reported, other work in it is not', async (t) => {
  const repo = await tempRepo(t);
  await repo.commit({ a: '1' });
  const linked = join(await tempDir(t), 'linked');
  await repo.git('worktree', 'add', '-q', '-b', 'other', linked);
  const git = await testGit(t, { localRoots: [repo.work, linked] });
  const main = await watched(t, git, repo.work);
  const other = await watched(t, git, linked);
  const reported = [main.next(), other.next()];
  await repo.commit({ a: '2' });
  await Promise.all(reported);
  const head = other.next();
  await repo.git('-C', linked, 'switch', '-q', '--detach');
  await head;
});

test('a repo that is removed and made again, or replaced by another, is watched again', async (t) => {
  const repo = await tempRepo(t);
  await repo.commitAndPush({ a: '1' });
  const git = await testGit(t, { localRoots: [join(repo.bare, '..')] });
  const watch = await watched(t, git, repo.bare);
  await rename(repo.bare, `${repo.bare}.old`);
  await repo.git('clone', '-q', '--bare', `${repo.bare}.old`, `${repo.bare}.new`);
  await rename(`${repo.bare}.new`, repo.bare);
  await reportsAgain(watch, () => repo.commitAndPush({ a: '2' }));
  await rm(repo.bare, { recursive: true });
  await repo.git('clone', '-q', '--bare', repo.work, repo.bare);
  await reportsAgain(watch, () => repo.commitAndPush({ a: '3' }));
});

/** Pushes until one push is reported at once: then what is watched is what is there. */
async function reportsAgain(watch: Watched, push: () => Promise<unknown>): Promise<void> {
  for (const end = Date.now() + 5_000; Date.now() < end; ) {
    await sleep(60);
    const before = watch.calls();
    await push();
    await sleep(60);
    if (watch.calls() > before) return;
  }
  assert.fail('pushes to the new repo are not reported');
}

test('after the end nothing is reported, and one push is reported once or twice, not per file', async (t) => {
  const repo = await tempRepo(t);
  await repo.commitAndPush({ a: '1' });
  const git = await testGit(t, { localRoots: [repo.bare] });
  const watch = await watched(t, git, repo.bare);
  const reported = watch.next();
  await repo.commitAndPush({ a: '2' });
  await reported;
  await sleep(60);
  assert.ok(watch.calls() <= 3, `${watch.calls()} calls`);
  const before = watch.calls();
  watch.end();
  await repo.commitAndPush({ a: '3' });
  await sleep(60);
  assert.equal(watch.calls(), before);
});
