import { type Cause, observation } from '../../model/cause.ts';
import { isAbort, isStoreError, MainspringError, type Problem, problemOf } from '../../model/errors.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { LiveState, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { Engine } from '../../runtime/engine.ts';
import { audit, type Change, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { performEffect } from '../boundaries.ts';
import type { InstanceUse, Ports } from '../ports.ts';
import type { InstanceAction, Known } from '../progress-of-instance.ts';
import {
  awakeChanges,
  type Bedtime,
  bedtimeOf,
  isDown,
  LastUses,
  maySleep,
  sleepChanges,
  stopDue,
  stopPausedChanges,
} from '../sleep.ts';
import { backChanges, drainTime, type RouteContext, retireInstance } from '../transitions.ts';
import { WakeTimes } from '../wake-times.ts';
import { beforeDeadline, withDeadline } from './deadline.ts';
import { lookAt, lookPauseMs } from './look.ts';

/** Decides what changes with an instance, from what is recorded now. */
export type DecideInstance = (row: RecordedInstance, recorded: RecordedView, generation: () => number) => Change[];

/** What going to rest and coming back need of the slots of instances. */
export interface InstanceRestDeps {
  readonly ports: Ports;
  /** The engine of an instance; throws `engine-off` if it is not there. */
  readonly engine: (row: RecordedInstance) => Engine;
  readonly isDue: (id: InstanceId, step: InstanceAction['do']) => boolean;
  readonly change: (id: InstanceId, decide: DecideInstance) => void;
}

/** What goes to sleep before its time, and why: how many at most, and how long nobody has used them. */
export interface SleepOrder extends Bedtime {
  readonly most: number;
  readonly cause: Cause;
}

/** An instance that runs again: where, and whether as the very same that it was before. */
export interface Back {
  readonly route: RouteTarget;
  readonly asBefore: boolean;
}

/** Gateways measure time by clocks of their own, and an answer takes a moment. */
const ASKED_MS = 500;

/** How what is live goes to sleep, and how it comes back: from sleep, from making room for a replacement, and from having ended by itself. */
export class InstanceRest {
  readonly #deps: InstanceRestDeps;
  readonly wakes = new WakeTimes();
  readonly #uses = new LastUses();
  /** Instances that ended while they were being paused: the event may come before the answer. */
  readonly #ended = new Map<InstanceId, Problem>();

  constructor(deps: InstanceRestDeps) {
    this.#deps = deps;
  }

  /** What is known of instances besides what is recorded. */
  readonly known: Known = {
    usedAt: (row) => this.#uses.of(row),
    canPause: ({ target }) => this.#deps.ports.engines.get(target.inputs.engine)?.pause !== undefined,
  };

  forget(id: InstanceId): void {
    this.#uses.forget(id);
    this.#ended.delete(id);
    this.wakes.forget(id);
  }

  /** Asks the gateways whether it is still in use; puts it to sleep when it has not been for long enough. */
  async doze(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { clock, limits, reach } = this.#deps.ports;
    const use = await this.#askUse(row.id, signal);
    this.#noteUse(row.id, use, clock.now());
    await reach('dozing');
    this.#deps.change(row.id, (now, recorded, generation) => {
      const deployment = recorded.deployment(now.env, now.app);
      const bedtime = bedtimeOf(deployment?.live?.target.policy.idle ?? null, this.known.canPause(now));
      if (deployment === undefined || bedtime === null || !this.#deps.isDue(now.id, 'doze')) return [];
      const idleness = { ...bedtime, idleMs: Math.round(use.idleMs) };
      const drainMs = drainTime(deployment.live, limits.drainMs);
      return sleepChanges(deployment, now, idleness, { recorded, generation, at: clock.now(), drainMs });
    });
  }

  /**
   * Puts those of these instances to sleep that nobody has used for as long as the order says, whatever their policy says of the time: the
   * longest idle first, and no more than so many. What may never sleep does not.
   */
  async restIdle(ids: readonly InstanceId[], order: SleepOrder, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps.ports;
    const asked = await Promise.all(ids.map(async (id) => ({ id, ...(await this.#askUse(id, signal)) })));
    const at = clock.now();
    for (const { id, ...use } of asked) this.#noteUse(id, use, at);
    const idle = asked.filter(({ inFlight, idleMs }) => inFlight === 0 && idleMs >= order.afterMs);
    for (const { id, idleMs } of idle.sort((a, b) => b.idleMs - a.idleMs).slice(0, order.most))
      this.#deps.change(id, (row, recorded, generation) => {
        const deployment = recorded.deployment(row.env, row.app);
        const live = deployment?.live;
        const isAwake = live?.instance === id && !live.asleep && !live.suspended && live.condition === null;
        if (deployment === undefined || !isAwake || row.state !== 'running') return [];
        // It may have been started since.
        if (!maySleep(live.target.policy.idle) || at - this.#uses.of(row) < order.afterMs) return [];
        const { how, afterMs, cause } = order;
        const drainMs = drainTime(live, this.#deps.ports.limits.drainMs);
        const idleness = { how, afterMs, cause, idleMs: Math.round(idleMs) };
        return sleepChanges(deployment, row, idleness, { recorded, generation, at, drainMs });
      });
  }

  /** Whether something was said on a stream since it was last asked for the use of what goes to sleep. */
  async isUsedAgain(row: RecordedInstance, signal: AbortSignal): Promise<boolean> {
    const { streams, idleMs } = await this.#askUse(row.id, signal);
    const usedAt = this.#deps.ports.clock.now() - idleMs;
    return streams > 0 && usedAt > (row.idleSince ?? 0) + ASKED_MS;
  }

  /** What was put to sleep is used by nobody: it is paused, or stopped where it can't be, or is to be by now. */
  downChanges(row: RecordedInstance, live: LiveState): Change[] {
    const { idle } = live.target.policy;
    const due = stopDue(row, idle);
    const pauses =
      bedtimeOf(idle, this.known.canPause(row))?.how === 'pause' &&
      (due === null || due > this.#deps.ports.clock.now());
    if (!pauses) return [put('instance', { ...row, state: 'stopping', idleSince: null })];
    return [put('instance', { ...row, state: 'pausing', drainUntil: null })];
  }

  /** Freezes what is asleep. What can't be paused is stopped. */
  async pause(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits } = this.#deps.ports;
    const late = { code: 'engine-failed', message: `pause of "${row.app}": no answer` } as const;
    this.#ended.delete(row.id);
    try {
      await performEffect(reach, 'pause', {
        intent: () => this.#deps.isDue(row.id, 'pause'),
        effect: () =>
          withDeadline({ clock, ms: limits.graceMs, signal, late }, async () => {
            const engine = this.#deps.engine(row);
            if (engine.pause === undefined) throw new MainspringError('engine-failed', `"${engine.name}" can't pause`);
            await engine.pause(row.id);
          }),
        commit: () => this.#deps.change(row.id, (now) => this.#paused(now)),
      });
    } catch (error) {
      if (isAbort(error) && signal.aborted) throw error;
      if (isStoreError(error)) throw error;
      this.#deps.change(row.id, (now) =>
        now.state === 'pausing' ? notPaused(now, problemOf(error), clock.now()) : [],
      );
    }
  }

  #paused(row: RecordedInstance): Change[] {
    if (row.state !== 'pausing') return [];
    const ended = this.#ended.get(row.id);
    if (ended !== undefined) return notPaused(row, ended, this.#deps.ports.clock.now());
    return [put('instance', { ...row, state: 'paused', problem: null }), ...repairedIfResumed(row)];
  }

  /** What is paused, or being paused, has ended: it is asleep all the same. */
  endedChanges(row: RecordedInstance, problem: Problem): Change[] {
    if (row.state === 'paused') return notPaused(row, problem, this.#deps.ports.clock.now());
    this.#ended.set(row.id, problem);
    return [];
  }

  /** What is paused is seen to run. */
  resumedChanges(row: RecordedInstance): Change[] {
    if (row.state !== 'paused') return [];
    return [put('instance', { ...row, state: 'pausing', problem: RESUMED }), driftSeen(row, RESUMED)];
  }

  /** What is asleep is stopped: it runs although it need not, or was paused for long enough. */
  stopChanges(row: RecordedInstance): Change[] {
    const at = this.#deps.ports.clock.now();
    if (row.state !== 'paused') return retireInstance(row, at, 'stopping');
    return stopPausedChanges(row, at, observation('nobody used it'));
  }

  /** Looks whether what is back answers again: then, or once its time is over, requests need wait no longer. */
  async reinstate(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps.ports;
    const live = store.recorded.deployment(row.env, row.app)?.live;
    if (row.route === null || live == null) return;
    // What is asleep serves again by being woken.
    if (isDown(row)) return this.#back(row, live);
    // As it is declared now: policy changes without a new instance.
    const { policy } = live.target;
    const deadline = (row.startedAt ?? clock.now()) + policy.health.timeoutMs;
    const isAsked = policy.verify !== false && clock.now() < deadline;
    const isBack = !isAsked || (await lookAt(row.route, policy, this.#deps.ports, signal)).healthy;
    if (isBack) return this.#back(row, live);
    await clock.sleep(lookPauseMs(row, policy.health.intervalMs, deadline, clock.now()), signal);
  }

  /** Brings an instance back: by `start`, or, where it is woken from a pause, by letting it go on. */
  async bringBack(row: RecordedInstance, start: () => Promise<RouteTarget>, signal: AbortSignal): Promise<Back> {
    const { route } = row;
    const isPaused = route !== null && this.wakes.tierOf(row.id) === 'paused';
    if (isPaused && (await this.#deps.engine(row).resume?.(row.id, signal))) return { route, asBefore: true };
    return { route: await start(), asBefore: false };
  }

  /** What was woken from a pause goes on: requests are led to it in the same moment. */
  backFromPause(row: RecordedInstance, context: RouteContext): Change[] {
    const deployment = context.recorded.deployment(row.env, row.app);
    const live = deployment?.live;
    const isAwoken = live?.instance === row.id && live.asleep && live.waking && !live.suspended;
    if (deployment === undefined || !isAwoken || live.condition !== null) return [];
    const at = this.#deps.ports.clock.now();
    this.#uses.note(row.id, at);
    this.wakes.end(row.id, at);
    return awakeChanges(deployment, row, { ...context, at });
  }

  /** Unless it was started again, or is to answer to other rules, since it was looked at. */
  #back(looked: RecordedInstance, by: LiveState): void {
    this.#deps.change(looked.id, (row, recorded, generation) => {
      const deployment = recorded.deployment(row.env, row.app);
      if (deployment?.live == null || !this.#deps.isDue(row.id, 'reinstate')) return [];
      const isSame = row.startedAt === looked.startedAt && deployment.live.target.policyHash === by.target.policyHash;
      if (!isSame) return [];
      const context = { recorded, generation, at: this.#deps.ports.clock.now() };
      // Whoever asked for it may come a moment later.
      this.#uses.note(row.id, context.at);
      if (deployment.live.suspended) return resumeChanges(deployment, row, context);
      if (!deployment.live.asleep) return repairedChanges(deployment, row, context);
      this.wakes.end(row.id, context.at);
      return awakeChanges(deployment, row, context);
    });
  }

  #noteUse(id: InstanceId, { inFlight, idleMs }: InstanceUse, at: number): void {
    this.#uses.note(id, inFlight > 0 ? at : at - idleMs);
  }

  /** Whoever can't be asked in time may be using it. */
  #askUse(id: InstanceId, signal: AbortSignal): Promise<InstanceUse> {
    const { clock, gateways, limits } = this.#deps.ports;
    const used = { inFlight: 1, streams: 0, idleMs: 0 };
    return beforeDeadline({ clock, ms: limits.probeMs, signal }, (limited) => gateways.use(id, limited), used);
  }
}

const RESUMED: Problem = {
  code: 'instance-changed',
  message: 'it was paused, and somebody else let it go on',
  hint: 'Ask for the app to wake it.',
  retry: 'after-interval',
};

function driftSeen(row: RecordedInstance, { code, message }: Problem): Change {
  const detail = { instance: row.id, revision: row.target.revision, code, message };
  return audit({ kind: 'drift.seen', env: row.env, app: row.app, cause: observation(message), detail });
}

/** What somebody else let go on is paused again, or stopped. */
function repairedIfResumed({ id, env, app, target, problem }: RecordedInstance): Change[] {
  if (problem?.code !== RESUMED.code) return [];
  const detail = { instance: id, revision: target.revision };
  return [audit({ kind: 'drift.repaired', env, app, cause: observation('it sleeps again'), detail })];
}

/** What could not be paused, or ended meanwhile, is stopped: it sleeps all the same. */
function notPaused(row: RecordedInstance, { message }: Problem, at: number): Change[] {
  const paused: RecordedInstance = { ...row, state: 'paused', problem: null };
  return [...stopPausedChanges(paused, at, observation(message)), ...repairedIfResumed(row)];
}

/** What ended by itself and was started again serves again. */
function repairedChanges(row: RecordedDeployment, instance: RecordedInstance, context: RouteContext): Change[] {
  if (row.live === null) return [];
  const cause = observation('the live instance was started again');
  const live: LiveState = { ...row.live, condition: null };
  return backChanges(row, instance, { live, kind: 'drift.repaired', cause }, context);
}

/** What made room for its replacement serves again, or sleeps again if it did before. */
function resumeChanges(row: RecordedDeployment, instance: RecordedInstance, context: RouteContext): Change[] {
  if (row.live === null) return [];
  const asleep = row.live.asleep && isDown(instance);
  const live: LiveState = { ...row.live, asleep, waking: false, condition: null, suspended: false };
  const cause = row.next?.cause ?? instance.target.causes.config;
  return backChanges(row, instance, { live, kind: 'deployment.resumed', cause }, context);
}
