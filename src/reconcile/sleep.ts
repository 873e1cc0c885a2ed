import type { IdlePolicy } from '../model/app.ts';
import { observation } from '../model/cause.ts';
import type { InstanceId } from '../model/ids.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedInstance } from '../model/recorded.ts';
import { audit, type Change, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { backChanges, keepRoute, type RouteContext, retireInstance } from './transitions.ts';

/** How long nobody may use an instance before it goes to sleep, in milliseconds; null: it never does. */
export function idleMsOf(idle: IdlePolicy): number | null {
  return idle === false || idle === null ? null : idle.stopMs;
}

/** Whether something is asleep, and nobody has asked for it since. */
export function isResting(live: LiveState | null | undefined): boolean {
  return live?.asleep === true && !live.waking;
}

/** Whether what is next is to be asleep like its predecessor once it has switched. */
export function sleepsOn({ live, next }: Pick<RecordedDeployment, 'live' | 'next'>): boolean {
  return isResting(live) && next?.target != null && idleMsOf(next.target.policy.idle) !== null;
}

/** Whether what was verified is stopped until somebody asks for it, because its predecessor is asleep. */
export function standsBy(row: RecordedDeployment, next: NextState, instance: RecordedInstance | undefined): boolean {
  return next.state === 'ready' && sleepsOn(row) && instance?.state !== 'starting' && instance?.route != null;
}

/** How long nobody has used what is to go to sleep, and what that is by. */
export interface Idleness {
  readonly idleMs: number;
  readonly afterMs: number;
}

/**
 * Puts to sleep what nobody uses: from this transaction on requests wait and wake it. What is in flight may end, however long it takes:
 * nothing is cut for being idle.
 */
export function sleepChanges(
  row: RecordedDeployment,
  instance: RecordedInstance,
  { idleMs, afterMs }: Idleness,
  context: RouteContext & { readonly at: number; readonly drainMs: number },
): Change[] {
  if (row.live === null || instance.route === null) return [];
  const live: LiveState = { ...row.live, asleep: true, waking: false };
  const detail = { instance: instance.id, revision: live.target.revision, idle_ms: idleMs, idle_after_ms: afterMs };
  return [
    put('deployment', { ...row, live }),
    ...keepRoute(row, live, instance.route, context),
    ...retireInstance(instance, context.at, 'draining', context.drainMs),
    audit({ kind: 'deployment.asleep', env: row.env, app: row.app, cause: observation('nobody used it'), detail }),
  ];
}

/** Somebody wants to use what is asleep: it is on its way back from now on, unless it is already. */
export function wakeChanges(row: RecordedDeployment | undefined): Change[] {
  if (row?.live == null || !isResting(row.live)) return [];
  return [put('deployment', { ...row, live: { ...row.live, waking: true } })];
}

/** Somebody asks for an app: if it is asleep it is started, at once where it is stopped already. */
export function callChanges(row: RecordedDeployment | undefined, recorded: RecordedView): Change[] {
  const instance = row?.live == null ? undefined : recorded.instances.get(row.live.instance);
  if (!isResting(row?.live)) return [];
  return instance?.state === 'stopped' && row?.live?.suspended === false
    ? startAgain(instance, recorded)
    : wakeChanges(row);
}

/** What is stopped, or about to be, is started. What is asleep is being woken from then on. */
export function startAgain(row: RecordedInstance, recorded: RecordedView): Change[] {
  const deployment = recorded.deployment(row.env, row.app);
  const isLive = deployment?.live?.instance === row.id;
  return [
    put('instance', { ...row, state: 'starting', attempts: 0, retryAt: null, drainUntil: null }),
    ...(isLive ? wakeChanges(deployment) : []),
  ];
}

/** What was woken answers: from this transaction on requests reach it. */
export function awakeChanges(
  row: RecordedDeployment,
  instance: RecordedInstance,
  context: RouteContext & { readonly at: number },
): Change[] {
  if (row.live === null) return [];
  const live: LiveState = { ...row.live, asleep: false, waking: false, condition: null };
  const detail = { start_ms: instance.startedAt === null ? null : context.at - instance.startedAt };
  const cause = observation('it was asked for');
  return backChanges(row, instance, { live, kind: 'deployment.awake', cause, detail }, context);
}

/** What gateways said last about the use of instances, in memory alone: gateways count on while a controller is away. */
export class LastUses {
  readonly #usedAt = new Map<InstanceId, number>();

  /** Notes until when an instance was in use, in milliseconds since the epoch. */
  note(id: InstanceId, usedAt: number): void {
    this.#usedAt.set(id, usedAt);
  }

  forget(id: InstanceId): void {
    this.#usedAt.delete(id);
  }

  /** Until when an instance is known to have been in use: since its start, as long as nobody says more. */
  of(row: RecordedInstance): number {
    return Math.max(row.startedAt ?? 0, this.#usedAt.get(row.id) ?? 0);
  }
}
