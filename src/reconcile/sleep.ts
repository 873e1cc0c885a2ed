import type { IdlePolicy } from '../model/app.ts';
import { type Cause, observation } from '../model/cause.ts';
import type { InstanceId } from '../model/ids.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedInstance } from '../model/recorded.ts';
import { audit, type Change, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { backChanges, keepRoute, type RouteContext, retireInstance } from './transitions.ts';

/** How something goes to sleep, and after how many milliseconds without use. */
export interface Bedtime {
  readonly how: 'pause' | 'stop';
  readonly afterMs: number;
}

/** How what nobody uses goes to sleep first; null: it never does. Where its engine can't pause, it is only stopped. */
export function bedtimeOf(idle: IdlePolicy, canPause: boolean): Bedtime | null {
  if (idle === false || idle === null) return null;
  const { pauseMs, stopMs } = idle;
  if (canPause && pauseMs !== null && (stopMs === null || pauseMs < stopMs)) return { how: 'pause', afterMs: pauseMs };
  return stopMs === null ? null : { how: 'stop', afterMs: stopMs };
}

/** Whether something may sleep at all. */
export function maySleep(idle: IdlePolicy): boolean {
  return bedtimeOf(idle, true) !== null;
}

/** When what is paused is stopped, in milliseconds since the epoch; null: it stays paused. */
export function stopDue({ idleSince, startedAt }: RecordedInstance, idle: IdlePolicy): number | null {
  if (idle === false || idle === null || idle.stopMs === null) return null;
  return (idleSince ?? startedAt ?? 0) + idle.stopMs;
}

/** Whether something is asleep, and nobody has asked for it since. */
export function isResting(live: LiveState | null | undefined): boolean {
  return live?.asleep === true && !live.waking;
}

/** Whether what is next is to be asleep once it has switched: like its predecessor, or as the first one where its policy says so. */
export function sleepsOn({ live, next }: Pick<RecordedDeployment, 'live' | 'next'>): boolean {
  if (next?.target == null || !maySleep(next.target.policy.idle)) return false;
  return live === null ? startsAsleep(next.target.policy.idle) : isResting(live);
}

function startsAsleep(idle: IdlePolicy): boolean {
  return idle !== false && idle?.startsAsleep === true;
}

/** Whether what was verified is stopped until somebody asks for it, because its predecessor is asleep, or it starts asleep. */
export function standsBy(row: RecordedDeployment, next: NextState, instance: RecordedInstance | undefined): boolean {
  return next.state === 'ready' && sleepsOn(row) && instance?.state !== 'starting' && instance?.route != null;
}

/** How long nobody has used what is to go to sleep, what that is by, and why it goes now. */
export interface Idleness extends Bedtime {
  readonly idleMs: number;
  readonly cause?: Cause;
}

/**
 * Puts to sleep what nobody uses: from this transaction on requests wait and wake it. What is in flight may end, however long it takes:
 * nothing is cut for being idle.
 */
export function sleepChanges(
  row: RecordedDeployment,
  instance: RecordedInstance,
  { idleMs, afterMs, how, cause = observation('nobody used it') }: Idleness,
  context: RouteContext & { readonly at: number; readonly drainMs: number },
): Change[] {
  if (row.live === null || instance.route === null) return [];
  const { at, drainMs } = context;
  const live: LiveState = { ...row.live, asleep: true, waking: false };
  // Written down now: it says when it is stopped, also after a restart.
  const idleSince = Math.max(instance.startedAt ?? 0, at - idleMs);
  const of = { instance: instance.id, revision: live.target.revision };
  const detail = { ...of, how, idle_ms: idleMs, idle_after_ms: afterMs };
  return [
    put('deployment', { ...row, live }),
    ...keepRoute(row, live, instance.route, context),
    put('instance', { ...instance, state: 'draining', retryAt: null, drainUntil: at + drainMs, idleSince }),
    audit({ kind: 'deployment.asleep', env: row.env, app: row.app, cause, detail }),
  ];
}

/** What is paused is stopped: nobody has used it for long enough, or something else needs its memory. */
export function stopPausedChanges(row: RecordedInstance, at: number, cause: Cause): Change[] {
  const detail = { instance: row.id, revision: row.target.revision, idle_ms: at - (row.idleSince ?? at) };
  return [
    ...retireInstance(row, at, 'stopping'),
    audit({ kind: 'deployment.stopped', env: row.env, app: row.app, cause, detail }),
  ];
}

/** Somebody wants to use what is asleep: it is on its way back from now on, unless it is already. */
export function wakeChanges(row: RecordedDeployment | undefined): Change[] {
  if (row?.live == null || !isResting(row.live)) return [];
  return [put('deployment', { ...row, live: { ...row.live, waking: true } })];
}

/** Somebody asks for an app: if it is asleep it is started, at once where it is paused or stopped already. */
export function callChanges(row: RecordedDeployment | undefined, recorded: RecordedView): Change[] {
  const instance = row?.live == null ? undefined : recorded.instances.get(row.live.instance);
  if (!isResting(row?.live)) return [];
  return instance !== undefined && isDown(instance) && row?.live?.suspended === false
    ? startAgain(instance, recorded)
    : wakeChanges(row);
}

/** Whether nothing of an instance serves, and nothing is under way. */
export function isDown({ state }: RecordedInstance): boolean {
  return state === 'stopped' || state === 'paused';
}

/** What is paused or stopped, or about to be, is started. What is asleep is being woken from then on. */
export function startAgain(row: RecordedInstance, recorded: RecordedView): Change[] {
  const deployment = recorded.deployment(row.env, row.app);
  const isLive = deployment?.live?.instance === row.id;
  return [
    put('instance', { ...row, state: 'starting', attempts: 0, retryAt: null, drainUntil: null, idleSince: null }),
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
