import type { Git } from '../git/git.ts';
import { hashOf } from '../model/canonical.ts';
import type { Cause } from '../model/cause.ts';
import { type ConfigError, DEFAULT_PREVIEWS, type Declarations } from '../model/config.ts';
import { isAbort, MainspringError, problemOf } from '../model/errors.ts';
import { type CommitId, isCommitId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import type { Snapshot, SourceState } from '../model/snapshot.ts';
import { sourceKey } from '../model/snapshot.ts';
import type { RefListing, RepoUrl } from '../model/source.ts';
import type { ConfigTree } from '../starlark/config-tree.ts';
import { desire } from './desire.ts';
import { configFolders, type KeyedQuery, queriesByRepo, wantedCommit } from './observe/queries.ts';
import { SourceReader } from './observe/read-source.ts';
import { plan } from './plan.ts';
import type { Evaluator, Limits } from './ports.ts';

/** What planning for something that is not main needs. Nothing of it is changed but mirrors. */
export interface PlanForPorts {
  readonly git: Git;
  readonly evaluator: Evaluator;
  readonly limits: Pick<Limits, 'fileBytes'>;
  readonly repo: RepoUrl;
}

/** What would be done, or why the config would be rejected. */
export type PlanOutcome =
  | { readonly ok: true; readonly plan: Plan; readonly notes: readonly string[] }
  | { readonly ok: false; readonly commit: string | null; readonly errors: readonly ConfigError[] };

/** A config tree to plan for: a commit, or files that are in none. */
export interface Proposal {
  readonly commit: CommitId;
  readonly cause: Cause;
  readonly tree: ConfigTree;
  /** What a folder of it holds; throws `git-path-missing` if there is none. */
  readonly folder: (path: string, signal: AbortSignal) => Promise<SourceState>;
}

/** The commit of the config repo that a branch name or full commit id means, listed now. */
export async function findCommit(ref: string, listing: RefListing): Promise<CommitId> {
  const commit = listing.branches[ref] ?? (isCommitId(ref) ? ref : undefined);
  if (commit !== undefined) return commit;
  throw new MainspringError('git-ref-missing', `config repo "${listing.repo}": there is no branch "${ref}"`, {
    hint: `Name one of its branches (${Object.keys(listing.branches).slice(0, 10).join(', ')}) or a full commit id.`,
  });
}

/** A commit of the config repo as a proposal. */
export async function proposeCommit(
  commit: CommitId,
  ref: string,
  ports: PlanForPorts,
  signal: AbortSignal,
): Promise<Proposal> {
  const { git, repo, limits } = ports;
  const access = { repo, auth: null };
  await git.fetch(access, commit, signal);
  const { author } = await git.commitFacts(repo, commit);
  const files = await git.entries(repo, await git.treeOf(repo, commit, ''), { recursive: true });
  const reader = new SourceReader(git, limits.fileBytes);
  return {
    commit,
    cause: { kind: 'commit', repo, ref, commit, author, pull: null },
    tree: { files, read: (oids) => git.blobs(repo, oids, { maxBytes: limits.fileBytes }) },
    folder: (path, until) => reader.read(access, commit, path, until),
  };
}

/** What would be done in production if a proposal were main now: from the same pure parts, and the same snapshot but for what it says. */
export async function planFor(
  proposal: Proposal,
  now: Snapshot,
  deps: { readonly ports: PlanForPorts; readonly signal: AbortSignal },
): Promise<PlanOutcome> {
  const { ports, signal } = deps;
  const evaluation = await ports.evaluator.evaluate(proposal.tree, signal);
  if (!evaluation.ok) return { ok: false, commit: proposal.commit, errors: evaluation.errors };
  const { declarations } = evaluation;
  const { commit, cause } = proposal;
  const sources = new Map(await proposedSources(proposal, declarations, deps));
  for (const app of declarations.apps) {
    const key = sourceKey(app);
    const known = key === null || sources.has(key) ? undefined : now.sources.get(key);
    if (key !== null && known !== undefined) sources.set(key, known);
  }
  for (const [key, state] of await unknownSources(declarations, sources, deps)) sources.set(key, state);
  const snapshot: Snapshot = { ...now, config: { repo: ports.repo, commit, cause, declarations }, sources };
  return {
    ok: true,
    plan: finish(plan(finish(desire(snapshot)), snapshot.recorded)),
    notes: policyNotes(declarations),
  };
}

/** What holds for the whole repo, is right, and has no effect in this version. */
function policyNotes({ previews, release }: Declarations): string[] {
  const notes: string[] = [];
  if (hashOf(previews) !== hashOf(DEFAULT_PREVIEWS)) notes.push('previews(…): not in effect yet in this version');
  if (!release.atomic) notes.push('release(atomic = False): not in effect yet in this version');
  return notes;
}

/** Folders of the config repo are those of the proposal, not those of main. */
async function proposedSources(
  proposal: Proposal,
  declarations: Declarations,
  { signal }: { readonly signal: AbortSignal },
): Promise<[string, SourceState][]> {
  const states: [string, SourceState][] = [];
  for (const [key, folder] of configFolders(declarations)) {
    states.push([key, await proposal.folder(folder, signal).catch((error: unknown) => failed(error))]);
  }
  return states;
}

/** Sources that main does not know yet are listed and read now. */
async function unknownSources(
  declarations: Declarations,
  known: ReadonlyMap<string, SourceState>,
  { ports, signal }: { readonly ports: PlanForPorts; readonly signal: AbortSignal },
): Promise<[string, SourceState][]> {
  const reader = new SourceReader(ports.git, ports.limits.fileBytes);
  const found = [...queriesByRepo(declarations)].map(async ([repo, all]) => {
    const queries = all.filter(({ key }) => !known.has(key));
    if (queries.length === 0) return [];
    const listing = await ports.git
      .list({ repo, auth: queries[0]?.auth ?? null }, signal)
      .catch((error: unknown) => failed(error));
    return Promise.all(
      queries.map(
        async (query): Promise<[string, SourceState]> => [query.key, await readQuery(query, listing, reader, signal)],
      ),
    );
  });
  return (await Promise.all(found)).flat();
}

async function readQuery(
  query: KeyedQuery,
  listing: RefListing | { readonly problem: ReturnType<typeof problemOf> },
  reader: SourceReader,
  signal: AbortSignal,
): Promise<SourceState> {
  if ('problem' in listing) return listing;
  const commit = wantedCommit(query, listing);
  if (commit === null) {
    const message = `source "${query.repo}": branch "${query.branch ?? 'HEAD'}" is missing`;
    return { problem: { code: 'git-ref-missing', message, hint: 'Push the branch first.', retry: 'needs-human' } };
  }
  return reader.read(query, commit, query.folder, signal).catch((error: unknown) => failed(error));
}

function failed(error: unknown): { readonly problem: ReturnType<typeof problemOf> } {
  if (isAbort(error)) throw error;
  return { problem: problemOf(error) };
}

function finish<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
  }
}
