import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import type { RecordedView } from '../store/recorded.ts';
import type { Ports } from './ports.ts';

const EVERY_MS = 3_600_000;

/** Drops, once an hour, what mirrors hold that nothing refers to any more. What was dropped can be fetched again. */
export async function keepMirrorsSmall(
  ports: Ports,
  derivedFrom: () => ReadonlySet<CommitId>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, git, settings, store, log } = ports;
  while (!signal.aborted) {
    await clock.sleep(EVERY_MS, signal).catch(() => {});
    if (signal.aborted) return;
    const repos = [settings.configRepo, ...store.recorded.repos.keys()] as RepoUrl[];
    await git
      .prune(repos, { commits: new Set([...neededCommits(store.recorded), ...derivedFrom()]) })
      .catch((error: unknown) => {
        log.warn(`mirrors: ${error instanceof Error ? error.message : String(error)}`);
      });
  }
}

/** Commits whose files may be wanted again: what is followed, what is live or on its way, and what artifacts were built from. */
function neededCommits(recorded: RecordedView): ReadonlySet<CommitId> {
  const needed = new Set<CommitId>();
  const need = (commit: CommitId | null | undefined) => commit != null && needed.add(commit);
  need(recorded.config.accepted);
  for (const { heads, goodConfig } of recorded.environments.values()) {
    need(goodConfig);
    for (const commit of Object.values(heads)) need(commit);
  }
  for (const { resolved } of recorded.sources.values()) need(resolved?.commit);
  for (const { live, next } of recorded.deployments.values()) {
    need(live?.target.source?.commit);
    need(next?.target?.source?.commit);
  }
  for (const { source } of recorded.artifacts.values()) need(source?.commit);
  return needed;
}
