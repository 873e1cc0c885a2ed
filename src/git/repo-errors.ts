import { MainspringError } from '../model/errors.ts';
import { type CommitId, isCommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { parseRepoUrl } from '../model/source-url.ts';
import { lastWords } from './failure.ts';
import { UnreadableObject } from './unreadable-object.ts';

/** Refuses what is not the normalised form of an allowed repo, whatever the caller was told. */
export function checkUrl(repo: RepoUrl): void {
  const parsed = parseRepoUrl(repo);
  if (parsed.kind === 'repo' && parsed.url === repo) return;
  const why = parsed.kind === 'fault' ? parsed.fault : `should be written "${parsed.url}"`;
  throw new MainspringError('git-url-refused', `repo ${JSON.stringify(repo)}: ${why}`, {
    ...(parsed.kind === 'fault' && parsed.hint !== null ? { hint: parsed.hint } : {}),
  });
}

/** Refuses what is no full commit id. */
export function checkCommit(commit: CommitId): void {
  if (!isCommitId(commit)) throw new MainspringError('git-ref-missing', `not a commit id: ${JSON.stringify(commit)}`);
}

/** The error of a commit that the repo does not have. */
export function goneCommit(repo: RepoUrl, commit: CommitId): MainspringError {
  return new MainspringError('git-ref-moved', `fetch "${repo}": it does not have ${commit} (any more)`, {
    retry: 'now',
    hint: 'The ref has moved meanwhile, or git_commit names a commit that is not in this repo.',
  });
}

/** The error of commits of which the server says that it lacks one. */
export function movedCommit(repo: RepoUrl, commits: readonly CommitId[], stderr: string): MainspringError {
  const lacking = commits.find((commit) => stderr.includes(commit)) ?? commits.join(' or ');
  return new MainspringError(
    'git-ref-moved',
    `fetch "${repo}": the server does not have ${lacking} (any more): ${lastWords(stderr)}`,
    { retry: 'now', hint: 'The ref has moved meanwhile, or git_commit names a commit that is not in this repo.' },
  );
}

/** The error of a history that is cut off where it would decide. */
export function cutHistory(repo: RepoUrl): MainspringError {
  return new MainspringError(
    'git-fetch-failed',
    `merge base in "${repo}": the repo is shallow, its history is cut off`,
    {
      retry: 'after-interval',
      hint: 'Give it its whole history: `git fetch --unshallow` in it.',
    },
  );
}

/** The error of an id that names something else. */
export function notACommit(repo: RepoUrl, commit: CommitId, type: string): MainspringError {
  return new MainspringError('git-fetch-failed', `fetch "${repo}": ${commit} is a ${type}, not a commit`, {
    hint: 'Check git_commit: `git rev-parse NAME^{commit}` gives the commit of a tag.',
  });
}

/** The error of an object that a local repo lacks or cannot give. */
export function localDamage(repo: RepoUrl, error: Error): MainspringError {
  const code = error instanceof UnreadableObject ? 'git-fetch-failed' : 'git-ref-missing';
  return new MainspringError(code, `read "${repo}": ${error.message}`, {
    cause: error,
    retry: 'after-interval',
    hint: 'May the daemon read the repo? `git fsck` in it says whether it is whole.',
  });
}
