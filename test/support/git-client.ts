import type { TestContext } from 'node:test';
import { createGit, type GitOptions } from '../../src/git/create-git.ts';
import type { Git, RepoAccess } from '../../src/git/git.ts';
import type { RepoUrl } from '../../src/model/source.ts';
import { tempDir } from './git-repo.ts';

/** The real `Git` on a data folder of its own, closed after the test. */
export async function testGit(
  t: TestContext,
  options: Partial<GitOptions> & { readonly localRoots?: readonly string[] } = {},
): Promise<Git & { readonly dataDir: string }> {
  const dataDir = options.dataDir ?? (await tempDir(t));
  const { localRoots = [], ...rest } = options;
  const settings = { git: { localRoots }, gitAuth: {} };
  const git = createGit({ settings, env: process.env, ...rest, dataDir });
  t.after(() => git.close());
  return Object.assign(git, { dataDir });
}

/** Access to a repo by its URL or path. */
export function access(repo: string, auth: string | null = null): RepoAccess {
  return { repo: repo as RepoUrl, auth };
}

/** A signal that never aborts. */
export const never: AbortSignal = new AbortController().signal;
