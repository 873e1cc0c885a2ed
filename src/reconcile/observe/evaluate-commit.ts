import type { Evaluation } from '../../model/config.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RepoUrl } from '../../model/source.ts';
import type { Ports } from '../ports.ts';
import { withDeadline } from '../slots/deadline.ts';

/** Evaluates a commit of the config repo that was fetched, within the time limit of one evaluation. */
export async function evaluateCommit(
  repo: RepoUrl,
  commit: CommitId,
  { git, evaluator, clock, limits }: Pick<Ports, 'git' | 'evaluator' | 'clock' | 'limits'>,
  outer: AbortSignal,
): Promise<Evaluation> {
  const files = await git.entries(repo, await git.treeOf(repo, commit, ''), { recursive: true });
  const read = (oids: readonly string[]) => git.blobs(repo, oids, { maxBytes: limits.fileBytes });
  const late = { code: 'config-limit', message: `config ${commit.slice(0, 12)}: evaluation took too long` } as const;
  return withDeadline({ clock, ms: limits.evaluateMs, signal: outer, late }, (signal) =>
    evaluator.evaluate({ files, read }, signal),
  );
}
