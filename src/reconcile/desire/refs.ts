import type { AppDeclaration } from '../../model/app.ts';
import type { CommitId } from '../../model/ids.ts';
import { type ConfigState, type Snapshot, unpinned } from '../../model/snapshot.ts';
import { type RefListing, type RepoState, type RepoUrl, tipOf } from '../../model/source.ts';

/** A repo as previews see it. */
export interface RepoRefs {
  readonly repo: RepoUrl;
  readonly auth: string | null;
  /** Branches that production follows: they are no proposals to change it. */
  readonly followed: ReadonlySet<string>;
  /** The newest listing, if it is evidence: it names something, and lacks nothing that is followed. Null: nothing can be said of what it lacks. */
  readonly listing: RefListing | null;
  readonly baseline: Readonly<Record<string, CommitId>>;
}

/** The repos that main's apps come from, and the config repo itself. */
export function repoRefs(config: ConfigState, snapshot: Snapshot): ReadonlyMap<RepoUrl, RepoRefs> {
  const states = new Map(snapshot.repos.map((state) => [state.repo, state]));
  const wanted = new Map<RepoUrl, { auth: string | null; apps: AppDeclaration[] }>([
    [config.repo, { auth: null, apps: [] }],
  ]);
  for (const app of config.declarations.apps) {
    if (app.source.kind !== 'repo') continue;
    const repo = app.source.url as RepoUrl;
    const known = wanted.get(repo);
    if (known === undefined) wanted.set(repo, { auth: app.gitAuth, apps: [app] });
    else known.apps.push(app);
  }
  const refs = new Map<RepoUrl, RepoRefs>();
  for (const [repo, { auth, apps }] of wanted) {
    const followed = repo === config.repo ? [snapshot.settings.branch] : [];
    refs.set(repo, refsOf({ repo, auth }, states.get(repo), apps, followed));
  }
  return refs;
}

/** What is known of one repo, by the apps that come from it. */
export function refsOf(
  of: { readonly repo: RepoUrl; readonly auth: string | null },
  state: RepoState | undefined,
  apps: readonly AppDeclaration[],
  always: readonly string[] = [],
): RepoRefs {
  const listing = state?.listing ?? null;
  const followed = new Set(always);
  for (const app of apps) {
    const branch = followedBranch(app, listing);
    if (branch !== null) followed.add(branch);
  }
  // What HEAD points to is followed as well: where it points nowhere, the followed branch is what is missing.
  const isHeadMissing = listing?.head === null && apps.some((app) => app.gitBranch === null && followsBranch(app));
  const isComplete = listing !== null && !isHeadMissing && isEvidence(listing, followed);
  return { ...of, followed, listing: isComplete ? listing : null, baseline: state?.baseline ?? {} };
}

/** Whether it is a branch, not a pin, that says which files an app has, in stage and previews at least. */
function followsBranch(app: AppDeclaration): boolean {
  return unpinned(app).gitCommit === null;
}

/** The branch that an app follows; null where a pin decides everywhere, or HEAD points nowhere. */
export function followedBranch(app: AppDeclaration, listing: RefListing | null): string | null {
  return followsBranch(app) ? (app.gitBranch ?? listing?.head ?? null) : null;
}

/** Whether a listing can show that another branch is gone: an empty one can't, nor one that lacks a followed branch. */
function isEvidence(listing: RefListing, followed: ReadonlySet<string>): boolean {
  if (Object.keys(listing.branches).length === 0) return false;
  return [...followed].every((branch) => tipOf(listing, branch) !== undefined);
}

/** Whether a branch is one of those that a policy names. `*` stands for any characters, `/` too, `?` for one; `!` before a pattern leaves out; the last that fits decides. */
export function matchesPolicy(branch: string, patterns: readonly string[]): boolean {
  let matches = false;
  for (const pattern of patterns) {
    const isLeftOut = pattern.startsWith('!');
    if (globOf(isLeftOut ? pattern.slice(1) : pattern).test(branch)) matches = !isLeftOut;
  }
  return matches;
}

function globOf(pattern: string): RegExp {
  const source = pattern.replace(/[.*+?^${}()|[\]\\]/g, (char) =>
    char === '*' ? '.*' : char === '?' ? '.' : `\\${char}`,
  );
  return new RegExp(`^${source}$`, 'su');
}
