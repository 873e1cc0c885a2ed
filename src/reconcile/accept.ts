import type { AuditKind } from '../model/audit.ts';
import { sha256Hex } from '../model/canonical.ts';
import type { Cause } from '../model/cause.ts';
import type { Target } from '../model/desired.ts';
import type { AppId, EnvName, InstanceId } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import type { Step } from '../model/plan.ts';
import type { NextState, RecordedDeployment } from '../model/recorded.ts';
import { audit, type Change, drop, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { drainTime, leaveRoute, retireInstance, routeChanges, touchArtifact } from './transitions.ts';

/** What accepting a step is decided from. */
export interface AcceptContext {
  readonly recorded: RecordedView;
  readonly generation: () => number;
  readonly at: number;
  /** Since when the commit that caused the step is known. */
  readonly seenAt: number;
  /** How long requests in flight may take to end. */
  readonly drainMs: number;
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
    case 'park':
      return acceptPark(step, context);
  }
}

type TargetStep = Extract<Step, { kind: 'create' | 'update' }>;
type RemoveStep = Extract<Step, { kind: 'remove' }>;

function acceptTarget(step: TargetStep, context: AcceptContext): Change[] {
  const row = withItsData(deploymentRow(step, context.recorded), context.recorded);
  const kept = keptProgress(row.next, step.target);
  const next: NextState = {
    ...nothingNext(step, context),
    target: step.target,
    state: kept?.state ?? 'waiting',
    instance: kept?.instance ?? null,
  };
  return [
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

/** A target that differs from the one on its way only in policy goes on with the instance that is there, unless it is to wait for its stage now. */
function keptProgress(next: NextState | null, target: Target): Pick<NextState, 'state' | 'instance'> | null {
  if (next?.target?.instanceHash !== target.instanceHash) return null;
  if (next.target.policy.after === null && target.policy.after !== null) return null;
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
  if (step.release !== null) return acceptPolicyInRelease(step, row, row.live.instance, context);
  const live = { ...row.live, target: step.target };
  return [
    ...supersede(row, context, null),
    ...cancelRemoval(row, step),
    put('deployment', { ...row, live, next: null }),
    ...routeChanges(row.live.target, live, row, context),
    event('deployment.settings', step, { changed: step.changed }),
  ];
}

/** What only needs other rows is ready as it is, and waits for the others of its release. */
function acceptPolicyInRelease(
  step: TargetStep,
  row: RecordedDeployment,
  instance: InstanceId,
  context: AcceptContext,
): Change[] {
  const next: NextState = { ...nothingNext(step, context), target: step.target, state: 'ready', instance };
  const detail = { step: step.kind, changed: step.changed, revision: step.target.revision };
  return [
    ...supersede(row, context, instance),
    ...cancelRemoval(row, step),
    put('deployment', { ...row, next }),
    event('deployment.planned', step, { ...detail, seen_ms_ago: context.at - context.seenAt }),
  ];
}

/** Nothing of it runs and no request reaches it any more; its data and what it was made from are kept. */
function acceptPark(step: Step, context: AcceptContext): Change[] {
  const row = deploymentRow(step, context.recorded);
  const { live } = row;
  const instance = live === null ? undefined : context.recorded.instances.get(live.instance);
  return [
    ...supersede(row, context, null),
    put('deployment', { ...row, live: null, next: null }),
    ...leaveRoute(live?.target ?? null, null, row, context),
    ...(instance === undefined
      ? []
      : retireInstance(instance, context.at, 'draining', drainTime(live, context.drainMs))),
    ...(live === null ? [] : touchArtifact(live.target.artifact, context.recorded, context.at)),
    event('deployment.parked', step, { revision: live?.target.revision ?? null }),
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
    put('deployment', { ...row, next: { ...nothingNext(step, context), state: 'removing', removes: true } }),
    ...(allowed === undefined ? [] : [event('removal.allowed', step, { removal_hash: allowed })]),
    event('deployment.removing', step, {}),
  ];
}

function holdRemoval(step: RemoveStep, hash: string, context: AcceptContext): Change[] {
  const row = deploymentRow(step, context.recorded);
  const reason = `removal held: main must say release(allow_removal = "${hash}") or declare the app again`;
  const next: NextState = { ...nothingNext(step, context), state: 'held', removes: true, brake: hash, reason };
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
    ...nothingNext(step, context),
    state,
    reason: step.problem.message,
    problem: step.problem,
  };
  return [
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

function nothingNext(
  { cause, release }: { readonly cause: Cause; readonly release: string | null },
  context: AcceptContext,
): NextState {
  return {
    target: null,
    removes: false,
    brake: null,
    state: 'waiting',
    reason: null,
    problem: null,
    instance: null,
    release,
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
  const stays = next.instance === keep || next.instance === row.live?.instance;
  const instance = next.instance === null || stays ? undefined : context.recorded.instances.get(next.instance);
  return [
    ...(instance === undefined ? [] : retireInstance(instance, context.at, 'stopping')),
    ...touchArtifact(next.target.artifact, context.recorded, context.at),
    event('deployment.superseded', { ...row, cause: next.cause }, detail),
  ];
}

/** Says that a removal that was held or under way is over: the app is declared again. */
function cancelRemoval(row: RecordedDeployment, step: Step): Change[] {
  const { next } = row;
  return next?.removes === true ? [event('removal.cancelled', step, { state: next.state })] : [];
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

function deploymentRow(of: { env: EnvName; app: AppId }, recorded: RecordedView): RecordedDeployment {
  return (
    recorded.deployment(of.env, of.app) ?? {
      env: of.env,
      app: of.app,
      dataName: dataNameOf(of.env, of.app),
      dataEngine: null,
      kept: [],
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
