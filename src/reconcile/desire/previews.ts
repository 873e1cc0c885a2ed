import type { AppDeclaration } from '../../model/app.ts';
import type { Cause } from '../../model/cause.ts';
import type { DesiredDeployment, DesiredEnvironment, EndedEnvironment } from '../../model/desired.ts';
import { branchIdentity, branchLabel, branchOf } from '../../model/environment.ts';
import type { AppId, CommitId, EnvName } from '../../model/ids.ts';
import type { RecordedDeployment, RecordedEnvironment } from '../../model/recorded.ts';
import type { ConfigState, Snapshot } from '../../model/snapshot.ts';
import { type RepoState, type RepoUrl, tipOf, whenMoved } from '../../model/source.ts';
import { type BranchConfig, branchConfig, mainConfig } from './branch-config.ts';
import { differs, findSuspects, headState, isPassing, type Proposal, type Suspects } from './membership.ts';
import type { DesireMemo } from './memo.ts';
import { matchesPolicy, type RepoRefs, repoRefs } from './refs.ts';
import type { Sliced } from './sliced.ts';
import { deploymentAt } from './target.ts';
import { Wishes } from './wishes.ts';

/** What previews are decided from. */
export interface PreviewDeps {
  readonly config: ConfigState;
  readonly snapshot: Snapshot;
  readonly wishes: Wishes;
  readonly memo: DesireMemo;
}

/** The previews that should be, before limits, and those that are over. */
export interface Previews {
  readonly environments: readonly DesiredEnvironment[];
  readonly ended: readonly EndedEnvironment[];
  /** The deployments that each recorded preview has. */
  readonly rows: ReadonlyMap<EnvName, readonly RecordedDeployment[]>;
}

/** Which previews there should be, by the refs, and what each holds. Policy is main's; evidence is what a whole listing says. */
export function* previewsOf(deps: PreviewDeps): Sliced<Previews> {
  const world = worldOf(deps);
  const environments: DesiredEnvironment[] = [];
  const ended: EndedEnvironment[] = [];
  const branches = branchesOf(world);
  for (const [branch, heads] of [...branches].sort(([a], [b]) => (a < b ? -1 : 1))) {
    yield;
    const recorded = world.recorded.get(branch);
    if (recorded === undefined && !hasMoved(branch, heads, world.repos)) continue;
    const preview = previewOf(branch, heads, world);
    if (preview === 'unknown') continue;
    if (preview !== null) environments.push(preview);
    else if (recorded !== undefined)
      ended.push({ name: recorded.name, why: `nothing on branch "${branch}" differs from what it began from` });
  }
  for (const [branch, { name, heads }] of world.recorded) {
    if (branches.has(branch)) continue;
    ended.push({ name, why: whyOver(branch, heads, world) });
  }
  return { environments, ended, rows: world.rows };
}

interface World extends PreviewDeps {
  readonly repos: ReadonlyMap<RepoUrl, RepoRefs>;
  readonly states: ReadonlyMap<RepoUrl, RepoState>;
  /** The previews that are recorded, by branch. */
  readonly recorded: ReadonlyMap<string, RecordedEnvironment>;
  readonly rows: ReadonlyMap<EnvName, readonly RecordedDeployment[]>;
  /** Whether an app may be previewed: what main says, for an app that main has. */
  readonly previewable: (app: AppDeclaration) => boolean;
}

function worldOf(deps: PreviewDeps): World {
  const { config, snapshot } = deps;
  const recorded = new Map<string, RecordedEnvironment>();
  const rows = new Map<EnvName, RecordedDeployment[]>();
  for (const environment of snapshot.recorded.environments.values()) {
    const branch = branchOf(environment.identity);
    if (branch === null) continue;
    recorded.set(branch, environment);
    rows.set(environment.name, []);
  }
  if (rows.size > 0) for (const row of snapshot.recorded.deployments.values()) rows.get(row.env)?.push(row);
  const switchedOff = new Set(
    config.declarations.apps.filter(({ previews }) => previews === false).map(({ id }) => id),
  );
  const known = new Set<AppId>(config.declarations.apps.map(({ id }) => id));
  return {
    ...deps,
    repos: repoRefs(config, snapshot),
    states: new Map(snapshot.repos.map((state) => [state.repo, state])),
    recorded,
    rows,
    previewable: (app) => (known.has(app.id) ? !switchedOff.has(app.id) : app.previews !== false),
  };
}

/** The branches that are proposals to change something, with their commit in each repo. What can't be told of a repo now is as it was. */
function branchesOf({ config, repos, recorded }: World): ReadonlyMap<string, ReadonlyMap<RepoUrl, CommitId>> {
  const { branches: patterns } = config.declarations.previews;
  const found = new Map<string, Map<RepoUrl, CommitId>>();
  const add = (branch: string, repo: RepoUrl, commit: CommitId) => {
    if (!matchesPolicy(branch, patterns)) return;
    found.set(branch, (found.get(branch) ?? new Map()).set(repo, commit));
  };
  for (const { repo, listing, followed } of repos.values()) {
    if (listing !== null) {
      for (const [branch, commit] of Object.entries(listing.branches))
        if (!followed.has(branch)) add(branch, repo, commit);
      continue;
    }
    for (const [branch, { heads, endingSince }] of recorded) {
      const commit = heads[repo];
      // There was evidence that what is ending is over: only its branch, seen again, stands against that.
      if (commit !== undefined && endingSince === null && !followed.has(branch)) add(branch, repo, commit);
    }
  }
  return found;
}

/** Whether any of the branches is newer than what its repo had when it was first seen. */
export function hasMoved(
  branch: string,
  heads: ReadonlyMap<RepoUrl, CommitId>,
  repos: ReadonlyMap<RepoUrl, RepoRefs>,
): boolean {
  return [...heads].some(([repo, commit]) => tipOf({ branches: repos.get(repo)?.baseline ?? {} }, branch) !== commit);
}

/** The preview of a branch; null: there is nothing to preview; `unknown`: it is to be left alone until more is known. */
function previewOf(
  branch: string,
  heads: ReadonlyMap<RepoUrl, CommitId>,
  world: World,
): DesiredEnvironment | null | 'unknown' {
  const { wishes } = world;
  for (const commit of heads.values()) wishes.keep(commit);
  const recorded = world.recorded.get(branch);
  const config = configOf(branch, heads, world);
  if (config === undefined) return unchanged(recorded, world);
  const name = branchLabel(branch);
  const { repos, states, snapshot } = world;
  const held = new Map((world.rows.get(name) ?? []).map((row) => [row.app, row]));
  const members = membersOf({ branch, config, heads, repos, states, snapshot, wishes, held }, name, world);
  const { deployments, isKnown } = members;
  // What is ending is not opened again by what may be no difference at all.
  if (!isKnown && recorded?.endingSince != null) return 'unknown';
  if (deployments.length === 0 && config.errors.length === 0) return isKnown ? null : unchanged(recorded, world);
  const known = Object.fromEntries([...heads].sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    name,
    kind: 'preview',
    identity: branchIdentity(branch),
    cause: config.goodConfig === null ? sourceCause(branch, heads, deployments, world) : config.from.cause,
    heads: known,
    goodConfig: config.goodConfig,
    errors: config.errors,
    activeAt: activeAtOf(branch, heads, recorded, states),
    parked: null,
    deployments,
  };
}

/** When a preview was last wanted: when the newest of its commits was first seen, however long it took to find out what they hold. */
function activeAtOf(
  branch: string,
  heads: ReadonlyMap<RepoUrl, CommitId>,
  recorded: RecordedEnvironment | undefined,
  states: World['states'],
): number {
  const moved = [...heads].filter(([repo, commit]) => recorded?.heads[repo] !== commit);
  const times = moved.map(([repo]) => whenMoved(states.get(repo) ?? { movedAt: {} }, branch) ?? 0);
  return Math.max(recorded?.activeAt ?? 0, ...times);
}

/** A preview of which not enough is known now: it goes on as it is, or goes on ending. */
function unchanged(recorded: RecordedEnvironment | undefined, { rows }: World): DesiredEnvironment | 'unknown' {
  if (recorded === undefined || recorded.endingSince !== null) return 'unknown';
  const { name, kind, cause, heads, goodConfig, errors, activeAt, parked, identity } = recorded;
  const deployments = (rows.get(name) ?? []).map((row) => asItIs(name, row.app));
  return {
    ...{ name, kind, cause, heads, goodConfig, errors, activeAt, parked, deployments },
    identity: identity as DesiredEnvironment['identity'],
  };
}

function asItIs(env: EnvName, app: AppId): DesiredDeployment {
  return { env, app, want: { stay: 'as-is' } };
}

function configOf(
  branch: string,
  heads: ReadonlyMap<RepoUrl, CommitId>,
  { config, repos, recorded, snapshot, wishes }: World,
): BranchConfig | undefined {
  const commit = heads.get(config.repo);
  if (commit === undefined) return mainConfig(config);
  const listing = repos.get(config.repo)?.listing ?? null;
  const main = listing === null ? undefined : tipOf(listing, snapshot.settings.branch);
  // Without evidence of where main is, nothing can be compared with it.
  if (main === undefined) return undefined;
  return branchConfig({ branch, commit, main }, config, recorded.get(branch), wishes);
}

/** The apps that differ, and those of which that can't be said yet and that are there; and whether it can be said of all. */
function membersOf(
  proposal: Proposal,
  env: EnvName,
  world: World,
): { readonly deployments: readonly DesiredDeployment[]; readonly isKnown: boolean } {
  const { memo, snapshot } = world;
  const suspects = suspectsOf(proposal, env, world);
  const deployments: DesiredDeployment[] = [];
  let { isKnown } = suspects;
  for (const suspect of suspects.found) {
    const { app } = suspect;
    const head = headState(app, proposal);
    const isMember = head === undefined ? undefined : differs(suspect, head.state, proposal);
    if (isMember === false) continue;
    const row = proposal.held.get(app.id);
    if (isMember === undefined || head === undefined || (isPassing(head.state) && hasTarget(row))) {
      isKnown = false;
      if (row !== undefined) deployments.push(asItIs(env, app.id));
      continue;
    }
    const place = { env, kind: 'preview' } as const;
    const { from: config, declarations } = proposal.config;
    const declared = { app, config, specs: declarations.specs, ...head };
    deployments.push(deploymentAt(declared, place, snapshot, memo.of(env)));
  }
  return { deployments: deployments.sort((a, b) => (a.app < b.app ? -1 : 1)), isKnown };
}

/** Whether something of it runs or is on its way: then it goes on where its source can't be had for now. */
function hasTarget(row: RecordedDeployment | undefined): boolean {
  return row !== undefined && (row.live !== null || row.next?.target != null);
}

/** The apps that may differ: found again only where something of what they are found from is another. */
function suspectsOf(proposal: Proposal, env: EnvName, { config: main, memo, previewable }: World): Suspects {
  const { config, heads, states, repos, snapshot, wishes, held } = proposal;
  const listings = [...states.values()]
    .filter(({ repo }) => heads.has(repo) || !repos.has(repo))
    .map(({ listing }) => listing);
  const { declarations, base, from } = config;
  const of = [main.declarations, declarations, base?.declarations, base?.commit, from.commit];
  const key = [...of, JSON.stringify([[...heads], [...held.keys()]]), ...listings];
  const found = memo.suspects(env, key, () => {
    const asked = new Wishes(snapshot.facts);
    return { ...findSuspects({ ...proposal, wishes: asked }, previewable), needs: asked.needs() };
  });
  wishes.add(found.needs);
  return found;
}
/** Where a preview comes from that the config repo has no part in: the first source. */
function sourceCause(
  branch: string,
  heads: ReadonlyMap<RepoUrl, CommitId>,
  deployments: readonly DesiredDeployment[],
  { config }: World,
): Cause {
  for (const { want } of deployments)
    if ('causes' in want && want.causes.source?.kind === 'commit' && want.causes.source.ref === branch)
      return want.causes.source;
  const [first] = [...heads].filter(([repo]) => repo !== config.repo);
  const [repo, commit] = first ?? [config.repo, heads.get(config.repo) ?? config.commit];
  return { kind: 'commit', repo, ref: branch, commit, author: null, pull: null };
}

function whyOver(branch: string, heads: Readonly<Record<string, CommitId>>, { config, repos }: World): string {
  if (!matchesPolicy(branch, config.declarations.previews.branches))
    return `previews() on main does not name branch "${branch}" any more`;
  const said = Object.keys(heads).map((repo) => {
    const refs = repos.get(repo as RepoUrl);
    if (refs === undefined) return `no app on main comes from ${repo} any more`;
    return refs.followed.has(branch)
      ? `an app follows branch "${branch}" of ${repo} now`
      : `branch "${branch}" is gone from ${repo}`;
  });
  return said.join('; ');
}
