import type { Desired, DesiredEnvironment } from '../model/desired.ts';
import { branchIdentity } from '../model/environment.ts';
import { NO_NEEDS } from '../model/git-facts.ts';
import type { CommitId, EnvName } from '../model/ids.ts';
import type { RecordedEnvironment } from '../model/recorded.ts';
import type { ConfigState, Snapshot } from '../model/snapshot.ts';
import { type RepoUrl, tipOf } from '../model/source.ts';
import { DesireMemo } from './desire/memo.ts';
import { hasMoved, previewsOf } from './desire/previews.ts';
import { followedBranch, matchesPolicy, type RepoRefs, repoRefs } from './desire/refs.ts';
import { Wishes } from './desire/wishes.ts';
import { plan } from './plan.ts';

/** How it stands with the preview of a branch. */
export interface BranchStanding {
  /** The preview; null: it has none (yet). */
  readonly env: EnvName | null;
  /** Whether all that its newest commits ask for is recorded, so that the deployments of the preview speak of them. */
  readonly planned: boolean;
  /** Why it has no preview, for as long as nothing changes; null: it has one, or that is being found out. */
  readonly why: string | null;
  /** The repos in which a branch of this name is what production follows. */
  readonly followedIn: readonly RepoUrl[];
}

type Standing = Omit<BranchStanding, 'followedIn'>;

const PENDING: Standing = { env: null, planned: false, why: null };

/** How it stands with the preview of a branch, by the very rules that decide about it. Pure. */
export function branchStanding(branch: string, snapshot: Snapshot): BranchStanding {
  const { config } = snapshot;
  if (config === null) return { ...PENDING, followedIn: [] };
  const repos = repoRefs(config, snapshot);
  const followedIn = [...repos.values()].filter(({ followed }) => followed.has(branch)).map(({ repo }) => repo);
  return { ...standingOf(branch, config, snapshot, repos), followedIn };
}

function standingOf(
  branch: string,
  config: ConfigState,
  snapshot: Snapshot,
  repos: ReadonlyMap<RepoUrl, RepoRefs>,
): Standing {
  const heads = headsOf(branch, repos);
  const recorded = [...snapshot.recorded.environments.values()].find(
    ({ identity }) => identity === branchIdentity(branch),
  );
  if (heads.size === 0)
    return { ...PENDING, why: `no repo that apps come from has a branch "${branch}" that is not followed` };
  if (!matchesPolicy(branch, config.declarations.previews.branches))
    return { ...PENDING, why: `previews() on "${snapshot.settings.branch}" does not name branch "${branch}"` };
  if (recorded === undefined && !hasMoved(branch, heads, repos))
    return {
      ...PENDING,
      why: `branch "${branch}" was there before its repo was first looked at: it gets a preview once it moves`,
    };
  if (recorded?.parked != null && isAt(recorded, heads)) return { env: recorded.name, planned: true, why: null };
  return decided(branch, { config, snapshot, heads, repos, recorded });
}

interface Deciding {
  readonly config: ConfigState;
  readonly snapshot: Snapshot;
  readonly heads: ReadonlyMap<RepoUrl, CommitId>;
  readonly repos: ReadonlyMap<RepoUrl, RepoRefs>;
  readonly recorded: RecordedEnvironment | undefined;
}

function decided(branch: string, { config, snapshot, heads, repos, recorded }: Deciding): Standing {
  const narrow = narrowed(snapshot, branch, repos);
  const wishes = new Wishes(snapshot.facts);
  const { environments, ended } = finish(previewsOf({ config, snapshot: narrow, wishes, memo: new DesireMemo() }));
  const { repos: unlisted, configs, bases, folders } = wishes.needs();
  if (unlisted.some((one) => !snapshot.repos.some(({ repo }) => repo === one.repo))) return PENDING;
  if (configs.length + bases.length + folders.length > 0) return { ...PENDING, env: recorded?.name ?? null };
  const [environment] = environments;
  if (environment === undefined) return { ...PENDING, why: whyNothing(branch, { config, snapshot, heads, repos }) };
  const isPlanned = recorded !== undefined && isUpToDate(environment, narrow, config) && ended.length === 0;
  return { env: environment.name, planned: isPlanned, why: null };
}

/** The snapshot as if there were no other branch besides those that are followed. */
function narrowed(snapshot: Snapshot, branch: string, repos: ReadonlyMap<RepoUrl, RepoRefs>): Snapshot {
  const identity = branchIdentity(branch);
  const environments = new Map(
    [...snapshot.recorded.environments].filter(([, row]) => row.kind !== 'preview' || row.identity === identity),
  );
  return {
    ...snapshot,
    recorded: { ...snapshot.recorded, environments },
    repos: snapshot.repos.map((state) => {
      const followed = repos.get(state.repo)?.followed;
      if (state.listing === null || followed === undefined) return state;
      const kept = Object.entries(state.listing.branches).filter(([name]) => name === branch || followed.has(name));
      return { ...state, listing: { ...state.listing, branches: Object.fromEntries(kept) } };
    }),
  };
}

/** Whether a pass would change nothing of the preview. */
function isUpToDate(environment: DesiredEnvironment, { recorded, at }: Snapshot, config: ConfigState): boolean {
  const { commit: configCommit, cause, declarations } = config;
  const wanted: Desired = {
    ...{ configCommit, cause, environments: [environment], ended: [] },
    ...{ allowRemoval: null, atomic: declarations.release.atomic, needs: NO_NEEDS },
  };
  const { steps, environments } = finish(plan(wanted, recorded, at));
  return steps.length === 0 && environments.length === 0;
}

function whyNothing(branch: string, { config, snapshot, heads, repos }: Omit<Deciding, 'recorded'>): string {
  const alien = [...heads].filter(([repo, head]) => {
    const tips = tipsOf(repo, config, snapshot, repos);
    return tips.length > 0 && tips.every((tip) => head !== tip && snapshot.facts.base(repo, head, tip) === null);
  });
  if (alien.length === heads.size) return `branch "${branch}" has no ancestor in common with what is followed`;
  return `nothing on branch "${branch}" differs from what it began from`;
}

/** The commits of a repo that production follows. */
function tipsOf(
  repo: RepoUrl,
  config: ConfigState,
  snapshot: Snapshot,
  repos: ReadonlyMap<RepoUrl, RepoRefs>,
): CommitId[] {
  const listing = repos.get(repo)?.listing ?? null;
  const apps = config.declarations.apps.filter(({ source }) => source.kind === 'repo' && source.url === repo);
  const branches = [
    ...(repo === config.repo ? [snapshot.settings.branch] : []),
    ...apps.map((app) => followedBranch(app, listing)),
  ];
  return branches.flatMap((branch) => (branch === null || listing === null ? [] : (tipOf(listing, branch) ?? [])));
}

function headsOf(branch: string, repos: ReadonlyMap<RepoUrl, RepoRefs>): ReadonlyMap<RepoUrl, CommitId> {
  const heads = new Map<RepoUrl, CommitId>();
  for (const { repo, listing, followed } of repos.values()) {
    const commit = listing === null ? undefined : tipOf(listing, branch);
    if (commit !== undefined && !followed.has(branch)) heads.set(repo, commit);
  }
  return heads;
}

function isAt({ heads: known }: RecordedEnvironment, heads: ReadonlyMap<RepoUrl, CommitId>): boolean {
  return Object.keys(known).length === heads.size && [...heads].every(([repo, commit]) => known[repo] === commit);
}

function finish<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
  }
}
