import { formatHead } from '../audit/chain.ts';
import { readAudit } from '../audit/log.ts';
import type { Git } from '../git/git.ts';
import { branchLabel, branchOf } from '../model/environment.ts';
import { MainspringError } from '../model/errors.ts';
import { type CommitId, PROD, STAGE } from '../model/ids.ts';
import type { RecordedDeployment } from '../model/recorded.ts';
import type { EngineName } from '../model/revision.ts';
import type { Settings } from '../model/settings.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { RepoUrl } from '../model/source.ts';
import type {
  AuditFilter,
  AuditLine,
  ExplainQuery,
  Explanation,
  LogsQuery,
  PlanDocument,
  Status,
  SurfaceLogLine,
} from '../model/surface.ts';
import { branchStanding } from '../reconcile/branch-standing.ts';
import { NO_PLAN } from '../reconcile/plan.ts';
import { findCommit } from '../reconcile/plan-for/find-commit.ts';
import {
  type PlanForPorts,
  type PlanOutcome,
  type Proposal,
  planForFolder,
  planForRef,
} from '../reconcile/plan-for.ts';
import type { Engine } from '../runtime/engine.ts';
import { nearestName } from '../starlark/nearest.ts';
import { aboutCommit } from '../status/about-commit.ts';
import { explain } from '../status/explain/explain.ts';
import { planDocument } from '../status/plan-document.ts';
import { statusOf } from '../status/status-value.ts';
import type { Connection } from '../store/database.ts';
import type { RecordedView } from '../store/recorded.ts';

/** What answering about a data folder needs, in the daemon and beside it. */
export interface Answering {
  readonly version: string;
  readonly settings: Settings;
  readonly connection: Connection;
  readonly recorded: () => RecordedView;
  readonly head: () => { readonly id: number; readonly hash: string };
  readonly asOf: (repo: string) => number | null;
  readonly passing: () => boolean;
  readonly snapshot: () => Snapshot;
  readonly planning: PlanForPorts;
  readonly git: Git;
  readonly engines: ReadonlyMap<EngineName, Engine>;
}

/** What runs, with what is known of a commit if one is asked about. */
export function answerStatus(from: Answering, commit: string | null): Status {
  const { settings, connection } = from;
  const recorded = from.recorded();
  const { configRepo: repo, branch } = settings;
  const status = statusOf(recorded, {
    version: from.version,
    repo,
    branch,
    head: formatHead(from.head()),
    asOf: from.asOf,
    passing: from.passing(),
    notInEffect: settings.notInEffect,
  });
  if (commit === null) return status;
  const standingOf = (name: string) => branchStanding(name, from.snapshot());
  return { ...status, about: aboutCommit(commit, { recorded, connection, repo, branch, standingOf }) };
}

/** What would change in stage and production if a branch were merged now, or a commit were main; with none, what is still to be done. */
export async function answerPlan(from: Answering, ref: string | null, signal: AbortSignal): Promise<PlanDocument> {
  const { planning: ports } = from;
  return documentOf(from, await planForRef(ref, from.snapshot(), { ports, signal }));
}

/** What would change if these files were main now. */
export async function answerProposal(from: Answering, proposal: Proposal, signal: AbortSignal): Promise<PlanDocument> {
  const { planning: ports } = from;
  return documentOf(from, await planForFolder(proposal, from.snapshot(), { ports, signal }));
}

function documentOf({ settings: { notInEffect } }: Answering, outcome: PlanOutcome): PlanDocument {
  if (outcome.ok) return planDocument(outcome.plan, { ...outcome.details, notes: outcome.notes, notInEffect });
  const configCommit = outcome.commit as CommitId | null;
  return planDocument({ ...NO_PLAN, configCommit }, { errors: outcome.errors, notInEffect });
}

/** The log, as far as it was asked for. */
export async function* answerAudit(from: Pick<Answering, 'connection'>, filter: AuditFilter): AsyncIterable<AuditLine> {
  let left = filter.limit ?? Number.POSITIVE_INFINITY;
  for (const event of readAudit(from.connection, { ...filter, after: filter.after ?? null })) {
    if (left-- <= 0) return;
    yield event;
  }
}

/** What an instance of an app, or its build, printed. `not-found` where there is no such app. */
export async function answerLogs(
  from: Answering,
  query: LogsQuery,
  signal: AbortSignal,
): Promise<AsyncIterable<SurfaceLogLine>> {
  const row = [...from.recorded().deployments.values()].find(({ env, app }) => env === query.env && app === query.app);
  if (row === undefined) throw notThere(query, [...from.recorded().deployments.values()]);
  const target = row.next?.target ?? row.live?.target;
  const engine = target === undefined ? undefined : from.engines.get(target.inputs.engine);
  const instance = row.next?.instance ?? row.next?.failedInstance ?? row.live?.instance;
  if (engine === undefined || target === undefined || (instance === undefined && !query.build)) return none();
  const of = query.build || instance === undefined ? { build: target.artifact } : { instance };
  return engine.logs({ of, tail: query.tail, follow: query.follow }, signal);
}

/** Why an app is as it is, where it is asked about. `not-found` where there is no such app, with the name that was probably meant. */
export function answerExplain(from: Pick<Answering, 'recorded' | 'connection'>, query: ExplainQuery): Explanation {
  const recorded = from.recorded();
  const all = [...recorded.deployments.values()];
  const rows = all.filter(({ app, env }) => app === query.app && (query.env === null || env === query.env));
  if (rows.length === 0) throw notThere(query, all);
  const events = [...readAudit(from.connection, { app: query.app })];
  return { app: query.app, environments: explain(rows, recorded, events) };
}

/** There is no such app, or not there. */
function notThere({ app, env }: ExplainQuery, all: readonly RecordedDeployment[]): MainspringError {
  const elsewhere = all.filter((row) => row.app === app).map((row) => row.env);
  const where = env === null ? '' : ` in "${env}"`;
  const near = nearestName(app, [...new Set(all.map((row) => row.app))]);
  const guess = near === undefined ? '' : `Did you mean "${near}"? `;
  const hint = elsewhere.length > 0 ? `It is in ${elsewhere.sort().join(', ')}. ` : guess;
  return new MainspringError('not-found', `there is no app "${app}"${where}`, {
    hint: `${hint}"mainspring status" lists what there is.`,
  });
}

/** The tip of the followed branch, listed now. */
export async function answerTip(from: Pick<Answering, 'git' | 'settings'>, signal: AbortSignal): Promise<string> {
  const listing = await from.git.list({ repo: from.settings.configRepo as RepoUrl, auth: null }, signal);
  return findCommit(from.settings.branch, listing);
}

/** The tip of what an environment comes from, listed now: for a preview the newest commit of its branch, that of the config repo first. */
export async function answerTipOf(from: Answering, env: string | null, signal: AbortSignal): Promise<string> {
  if (env === null || env === PROD || env === STAGE) return answerTip(from, signal);
  const recorded = from.recorded();
  const known = recorded.environments.get(env);
  const named = known === undefined ? null : branchOf(known.identity);
  const isOfEnv = (branch: string) => (named === null ? branchLabel(branch) === env : branch === named);
  const config = from.settings.configRepo as RepoUrl;
  const repos = [config, ...[...recorded.repos.keys()].filter((repo) => repo !== config)] as RepoUrl[];
  for (const repo of repos) {
    const { branches } = await from.git.list({ repo, auth: null }, signal);
    const branch = Object.keys(branches).find((name) => isOfEnv(name) && name !== from.settings.branch);
    if (branch !== undefined && branches[branch] !== undefined) return branches[branch];
  }
  throw new MainspringError('not-found', `there is no environment "${env}", and no branch whose preview is called so`, {
    hint: '"mainspring status" lists the environments; a preview has the name of its branch, made fit for a host.',
  });
}

async function* none(): AsyncIterable<SurfaceLogLine> {}
