import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitId, isCommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { lastWords } from './failure.ts';
import { gitEnvironment, type HostEnvironment } from './git-environment.ts';
import { nullIfMissing } from './list-local.ts';
import type { LocalRepo } from './local-repo.ts';
import { cutHistory, localDamage } from './repo-errors.ts';
import { type GitExit, runGit } from './run-git.ts';
import { UnreadableObject } from './unreadable-object.ts';

/** Runs git with such arguments in some repo. */
type GitInRepo = (args: readonly string[]) => Promise<GitExit>;

/**
 * All best common ancestors of two commits, in the order of their ids; `failure` where git could not tell. Up to git 2.44 a
 * commit that is missing on the way makes it say "none" as if that were so: only standard error gives it away.
 */
export async function mergeBases(
  git: GitInRepo,
  a: CommitId,
  b: CommitId,
): Promise<{ readonly bases: readonly CommitId[] } | { readonly failure: string }> {
  const { exitCode, stdout, stderr } = await git(['merge-base', '--all', a, b]);
  const bases = stdout.split('\n').filter(isCommitId).sort();
  const isAnswer = bases.length > 0 ? exitCode === 0 : exitCode === 1 && stdout === '';
  return isAnswer && !/^(?:error|fatal):/m.test(stderr) ? { bases } : { failure: lastWords(stderr) };
}

/**
 * The merge base of two commits of a local repo. Where that is shallow, the answer counts only if what was cut off could not
 * change it: only if every commit at which history ends is an ancestor of the base (so without a base: of neither commit).
 */
export async function localMergeBase(
  repo: RepoUrl,
  { commonDir }: LocalRepo,
  [a, b]: readonly [CommitId, CommitId],
  options: { readonly env: HostEnvironment; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<CommitId | null> {
  const env = gitEnvironment(options.env, { config: [['safe.directory', commonDir]] });
  const run = { ...options, env, cwd: '/', what: `merge base in "${repo}"` };
  const git = (args: readonly string[]) => runGit({ ...run, args: [`--git-dir=${commonDir}`, ...args] });
  const found = await mergeBases(git, a, b);
  if ('failure' in found) throw localDamage(repo, new UnreadableObject(found.failure));
  const ends = await shallowEnds(commonDir);
  const insides = found.bases.length === 0 ? [[]] : found.bases.map((base) => [`^${base}`]);
  for (const inside of ends.size === 0 ? [] : insides) {
    const outside = await git(['rev-list', a, b, ...inside]);
    if (!outside.ok) throw localDamage(repo, new UnreadableObject(lastWords(outside.stderr)));
    if (outside.stdout.split('\n').some((commit) => ends.has(commit))) throw cutHistory(repo);
  }
  return found.bases[0] ?? null;
}

/** The commits of which a shallow repo lacks the parents. */
async function shallowEnds(commonDir: string): Promise<ReadonlySet<string>> {
  const text = await readFile(join(commonDir, 'shallow'), 'utf8').catch(nullIfMissing);
  return new Set((text ?? '').split('\n').filter(isCommitId));
}
