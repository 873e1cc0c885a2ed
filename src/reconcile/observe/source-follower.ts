import { MainspringError, type Problem, problemOf } from '../../model/errors.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RecordedSource } from '../../model/recorded.ts';
import type { RefListing } from '../../model/source.ts';
import { put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Ports } from '../ports.ts';
import { isStoreError } from '../slots/instance-slots.ts';
import { type KeyedQuery, wantedCommit } from './queries.ts';
import type { SourceReader } from './read-source.ts';

/** Brings what is known of the sources in one repo in line with a listing of it. What can't be read now keeps what it was. */
export async function followSources(
  queries: readonly KeyedQuery[],
  listing: RefListing,
  ports: Ports,
  reader: SourceReader,
  signal: AbortSignal,
): Promise<void> {
  const changed: RecordedSource[] = [];
  let failed: unknown = null;
  for (const query of queries) {
    const known = ports.store.recorded.sources.get(query.key);
    const commit = wantedCommit(query, listing);
    if (commit !== null && known?.resolved?.commit === commit && known.problem === null) continue;
    const row = await lookAt(query, commit, known ?? null, { reader, signal, listing }).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isStoreError(error)) throw error;
      failed ??= error;
      return { key: query.key, repo: query.repo, resolved: known?.resolved ?? null, problem: problemOf(error) };
    });
    changed.push(row);
  }
  await ports.reach('resolved');
  ports.store.transact((recorded) => changed.filter((row) => differs(row, recorded)).map((row) => put('source', row)));
  if (failed !== null) throw failed;
}

async function lookAt(
  query: KeyedQuery,
  commit: CommitId | null,
  known: RecordedSource | null,
  { reader, signal, listing }: { reader: SourceReader; signal: AbortSignal; listing: RefListing },
): Promise<RecordedSource> {
  const of = { key: query.key, repo: query.repo };
  if (commit === null) return { ...of, resolved: known?.resolved ?? null, problem: missing(query, listing) };
  try {
    return { ...of, resolved: await reader.read(query, commit, query.folder, signal), problem: null };
  } catch (error) {
    // A folder that is not there is the app's own affair: it is not the repo that failed.
    if (!(error instanceof MainspringError) || error.code !== 'git-path-missing') throw error;
    // Nothing but a push can mend it.
    return { ...of, resolved: known?.resolved ?? null, problem: { ...problemOf(error), retry: 'needs-human' } };
  }
}

function missing(query: KeyedQuery, listing: RefListing): Problem {
  const retry = 'needs-human' as const;
  if (Object.keys(listing.branches).length === 0) {
    return {
      code: 'git-repo-empty',
      message: `source "${query.repo}": the repo is empty`,
      hint: 'Push a commit to it.',
      retry,
    };
  }
  const branch = query.branch ?? listing.head;
  const message =
    branch === null
      ? `source "${query.repo}": HEAD points nowhere`
      : `source "${query.repo}": branch "${branch}" is missing`;
  return { code: 'git-ref-missing', message, hint: 'Push the branch, or change git_branch in the declaration.', retry };
}

function differs(row: RecordedSource, recorded: RecordedView): boolean {
  const known = recorded.sources.get(row.key);
  return (
    known === undefined ||
    known.resolved?.commit !== row.resolved?.commit ||
    known.resolved?.tree !== row.resolved?.tree ||
    known.problem?.code !== row.problem?.code ||
    known.problem?.message !== row.problem?.message
  );
}
