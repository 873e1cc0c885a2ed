import { DEFAULT_PREVIEWS, DEFAULT_RELEASE } from '../../model/config.ts';
import { MainspringError } from '../../model/errors.ts';
import type { WantedRepo } from '../../model/git-facts.ts';
import { type CommitId, isCommitId } from '../../model/ids.ts';
import type { ConfigState, Snapshot } from '../../model/snapshot.ts';
import { type RefListing, type RepoState, type RepoUrl, tipOf } from '../../model/source.ts';
import { type RepoRefs, repoRefs } from '../desire/refs.ts';
import { Wishes } from '../desire/wishes.ts';
import { queriesByRepo } from '../observe/queries.ts';
import { findCommit } from './find-commit.ts';
import { asProblem, type LocalFactPorts, type LocalFacts } from './local-facts.ts';
import { type Merge, type MergeOf, mergeWorld } from './merge-world.ts';

/** What merging for a plan is done with. */
export interface MergeDeps {
  readonly ports: LocalFactPorts;
  readonly facts: LocalFacts;
  readonly signal: AbortSignal;
}

/** How many repos are listed side by side. */
const SIDE_BY_SIDE = 16;

/** What is asked for depends on what was read before: configs and merge bases, then what was declared there, then the files. */
const MOST_ROUNDS = 12;

/** Main with a branch merged into it, or main itself. Lists and reads what it needs to know. */
export async function mergeBranch(ref: string | null, now: Snapshot, deps: MergeDeps): Promise<Merge> {
  const { ports, signal, facts } = deps;
  const listing = await ports.git.list({ repo: ports.repo, auth: null }, signal);
  const { branch: followed } = now.settings;
  const tip = findCommit(followed, listing);
  const main = await mainState(tip, followed, now, deps);
  const branch = ref === followed ? null : ref;
  if (branch === null && !main.evaluates) return rejected(tip, facts);
  const states = new Map(now.repos.map((state) => [state.repo, state]));
  states.set(ports.repo, freshState(ports.repo, listing, states));
  if (branch !== null) await listSources(main.config, states, deps);
  const whole = { ...now, repos: [...states.values()] };
  const repos = repoRefs(main.config, whole);
  const heads = branch === null ? new Map<RepoUrl, CommitId>() : headsOf(branch, repos, ports.repo);
  const configHead = branch === null ? null : (tipOf(listing, branch) ?? (isCommitId(branch) ? branch : null));
  if (branch !== null && configHead === null && heads.size === 0) throw nowhere(branch, listing, repos);
  const of = { branch, main: main.config, configHead, heads, repos, states, now: whole };
  const merge = await merged(of, deps);
  return branch === null || !merge.ok ? merge : { ...merge, notes: [...remarks(of, main.evaluates), ...merge.notes] };
}

async function merged(of: Omit<MergeOf, 'wishes'>, { facts, ports, signal }: MergeDeps): Promise<Merge> {
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const wishes = new Wishes(facts);
    const merge = mergeWorld({ ...of, wishes });
    if (merge !== undefined) return merge;
    const needs = wishes.needs();
    const states = of.states as Map<RepoUrl, RepoState>;
    await inTurns(
      needs.repos.filter(({ repo }) => isUnlisted(states.get(repo))),
      (wanted) => listRepo(wanted, states, ports, signal),
    );
    await facts.read(needs, signal);
  }
  throw new MainspringError('unexpected', 'plan: what the branch needs to know could not be found out');
}

/** Nobody has tried to list it yet. */
function isUnlisted(state: RepoState | undefined): boolean {
  return state === undefined || (state.listing === null && state.error === null);
}

interface MainState {
  readonly config: ConfigState;
  readonly evaluates: boolean;
}

/** Main as it is now. Where it does not evaluate, what it declared last stands in for it. */
async function mainState(
  tip: CommitId,
  ref: string,
  now: Snapshot,
  { facts, ports, signal }: MergeDeps,
): Promise<MainState> {
  if (facts.config(tip) === undefined) await facts.read({ configs: [tip], bases: [], folders: [] }, signal);
  const found = facts.config(tip);
  const { repo } = ports;
  const cause = { kind: 'commit', repo, ref, commit: tip, author: found?.author ?? null, pull: null } as const;
  const last = now.config?.declarations ?? {
    apps: [],
    previews: DEFAULT_PREVIEWS,
    release: DEFAULT_RELEASE,
    specs: {},
  };
  const evaluates = found?.evaluation.ok === true;
  const declarations = found?.evaluation.ok ? found.evaluation.declarations : last;
  return { config: { repo, commit: tip, cause, declarations }, evaluates };
}

function rejected(commit: CommitId, facts: LocalFacts): Merge {
  const evaluation = facts.config(commit)?.evaluation;
  return { ok: false, commit, errors: evaluation?.ok === false ? evaluation.errors : [] };
}

/** Branches may have been pushed a moment ago: all repos that apps come from are listed now. */
async function listSources(
  main: ConfigState,
  states: Map<RepoUrl, RepoState>,
  { ports, signal }: MergeDeps,
): Promise<void> {
  const wanted = [...queriesByRepo(main.declarations)].map(([repo, queries]) => ({
    repo,
    auth: queries[0]?.auth ?? null,
  }));
  await inTurns(
    wanted.filter(({ repo }) => repo !== ports.repo),
    (one) => listRepo(one, states, ports, signal),
  );
}

async function listRepo(
  wanted: WantedRepo,
  states: Map<RepoUrl, RepoState>,
  { git }: LocalFactPorts,
  signal: AbortSignal,
): Promise<void> {
  const found = await git.list(wanted, signal).catch(asProblem);
  const known = states.get(wanted.repo);
  if (!('problem' in found)) states.set(wanted.repo, freshState(wanted.repo, found, states));
  else
    states.set(wanted.repo, {
      repo: wanted.repo,
      listing: known?.listing ?? null,
      error: found.problem,
      baseline: known?.baseline ?? null,
      movedAt: known?.movedAt ?? {},
    });
}

function freshState(repo: RepoUrl, listing: RefListing, states: ReadonlyMap<RepoUrl, RepoState>): RepoState {
  const known = states.get(repo);
  return { repo, listing, error: null, baseline: known?.baseline ?? null, movedAt: known?.movedAt ?? {} };
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += SIDE_BY_SIDE)
    await Promise.all(items.slice(from, from + SIDE_BY_SIDE).map(work));
}

/** The repos, besides the config repo, in which the branch is a proposal to change something. */
function headsOf(branch: string, repos: ReadonlyMap<RepoUrl, RepoRefs>, configRepo: RepoUrl): Map<RepoUrl, CommitId> {
  const heads = new Map<RepoUrl, CommitId>();
  for (const { repo, listing, followed } of repos.values()) {
    const commit = listing === null ? undefined : tipOf(listing, branch);
    if (commit !== undefined && repo !== configRepo && !followed.has(branch)) heads.set(repo, commit);
  }
  return heads;
}

function nowhere(branch: string, listing: RefListing, repos: ReadonlyMap<RepoUrl, RepoRefs>): MainspringError {
  const followers = [...repos.values()].filter(({ followed }) => followed.has(branch)).map(({ repo }) => repo);
  const message =
    followers.length > 0
      ? `branch "${branch}" of ${followers.join(', ')} is followed: what is on it is part of "plan" as it is`
      : `there is no branch "${branch}" in the config repo "${listing.repo}", nor in a repo that an app comes from`;
  const names = Object.keys(listing.branches).slice(0, 10).join(', ');
  return new MainspringError('git-ref-missing', message, { hint: `Name a branch (${names}) or a full commit id.` });
}

/** Which repos take part, and what was not to be had. */
function remarks(
  { branch, configHead, heads, main, states }: Omit<MergeOf, 'wishes'>,
  mainEvaluates: boolean,
): string[] {
  const parts = [...(configHead === null ? [] : [main.repo]), ...heads.keys()];
  const stale = [...states.values()].filter(({ error }) => error !== null);
  return [
    `planned as if "${branch}" were merged now in ${parts.join(', ')}`,
    ...(mainEvaluates ? [] : ['main itself does not evaluate: what it declared last stands in for it']),
    ...stale.map(
      ({ repo, error }) => `${repo} could not be listed now (${error?.message}): planned with what was known of it`,
    ),
  ];
}
