import { formatHead } from '../audit/chain.ts';
import { readAudit } from '../audit/log.ts';
import type { Git } from '../git/git.ts';
import { MainspringError } from '../model/errors.ts';
import type { EngineName } from '../model/revision.ts';
import type { Settings } from '../model/settings.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { RepoUrl } from '../model/source.ts';
import type { AuditFilter, AuditLine, LogsQuery, PlanDocument, Status, SurfaceLogLine } from '../model/surface.ts';
import { findCommit, type PlanForPorts, type Proposal, planFor, proposeCommit } from '../reconcile/plan-for.ts';
import type { Engine } from '../runtime/engine.ts';
import { aboutCommit } from '../status/about-commit.ts';
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
  const { settings } = from;
  const status = statusOf(from.recorded(), {
    version: from.version,
    repo: settings.configRepo,
    branch: settings.branch,
    head: formatHead(from.head()),
    asOf: from.asOf,
    passing: from.passing(),
    notInEffect: settings.notInEffect,
  });
  return commit === null ? status : { ...status, about: aboutCommit(commit, from.recorded(), from.connection) };
}

/** What would change if a ref of the config repo were main now; with none, what is on main. */
export async function answerPlan(from: Answering, ref: string | null, signal: AbortSignal): Promise<PlanDocument> {
  const { git, planning, settings } = from;
  const listing = await git.list({ repo: planning.repo, auth: null }, signal);
  const name = ref ?? settings.branch;
  const commit = await findCommit(name, listing);
  return answerProposal(from, await proposeCommit(commit, name, planning, signal), signal);
}

/** What would change if these files were main now. */
export async function answerProposal(from: Answering, proposal: Proposal, signal: AbortSignal): Promise<PlanDocument> {
  const { planning, settings } = from;
  const outcome = await planFor(proposal, from.snapshot(), { ports: planning, signal });
  const notInEffect = settings.notInEffect;
  if (outcome.ok) return planDocument(outcome.plan, { notes: outcome.notes, notInEffect });
  return planDocument(
    { configCommit: proposal.commit, steps: [], removalHash: null },
    { errors: outcome.errors, notInEffect },
  );
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
  if (row === undefined) {
    throw new MainspringError('not-found', `there is no app "${query.app}" in "${query.env}"`, {
      hint: '"mainspring status" lists what there is.',
    });
  }
  const target = row.next?.target ?? row.live?.target;
  const engine = target === undefined ? undefined : from.engines.get(target.inputs.engine);
  const instance = row.next?.instance ?? row.next?.failedInstance ?? row.live?.instance;
  if (engine === undefined || target === undefined || (instance === undefined && !query.build)) return none();
  const of = query.build || instance === undefined ? { build: target.artifact } : { instance };
  return engine.logs({ of, tail: query.tail, follow: query.follow }, signal);
}

/** The tip of the followed branch, listed now. */
export async function answerTip(from: Pick<Answering, 'git' | 'settings'>, signal: AbortSignal): Promise<string> {
  const listing = await from.git.list({ repo: from.settings.configRepo as RepoUrl, auth: null }, signal);
  return findCommit(from.settings.branch, listing);
}

async function* none(): AsyncIterable<SurfaceLogLine> {}
