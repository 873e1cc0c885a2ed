import type { Cause } from '../model/cause.ts';
import type { ConfigError, Declarations } from '../model/config.ts';
import type { Desired } from '../model/desired.ts';
import type { AppId, CommitId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import type { ConfigState, Snapshot, SourceState } from '../model/snapshot.ts';
import { branchMissing } from '../model/source.ts';
import type { ConfigTree } from '../starlark/config-tree.ts';
import { desire } from './desire.ts';
import { configFolders, queriesByRepo, wantedCommit } from './observe/queries.ts';
import { plan } from './plan.ts';
import { asProblem, type LocalFactPorts, LocalFacts } from './plan-for/local-facts.ts';
import { mergeBranch } from './plan-for/merge-branch.ts';
import { type PlanDetails, planDetails } from './plan-for/plan-details.ts';

/** What planning for something that is not main needs. Nothing of it is changed but mirrors. */
export type PlanForPorts = LocalFactPorts;

/** What would be done, or why the config would be rejected. */
export type PlanOutcome =
  | { readonly ok: true; readonly plan: Plan; readonly details: PlanDetails; readonly notes: readonly string[] }
  | { readonly ok: false; readonly commit: string | null; readonly errors: readonly ConfigError[] };

/** What planning is done with. */
export interface PlanForDeps {
  readonly ports: PlanForPorts;
  readonly signal: AbortSignal;
}

/** Files to plan for that are in no commit. */
export interface Proposal {
  readonly commit: CommitId;
  readonly cause: Cause;
  readonly tree: ConfigTree;
  /** What a folder of it holds; throws `git-path-missing` if there is none. */
  readonly folder: (path: string, signal: AbortSignal) => Promise<SourceState>;
}

/**
 * What would be done in stage and production if a branch (of the config repo, of repos that apps come from, or of both) were merged now, or
 * a commit of the config repo; with null, what is still to be done for main. From the same pure parts as a pass, and the same
 * snapshot but for what the merge says.
 */
export async function planForRef(ref: string | null, now: Snapshot, deps: PlanForDeps): Promise<PlanOutcome> {
  const facts = new LocalFacts(now.facts, now.config, deps.ports);
  const merge = await mergeBranch(ref, now, { ...deps, facts });
  if (!merge.ok) return { ok: false, commit: merge.commit, errors: merge.errors };
  const { config, sources, reasons, notes } = merge;
  return outcomeOf({ ...now, config, sources }, reasons, notes);
}

/** What would be done if the files of a folder were main now. */
export async function planForFolder(proposal: Proposal, now: Snapshot, deps: PlanForDeps): Promise<PlanOutcome> {
  const { ports, signal } = deps;
  const evaluation = await ports.evaluator.evaluate(proposal.tree, signal);
  if (!evaluation.ok) return { ok: false, commit: proposal.commit, errors: evaluation.errors };
  const { declarations } = evaluation;
  const { commit, cause } = proposal;
  const config: ConfigState = { repo: ports.repo, commit, cause, declarations };
  const sources = new Map<string, SourceState>([
    ...(await proposedSources(proposal, declarations, deps)),
    ...(await otherSources(declarations, now, deps)),
  ]);
  return outcomeOf({ ...now, config, sources }, new Map(), []);
}

function outcomeOf(snapshot: Snapshot, reasons: ReadonlyMap<AppId, string>, notes: readonly string[]): PlanOutcome {
  const value = finish(plan(followedOnly(finish(desire(snapshot))), snapshot.recorded, snapshot.at));
  return { ok: true, plan: value, details: planDetails(value, snapshot.recorded, reasons), notes };
}

/** Previews are not what is asked about: of them nothing is said. */
function followedOnly(desired: Desired | null): Desired | null {
  if (desired === null) return null;
  return { ...desired, environments: desired.environments.filter(({ kind }) => kind !== 'preview'), ended: [] };
}

/** Folders of the config repo are those of the proposal, not those of main. */
async function proposedSources(
  proposal: Proposal,
  declarations: Declarations,
  { signal }: PlanForDeps,
): Promise<[string, SourceState][]> {
  const states: [string, SourceState][] = [];
  for (const [key, folder] of configFolders(declarations)) {
    states.push([key, await proposal.folder(folder, signal).catch(asProblem)]);
  }
  return states;
}

/** Sources in other repos are as they are known; those that main does not know are listed and read now. */
async function otherSources(
  declarations: Declarations,
  now: Snapshot,
  { ports, signal }: PlanForDeps,
): Promise<[string, SourceState][]> {
  const facts = new LocalFacts(now.facts, now.config, ports);
  const found = [...queriesByRepo(declarations)].map(async ([repo, queries]) => {
    const isKnown = queries.every(({ key }) => now.sources.get(key) !== undefined);
    const auth = queries[0]?.auth ?? null;
    const listing = isKnown ? null : await ports.git.list({ repo, auth }, signal).catch(asProblem);
    return Promise.all(
      queries.map(async (query): Promise<[string, SourceState]> => {
        const known = now.sources.get(query.key);
        if (known !== undefined || listing === null) return [query.key, known ?? NOT_LISTED];
        if ('problem' in listing) return [query.key, listing];
        const commit = wantedCommit(query, listing);
        if (commit === null) return [query.key, { problem: branchMissing(repo, query.branch ?? listing.head) }];
        await facts.read({ bases: [], configs: [], folders: [{ ...query, commit }] }, signal);
        return [query.key, facts.folder(repo, commit, query.folder) ?? NOT_LISTED];
      }),
    );
  });
  return (await Promise.all(found)).flat();
}

const NOT_LISTED: SourceState = {
  problem: { code: 'git-list-failed', message: 'source: not looked at yet', hint: null, retry: 'after-interval' },
};

function finish<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
  }
}
