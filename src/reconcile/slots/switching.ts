import { isoTime } from '../../model/clock.ts';
import type { ArtifactKey } from '../../model/ids.ts';
import { PROD } from '../../model/ids.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import { placeKey, type RouteTarget } from '../../model/routing.ts';
import { audit, type Change, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { deploymentKey } from '../../store/tables.ts';
import { changedArguments } from '../plan/changed-arguments.ts';
import { sleepsOn } from '../sleep.ts';
import { drainTime, isPolicyOnly, leaveRoute, retireInstance, takeRoute, touchArtifact } from '../transitions.ts';

/** What a switch is decided from. */
export interface SwitchContext {
  readonly recorded: RecordedView;
  readonly generation: () => number;
  readonly at: number;
  /** For apps that declare none. */
  readonly drainMs: number;
}

/** How many artifacts of what was live are kept for going back: in production, besides the one that is live, at least the last five. */
const KEPT = { prod: 6, others: 1 };

/** A member that switches, and what it will be. */
interface Switched {
  readonly row: RecordedDeployment;
  readonly live: LiveState | null;
  readonly target: RouteTarget | null;
  readonly changes: readonly Change[];
}

/**
 * The switch of deployments of one environment, as one: each is as it should be next, and what leads to them does so from the same
 * transaction on. A slower, older target never takes the place of a newer one.
 */
export function switchChanges(rows: readonly RecordedDeployment[], context: SwitchContext): Change[] {
  const switched = rows.map((row) => switchOne(row, context));
  return [...switched.flatMap(({ changes }) => changes), ...routesOf(switched, context)];
}

function switchOne(row: RecordedDeployment, context: SwitchContext): Switched {
  const { next } = row;
  if (next === null) return { row, live: row.live, target: null, changes: [] };
  if (next.removes) return unrouted(row, next, context);
  if (next.target === null) return { row, live: row.live, target: null, changes: [] };
  if (isPolicyOnly(row) && row.live !== null) return settled(row, row.live, next, context);
  const instance = next.instance === null ? undefined : context.recorded.instances.get(next.instance);
  if (instance?.route == null) return { row, live: row.live, target: null, changes: [] };
  if (row.live !== null && row.live.generation >= next.generation) return outdated(row, next, instance, context);
  return taken(row, next, instance, context);
}

function taken(row: RecordedDeployment, next: NextState, instance: RecordedInstance, context: SwitchContext): Switched {
  const { recorded, at, drainMs } = context;
  const { target } = next;
  if (target === null) return { row, live: row.live, target: null, changes: [] };
  const old = row.live === null ? undefined : recorded.instances.get(row.live.instance);
  const live: LiveState = {
    target,
    instance: instance.id,
    generation: next.generation,
    since: isoTime(at),
    asleep: sleepsOn(row),
    waking: false,
    suspended: false,
    condition: null,
  };
  const was = row.live?.target.revision ?? null;
  const detail = { revision: target.revision, was, seen_ms_ago: at - next.seenAt, ...releaseOf(next) };
  const changes = [
    put('deployment', { ...row, live, next: null, kept: keptAfter(row, target.artifact) }),
    ...(old === undefined ? [] : retireInstance(old, at, 'draining', drainTime(row.live, drainMs))),
    ...(row.live === null ? [] : touchArtifact(row.live.target.artifact, recorded, at)),
    audit({ kind: 'deployment.live', env: row.env, app: row.app, cause: next.cause, detail }),
  ];
  return { row, live, target: instance.route, changes };
}

function settled(row: RecordedDeployment, was: LiveState, next: NextState, { recorded }: SwitchContext): Switched {
  if (next.target === null) return { row, live: was, target: null, changes: [] };
  const live = { ...was, target: next.target };
  const detail = { changed: changedArguments(was.target, next.target), ...releaseOf(next) };
  const changes = [
    put('deployment', { ...row, live, next: null }),
    audit({ kind: 'deployment.settings', env: row.env, app: row.app, cause: next.cause, detail }),
  ];
  return { row, live, target: recorded.instances.get(was.instance)?.route ?? null, changes };
}

function outdated(
  row: RecordedDeployment,
  next: NextState,
  instance: RecordedInstance,
  { at }: SwitchContext,
): Switched {
  const detail = { revision: next.target?.revision ?? null, state: next.state };
  const changes = [
    put('deployment', { ...row, next: null }),
    ...retireInstance(instance, at, 'stopping'),
    audit({ kind: 'deployment.superseded', env: row.env, app: row.app, cause: next.cause, detail }),
  ];
  return { row, live: row.live, target: null, changes };
}

/** No new request reaches it from now on; its removal goes on. */
function unrouted(row: RecordedDeployment, next: NextState, { recorded, at, drainMs }: SwitchContext): Switched {
  const leaving = put('deployment', { ...row, live: null, next: { ...next, state: 'removing', release: null } });
  if (row.live === null) return { row, live: null, target: null, changes: [leaving] };
  const instance = recorded.instances.get(row.live.instance);
  const detail = { revision: row.live.target.revision, ...releaseOf(next) };
  const changes = [
    leaving,
    ...(instance === undefined ? [] : retireInstance(instance, at, 'draining', drainTime(row.live, drainMs))),
    ...touchArtifact(row.live.target.artifact, recorded, at),
    audit({ kind: 'deployment.unrouted', env: row.env, app: row.app, cause: next.cause, detail }),
  ];
  return { row, live: null, target: null, changes };
}

function releaseOf({ release }: NextState): { readonly release?: string } {
  return release === null ? {} : { release };
}

function keptAfter(row: RecordedDeployment, artifact: ArtifactKey): readonly ArtifactKey[] {
  const most = row.env === PROD ? KEPT.prod : KEPT.others;
  return [artifact, ...row.kept.filter((key) => key !== artifact)].slice(0, most);
}

/**
 * The rows of the route table. A place that one of them takes leads there, whoever had it; one that all of them leave leads to what
 * else is live there, or nowhere.
 */
function routesOf(switched: readonly Switched[], context: SwitchContext): Change[] {
  const movers = new Set(switched.map(({ row }) => deploymentKey(row)));
  const claims = new Map<string, Switched>();
  // Whoever stays yields to whoever comes.
  for (const one of switched) if (one.live !== null && staysPut(one)) claims.set(placeOf(one.live), one);
  for (const one of switched) if (one.live !== null && !staysPut(one)) claims.set(placeOf(one.live), one);
  const left = switched.flatMap(({ row, live }) => {
    const isClaimed = row.live !== null && claims.has(placeOf(row.live));
    return isClaimed ? [] : leaveRoute(row.live?.target ?? null, live?.target ?? null, row, { ...context, movers });
  });
  const taken = [...claims.values()].flatMap((one) => {
    if (one.live === null || one.target === null || isAnothers(one, movers, context.recorded)) return [];
    return takeRoute(one.row, one.live, one.target, context);
  });
  return [...left, ...taken];
}

function placeOf({ target }: LiveState): string {
  return placeKey(target.policy);
}

function staysPut({ row, live }: Switched): boolean {
  return row.live !== null && live !== null && placeOf(row.live) === placeOf(live);
}

/** Whether something that has no part in this has taken the place since, while this one was live there already. */
function isAnothers(one: Switched, movers: ReadonlySet<string>, recorded: RecordedView): boolean {
  if (one.live === null || !staysPut(one) || one.row.live?.instance !== one.live.instance) return false;
  const { host, path } = one.live.target.policy;
  const current = recorded.route(host, path);
  return current?.serve != null && !movers.has(deploymentKey(current));
}

/** Stops what is live so that its replacement can run alone: requests are held until one of the two serves. */
export function suspendChanges(row: RecordedDeployment, context: SwitchContext): Change[] {
  const { recorded, at, drainMs } = context;
  const instance = row.live === null ? undefined : recorded.instances.get(row.live.instance);
  if (row.live === null || row.next === null || instance === undefined) return [];
  const live = { ...row.live, suspended: true };
  const detail = { revision: row.live.target.revision };
  return [
    put('deployment', { ...row, live }),
    ...(instance.route === null ? [] : takeRoute(row, live, instance.route, context)),
    ...retireInstance(instance, at, 'draining', drainTime(row.live, drainMs)),
    audit({ kind: 'deployment.suspended', env: row.env, app: row.app, cause: row.next.cause, detail }),
  ];
}
