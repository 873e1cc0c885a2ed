import { isStoreError, MainspringError, type Problem, problemOf } from '../../model/errors.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RecordedSource } from '../../model/recorded.ts';
import { branchMissing, type RefListing, type ResolvedSource } from '../../model/source.ts';
import { put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Ports } from '../ports.ts';
import { type KeyedQuery, wantedCommit } from './queries.ts';
import type { CommitFolders, SourceReader } from './read-source.ts';

/** What a look at the sources of one repo needs. */
export interface SourceLook {
  readonly listing: RefListing;
  readonly ports: Ports;
  readonly reader: SourceReader;
  readonly signal: AbortSignal;
}

const LACKING_HINT = 'Push the branch again, or change git_branch in the declaration.';

/** How many sources are looked at before others have their turn. */
const SOURCES_PER_SLICE = 250;

/**
 * Brings what is known of the sources in one repo in line with a listing of it. What can't be read now keeps what it was. Gives what the
 * listing lacks of what it once had: what is kept then is as stale as if there had been no answer.
 */
export async function followSources(queries: readonly KeyedQuery[], look: SourceLook): Promise<MainspringError | null> {
  const { listing, ports, signal } = look;
  const open = opener(look);
  const changed: RecordedSource[] = [];
  let failed: unknown = null;
  let lacking: MainspringError | null = null;
  for (const [index, query] of queries.entries()) {
    if (index % SOURCES_PER_SLICE === SOURCES_PER_SLICE - 1) await ports.yieldTurn();
    const known = ports.store.recorded.sources.get(query.key);
    const commit = wantedCommit(query, listing);
    if (commit !== null && isKnown(known, commit)) continue;
    const of = { key: query.key, repo: query.repo };
    const kept = known?.resolved ?? null;
    if (commit === null) {
      const problem = missing(query, listing);
      if (kept !== null)
        lacking ??= new MainspringError(problem.code, problem.message, { ...problem, hint: LACKING_HINT });
      changed.push({ ...of, resolved: kept, problem });
      continue;
    }
    try {
      changed.push({ ...of, ...(await lookAt(query, commit, kept, open)) });
    } catch (error) {
      signal.throwIfAborted();
      if (isStoreError(error)) throw error;
      failed ??= error;
      // A branch that moved meanwhile is no fault of the app's: the repo is listed again.
      if (!isMoved(error)) changed.push({ ...of, resolved: kept, problem: problemOf(error) });
    }
  }
  await ports.reach('resolved');
  ports.store.transact((recorded) => changed.filter((row) => differs(row, recorded)).map((row) => put('source', row)));
  if (failed !== null) throw failed;
  return lacking;
}

/** Whether there is nothing to read: an earlier version read less than is looked at now. */
function isKnown(known: RecordedSource | undefined, commit: CommitId): boolean {
  const resolved = known?.resolved;
  return resolved?.commit === commit && resolved.survey !== undefined && known?.problem === null;
}

type Open = (query: KeyedQuery, commit: CommitId) => Promise<CommitFolders>;

/** Opens each commit once, however many folders of it are wanted. */
function opener({ reader, signal }: SourceLook): Open {
  const opened = new Map<string, Promise<CommitFolders>>();
  return (query, commit) => {
    const key = `${commit} ${query.auth ?? ''}`;
    const known = opened.get(key);
    if (known !== undefined) return known;
    const opening = reader.open(query, commit, signal);
    opened.set(key, opening);
    return opening;
  };
}

async function lookAt(
  query: KeyedQuery,
  commit: CommitId,
  kept: ResolvedSource | null,
  open: Open,
): Promise<Pick<RecordedSource, 'resolved' | 'problem'>> {
  try {
    return { resolved: await (await open(query, commit)).read(query.folder), problem: null };
  } catch (error) {
    // A folder or a pinned commit that is not there is the app's own affair: it is not the repo that failed.
    if (error instanceof MainspringError && error.code === 'git-path-missing')
      return { resolved: kept, problem: problemOf(error) };
    if (isMoved(error) && query.commit !== null) return { resolved: kept, problem: missingPin(query, commit) };
    throw error;
  }
}

function isMoved(error: unknown): boolean {
  return error instanceof MainspringError && error.code === 'git-ref-moved';
}

function missingPin(query: KeyedQuery, commit: CommitId): Problem {
  return {
    code: 'git-ref-missing',
    message: `source "${query.repo}": commit ${commit} is not there`,
    hint: 'Push the commit to a branch or tag of this repo, or change git_commit in the declaration.',
    retry: 'after-interval',
  };
}

function missing(query: KeyedQuery, listing: RefListing): Problem {
  if (Object.keys(listing.branches).length === 0) {
    return {
      code: 'git-repo-empty',
      message: `source "${query.repo}": the repo is empty`,
      hint: 'Push a commit to it.',
      retry: 'after-interval',
    };
  }
  return branchMissing(query.repo, query.branch ?? listing.head);
}

function differs(row: RecordedSource, recorded: RecordedView): boolean {
  const known = recorded.sources.get(row.key);
  return (
    known === undefined ||
    known.resolved?.commit !== row.resolved?.commit ||
    known.resolved?.tree !== row.resolved?.tree ||
    (known.resolved?.survey === undefined) !== (row.resolved?.survey === undefined) ||
    known.problem?.code !== row.problem?.code ||
    known.problem?.message !== row.problem?.message
  );
}
