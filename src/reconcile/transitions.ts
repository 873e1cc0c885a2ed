import type { AppLimits } from '../model/app.ts';
import type { AuditKind } from '../model/audit.ts';
import { isSameJson } from '../model/canonical.ts';
import type { Cause } from '../model/cause.ts';
import type { Target } from '../model/desired.ts';
import type { ArtifactKey, InstanceId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedInstance } from '../model/recorded.ts';
import type { HeldTarget, RequestLimits, RouteRow, RouteTarget } from '../model/routing.ts';
import { audit, type Change, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';

/** What a transition of routes is decided from. */
export interface RouteContext {
  readonly recorded: RecordedView;
  readonly generation: () => number;
  /** Deployments whose own place is decided in the same transaction, by `deploymentKey`. */
  readonly movers?: ReadonlySet<string>;
}

/**
 * The rows that lead requests to what is live by a new policy; the old route becomes a tombstone where it was another one.
 * Nothing where nothing differs.
 */
export function routeChanges(
  old: Target | null,
  live: LiveState,
  row: RecordedDeployment,
  context: RouteContext,
): Change[] {
  const instance = context.recorded.instances.get(live.instance);
  if (instance?.route == null) return [];
  const stays = old?.policy.host === live.target.policy.host && old.policy.path === live.target.policy.path;
  const take = stays ? keepRoute : takeRoute;
  return [...leaveRoute(old, live.target, row, context), ...take(row, live, instance.route, context)];
}

/** How something that is live comes back, and what the log says of that. */
interface Return {
  readonly live: LiveState;
  readonly kind: AuditKind;
  readonly cause: Cause;
  readonly detail?: JsonObject;
}

/** What is live is reached again, as its new state says. */
export function backChanges(
  row: RecordedDeployment,
  instance: RecordedInstance,
  { live, kind, cause, ...said }: Return,
  context: RouteContext,
): Change[] {
  if (instance.route === null) return [];
  const detail = { instance: instance.id, revision: instance.target.revision, ...said.detail };
  return [
    put('deployment', { ...row, live }),
    ...keepRoute(row, live, instance.route, context),
    audit({ kind, env: row.env, app: row.app, cause, detail }),
  ];
}

/** The route row of something that was live before, unless another app has taken the route since. */
export function keepRoute(
  row: RecordedDeployment,
  live: LiveState,
  target: RouteTarget,
  context: RouteContext,
): Change[] {
  const { host, path } = live.target.policy;
  const current = context.recorded.route(host, path);
  const isOthers = current?.serve != null && (current.env !== row.env || current.app !== row.app);
  return isOthers ? [] : takeRoute(row, live, target, context);
}

/** The route row of something live, if it is not there already. */
export function takeRoute(
  row: RecordedDeployment,
  live: LiveState,
  target: RouteTarget,
  context: RouteContext,
): Change[] {
  const { host, path } = live.target.policy;
  const current = context.recorded.route(host, path);
  const vacancy = current?.vacancy ?? null;
  const wanted = { ...routeRow(row, live, target, 0), vacancy };
  if (current !== undefined && isSameJson({ ...current, generation: 0, vacancy }, wanted)) return [];
  return [put('route', { ...wanted, generation: context.generation() })];
}

/** The route row of something live. */
function routeRow(row: RecordedDeployment, live: LiveState, target: RouteTarget, generation: number): RouteRow {
  const { policy } = live.target;
  const own: RouteTarget = target.kind === 'static' ? { ...target, fallback: policy.fallback } : target;
  return {
    host: policy.host,
    path: policy.path,
    generation,
    env: row.env,
    app: row.app,
    serve: {
      instance: live.instance,
      target: heldTarget(live) ?? own,
      stripPath: policy.stripPath,
      ...(policy.slash === true ? { slash: true } : {}),
      noindex: row.env !== PROD,
      ...requestLimits(policy.limits),
    },
  };
}

/** Where requests wait, if they do; null: they are led to its instance. */
function heldTarget({ asleep, suspended, condition }: LiveState): HeldTarget | null {
  // Its instance is down for its replacement: requests wait for whichever of the two is up next.
  if (suspended) return { kind: 'held' };
  const reason = condition?.message;
  if (asleep) return { kind: 'asleep', ...(reason === undefined ? {} : { reason }) };
  return reason === undefined ? null : { kind: 'down', reason };
}

/** Absent where nothing is declared, so that rows of earlier versions stay what they are. */
function requestLimits({ drainMs: _, ...limits }: AppLimits = {}): { readonly limits?: RequestLimits } {
  return Object.keys(limits).length === 0 ? {} : { limits };
}

/**
 * What becomes of the old route, if the new target has another one and nobody else took the old one meanwhile: it leads to
 * another app that is live there (one whose removal is held, and whose place was taken), else a tombstone.
 */
export function leaveRoute(
  old: Target | null,
  target: Target | null,
  row: RecordedDeployment,
  context: RouteContext,
): Change[] {
  if (old === null) return [];
  const { host, path } = old.policy;
  if (target !== null && target.policy.host === host && target.policy.path === path) return [];
  const current = context.recorded.route(host, path);
  if (current === undefined || current.serve === null || current.env !== row.env || current.app !== row.app) return [];
  const heir = heirOf(current, context);
  if (heir !== null) return takeRoute(heir.row, heir.live, heir.target, context);
  const vacancy = current.vacancy ?? null;
  return [
    put('route', { host, path, generation: context.generation(), env: row.env, app: row.app, serve: null, vacancy }),
  ];
}

/** Something else that is live at the place of a route. */
function heirOf({ host, path, env, app }: RouteRow, { recorded, movers }: RouteContext) {
  for (const [key, row] of recorded.deployments) {
    if (movers?.has(key) === true) continue;
    const { live } = row;
    if (live === null || live.target.policy.path !== path || live.target.policy.host !== host) continue;
    if (row.env === env && row.app === app) continue;
    const target = recorded.instances.get(live.instance)?.route;
    if (target != null) return { row, live, target };
  }
  return null;
}

/**
 * An instance that is not wanted any more: requests in flight may end (`draining`), or there are none (`stopping`). One that is being
 * paused is retired by its own slot after that.
 */
export function retireInstance(
  instance: RecordedInstance,
  at: number,
  how: 'draining' | 'stopping',
  drainMs = 0,
): Change[] {
  if (instance.state === 'stopping' || instance.state === 'stopped' || instance.state === 'removing') return [];
  // A pause that is under way comes to its end first, as the engine's calls must not overlap.
  if (instance.state === 'pausing') return [];
  // What is paused finishes nothing, whatever time it is given.
  const state = instance.state === 'paused' ? 'stopping' : how;
  const drainUntil = state === 'draining' ? at + drainMs : null;
  return [put('instance', { ...instance, state, retryAt: null, drainUntil, idleSince: null })];
}

/** How long what is in flight may go on when this stops being live. */
export function drainTime(live: LiveState | null, defaultMs: number): number {
  return live?.target.policy.limits?.drainMs ?? defaultMs;
}

/**
 * Notes that an artifact was referred to until now, so that its retention counts from here. Only what was built is retained;
 * a row in any other state is left to the step that changes it in the same transaction.
 */
export function touchArtifact(key: ArtifactKey, recorded: RecordedView, at: number): Change[] {
  const artifact = recorded.artifacts.get(key);
  return artifact?.state === 'built' ? [put('artifact', { ...artifact, usedAt: at })] : [];
}

/** Whether any other instance of the same deployment may be running still. */
export function othersMayRun(
  of: Pick<RecordedDeployment, 'env' | 'app'>,
  id: InstanceId | null,
  recorded: RecordedView,
): boolean {
  return recorded
    .instancesOf(of.env, of.app)
    .some((other) => other.id !== id && other.state !== 'stopped' && other.state !== 'removing');
}

/** What was held only because its release was blocked goes on: it is looked at anew, since it may have died meanwhile. */
export function unblocked(live: LiveState | null, next: NextState): NextState {
  if (next.problem?.code !== 'release-blocked') return next;
  const runs = next.instance === live?.instance ? 'ready' : 'verifying';
  const state = next.removes ? 'removing' : next.instance === null ? 'waiting' : runs;
  return { ...next, state, problem: null, reason: null, deadline: null };
}

/** Whether what is next only needs other rows: it runs already. */
export function isPolicyOnly({ live, next }: RecordedDeployment): boolean {
  return next?.target != null && live !== null && next.instance === live.instance;
}

/** Whether an instance is live or on its way to be. */
export function isWanted(id: InstanceId, row: RecordedDeployment | undefined): boolean {
  return row?.live?.instance === id || row?.next?.instance === id;
}

/** Whether an instance failed the verification that its deployment is quarantined for: people want to read what it printed. */
export function isKeptForLog(id: InstanceId, row: RecordedDeployment | undefined): boolean {
  return row?.next?.state === 'quarantined' && row.next.failedInstance === id;
}

/** How long to wait before the n-th try, in milliseconds: doubling from half a second, at most a minute. */
export function backoffMs(attempts: number): number {
  return Math.min(60_000, 500 * 2 ** Math.max(0, Math.min(attempts - 1, 10)));
}
