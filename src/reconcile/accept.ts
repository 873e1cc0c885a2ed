import type { AuditKind } from '../model/audit.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { Cause } from '../model/cause.ts';
import type { Target } from '../model/desired.ts';
import type { AppId, EnvName } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import type { Step } from '../model/plan.ts';
import type { NextState, RecordedDeployment } from '../model/recorded.ts';
import { audit, type Change, drop, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { retireInstance, routeChanges, touchArtifact } from './transitions.ts';

/** What accepting a step is decided from. */
export interface AcceptContext {
  readonly recorded: RecordedView;
  readonly generation: () => number;
  readonly at: number;
  /** Since when the commit that caused the step is known. */
  readonly seenAt: number;
}

/** What a step changes in the recorded state: the intent, before any effect. Pure. */
export function acceptStep(step: Step, context: AcceptContext): Change[] {
  switch (step.kind) {
    case 'create':
    case 'update':
      return step.effect === 'policy' ? acceptPolicy(step, context) : acceptTarget(step, context);
    case 'remove':
      return step.held === null ? acceptRemoval(step, context) : holdRemoval(step, step.held, context);
    case 'cancel':
      return acceptCancel(step, context);
    case 'blocked':
      return acceptBlocked(step, context);
  }
}

type TargetStep = Extract<Step, { kind: 'create' | 'update' }>;
type RemoveStep = Extract<Step, { kind: 'remove' }>;

function acceptTarget(step: TargetStep, context: AcceptContext): Change[] {
  const row = withItsData(deploymentRow(step, context.recorded), context.recorded);
  const kept = keptProgress(row.next, step.target);
  const next: NextState = {
    target: step.target,
    state: kept?.state ?? 'waiting',
    reason: null,
    problem: null,
    instance: kept?.instance ?? null,
    release: null,
    generation: context.generation(),
    seenAt: context.seenAt,
    deadline: null,
    retryAt: null,
    cause: step.cause,
  };
  return [
    ...environmentChanges(step, context),
    ...supersede(row, context, next.instance),
    ...cancelRemoval(row, step),
    put('deployment', { ...row, next }),
    ...reviveArtifact(step.target, context.recorded),
    ...adoptData(row, context.recorded),
    event('deployment.planned', step, {
      step: step.kind,
      changed: step.changed,
      revision: step.target.revision,
      seen_ms_ago: context.at - context.seenAt,
    }),
  ];
}

/** A target that differs from the one on its way only in policy goes on with the instance that is there. */
function keptProgress(next: NextState | null, target: Target): Pick<NextState, 'state' | 'instance'> | null {
  if (next?.target?.instanceHash !== target.instanceHash) return null;
  switch (next.state) {
    case 'building':
    case 'starting':
    case 'verifying':
      return { state: next.state, instance: next.instance };
    // Verified by other rules than the ones that hold now.
    case 'ready':
      return { state: 'verifying', instance: next.instance };
    default:
      return null;
  }
}

function acceptPolicy(step: TargetStep, context: AcceptContext): Change[] {
  const row = deploymentRow(step, context.recorded);
  if (row.live === null) return [];
  const live = { ...row.live, target: step.target };
  return [
    ...supersede(row, context, null),
    ...cancelRemoval(row, step),
    put('deployment', { ...row, live, next: null }),
    ...routeChanges(row.live.target, live, row, context),
    event('deployment.settings', step, { changed: step.changed }),
  ];
}

function acceptCancel(step: Step, context: AcceptContext): Change[] {
  const row = deploymentRow(step, context.recorded);
  return [...supersede(row, context, null), ...cancelRemoval(row, step), put('deployment', { ...row, next: null })];
}

function acceptRemoval(step: RemoveStep, context: AcceptContext): Change[] {
  const row = deploymentRow(step, context.recorded);
  const { allowed } = step;
  return [
    ...supersede(row, context, null),
    put('deployment', { ...row, next: { ...nothingNext(step.cause, context), state: 'removing' } }),
    ...(allowed === undefined ? [] : [event('removal.allowed', step, { removal_hash: allowed })]),
    event('deployment.removing', step, {}),
  ];
}

function holdRemoval(step: Step, hash: string, context: AcceptContext): Change[] {
  const row = deploymentRow(step, context.recorded);
  const reason = `removal held: main must say release(allow_removal = "${hash}") or declare the app again`;
  const next: NextState = { ...nothingNext(step.cause, context), state: 'held', reason, release: hash };
  return [
    ...supersede(row, context, null),
    put('deployment', { ...row, next }),
    event('removal.held', step, { removal_hash: hash }),
  ];
}

function acceptBlocked(step: Extract<Step, { kind: 'blocked' }>, context: AcceptContext): Change[] {
  const row = withItsData(deploymentRow(step, context.recorded), context.recorded);
  const state = step.problem.retry === 'needs-human' ? 'held' : 'waiting';
  const next: NextState = {
    ...nothingNext(step.cause, context),
    state,
    reason: step.problem.message,
    problem: step.problem,
  };
  return [
    ...environmentChanges(step, context),
    ...supersede(row, context, null),
    ...cancelRemoval(row, step),
    put('deployment', { ...row, next }),
    ...adoptData(row, context.recorded),
    ...(state === 'held' ? [event('deployment.held', step, { ...problemDetail(step.problem) })] : []),
  ];
}

function problemDetail(problem: { code: string; message: string; hint: string | null }): JsonObject {
  return { code: problem.code, message: problem.message, hint: problem.hint };
}

function nothingNext(cause: Cause, context: AcceptContext): NextState {
  return {
    target: null,
    state: 'waiting',
    reason: null,
    problem: null,
    instance: null,
    release: null,
    generation: context.generation(),
    seenAt: context.seenAt,
    deadline: null,
    retryAt: null,
    cause,
  };
}

/** Ends what was on its way: its instance goes, unless the new target keeps it. */
function supersede(row: RecordedDeployment, context: AcceptContext, keep: NextState['instance']): Change[] {
  const { next } = row;
  if (next?.target == null) return [];
  const detail = { revision: next.target.revision, state: next.state };
  const instance =
    next.instance === null || next.instance === keep ? undefined : context.recorded.instances.get(next.instance);
  return [
    ...(instance === undefined ? [] : retireInstance(instance, context.at, 'stopping')),
    ...touchArtifact(next.target.artifact, context.recorded, context.at),
    event('deployment.superseded', { ...row, cause: next.cause }, detail),
  ];
}

/** Says that a removal that was held or under way is over: the app is declared again. */
function cancelRemoval(row: RecordedDeployment, step: Step): Change[] {
  const { next } = row;
  if (next === null || (next.state !== 'removing' && next.release === null)) return [];
  return [event('removal.cancelled', step, { state: next.state })];
}

/** Brings the rows of held releases in line with the deployments that are held in them. Pure; nothing to do gives no changes. */
export function tidyReleases(recorded: RecordedView): Change[] {
  const members = new Map<string, RecordedDeployment[]>();
  for (const row of recorded.deployments.values()) {
    if (row.next?.release == null) continue;
    const rows = members.get(row.next.release);
    if (rows === undefined) members.set(row.next.release, [row]);
    else rows.push(row);
  }
  const ended = [...recorded.releases.values()].filter((release) => !members.has(release.id));
  return [
    ...ended.map((release) => drop('release', release)),
    ...[...members].flatMap(([id, rows]) => releaseChange(id, rows, recorded)),
  ];
}

function releaseChange(id: string, rows: readonly RecordedDeployment[], recorded: RecordedView): Change[] {
  const [first] = rows;
  const apps = rows.map((row) => row.app).sort();
  if (first?.next == null || recorded.releases.get(id)?.members.join('\n') === apps.join('\n')) return [];
  return [
    put('release', { id, env: first.env, state: 'held', members: apps, removalHash: id, cause: first.next.cause }),
  ];
}

/** A build that failed is tried again when somebody asks for it anew. */
function reviveArtifact(target: Target, recorded: RecordedView): Change[] {
  const artifact = recorded.artifacts.get(target.artifact);
  if (artifact?.state !== 'failed') return [];
  return [
    put('artifact', {
      ...artifact,
      state: 'building',
      problem: null,
      attempts: 0,
      retryAt: null,
      source: target.source,
    }),
  ];
}

/** A deployment whose data was kept has that data again; what is being removed already is nobody's. */
function withItsData(row: RecordedDeployment, recorded: RecordedView): RecordedDeployment {
  const data = recorded.retained.get(row.dataName);
  return data?.state === 'kept' ? { ...row, dataEngine: row.dataEngine ?? data.engine } : row;
}

/** Data that was kept of an app that comes back is its data again. */
function adoptData(row: RecordedDeployment, recorded: RecordedView): Change[] {
  const data = recorded.retained.get(row.dataName);
  return data?.state === 'kept' ? [drop('retained', data)] : [];
}

function environmentChanges(step: Step, context: AcceptContext): Change[] {
  if (context.recorded.environments.has(step.env)) return [];
  const row = {
    name: step.env,
    kind: 'prod',
    identity: step.env,
    parked: false,
    cause: null,
    errors: [],
    createdAt: context.at,
  } as const;
  return [put('environment', row)];
}

function deploymentRow(of: { env: EnvName; app: AppId }, recorded: RecordedView): RecordedDeployment {
  return (
    recorded.deployment(of.env, of.app) ?? {
      env: of.env,
      app: of.app,
      dataName: dataNameOf(of.env, of.app),
      dataEngine: null,
      live: null,
      next: null,
    }
  );
}

/** The name of a deployment's data folder: readable, and unique by the hash of the id. */
export function dataNameOf(env: EnvName, app: AppId): string {
  const slug = app
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 40);
  return `${env}/${slug || 'root'}-${sha256Hex(app).slice(0, 8)}`;
}

function event(kind: AuditKind, of: { env: EnvName; app: AppId; cause: Cause }, detail: JsonObject): Change {
  return audit({ kind, env: of.env, app: of.app, cause: of.cause, detail });
}
