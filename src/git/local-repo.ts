import { readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { RepoUrl } from '../model/source.ts';

/** Where a local repo keeps its things, with all symlinks resolved. Both are the same unless it is a linked work tree. */
export interface LocalRepo {
  /** Holds HEAD. */
  readonly gitDir: string;
  /** Holds refs and objects. */
  readonly commonDir: string;
}

/**
 * Finds a local repo: a bare one, a work tree, or a linked work tree. It, and where it points to, must lie below a local root
 * after symlinks are resolved (`git-url-refused`); what is no repo is `code`.
 */
export async function locateLocal(
  repo: RepoUrl,
  roots: readonly string[],
  code: 'git-list-failed' | 'git-fetch-failed',
): Promise<LocalRepo> {
  // A root that is gone holds nothing, so taken as written it lets nothing in: it only makes the error say what is gone.
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => resolve(root))));
  const check = (path: string) => allowed(repo, path, realRoots);
  // A path that does not exist is judged as written, so that the error does not tell what lies outside.
  const top = await realpath(repo).catch(() => null);
  await check(top ?? repo);
  const gitDir = top === null ? undefined : await findGitDir(top);
  if (gitDir === undefined) throw notARepo(repo, code);
  await check(gitDir);
  const common = await readTrimmed(join(gitDir, 'commondir'));
  const commonDir = common === undefined ? gitDir : await realpath(resolve(gitDir, common));
  await check(commonDir);
  return { gitDir, commonDir };
}

async function allowed(repo: RepoUrl, path: string, roots: readonly string[]): Promise<void> {
  if (roots.some((root) => path === root || path.startsWith(root === '/' ? '/' : `${root}/`))) return;
  throw new MainspringError('git-url-refused', `local repo "${repo}": not below a local root`, {
    hint: 'Name the folder that holds it in [git] local_roots; symlinks must not lead out of it.',
  });
}

async function findGitDir(top: string): Promise<string | undefined> {
  const dotGit = join(top, '.git');
  const found = await stat(dotGit).catch(() => null);
  if (found?.isDirectory() === true) return realpath(dotGit);
  if (found?.isFile() === true) {
    const target = /^gitdir: (.+)$/.exec((await readTrimmed(dotGit)) ?? '')?.[1];
    return target === undefined ? undefined : realpath(resolve(dirname(dotGit), target)).catch(() => undefined);
  }
  const isBare = await Promise.all(['HEAD', 'objects', 'refs'].map((name) => stat(join(top, name)).catch(() => null)));
  return isBare.every((entry) => entry !== null) ? top : undefined;
}

async function readTrimmed(path: string): Promise<string | undefined> {
  return (await readFile(path, 'utf8').catch(() => undefined))?.trim();
}

function notARepo(repo: RepoUrl, code: 'git-list-failed' | 'git-fetch-failed'): MainspringError {
  return new MainspringError(code, `local repo "${repo}": there is no git repo (any more)`, {
    retry: 'after-interval',
    hint: 'Check the path; it should be a bare repo or a work tree that the daemon may read.',
  });
}
