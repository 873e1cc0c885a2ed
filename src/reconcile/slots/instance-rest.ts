import { observation } from '../../model/cause.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { LiveState, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import type { Change } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Ports } from '../ports.ts';
import type { InstanceAction, UsedAt } from '../progress-of-instance.ts';
import { awakeChanges, type Idleness, idleMsOf, LastUses, sleepChanges } from '../sleep.ts';
import { backChanges, drainTime, type RouteContext } from '../transitions.ts';
import { beforeDeadline } from './deadline.ts';
import { lookAt, lookPauseMs } from './look.ts';

/** Decides what changes with an instance, from what is recorded now. */
export type DecideInstance = (row: RecordedInstance, recorded: RecordedView, generation: () => number) => Change[];

/** What going to rest and coming back need of the slots of instances. */
export interface InstanceRestDeps {
  readonly ports: Ports;
  readonly isDue: (id: InstanceId, step: InstanceAction['do']) => boolean;
  readonly change: (id: InstanceId, decide: DecideInstance) => void;
}

/** How what is live goes to sleep, and how it comes back: from sleep, from making room for a replacement, and from having ended by itself. */
export class InstanceRest {
  readonly #deps: InstanceRestDeps;
  readonly #uses = new LastUses();

  constructor(deps: InstanceRestDeps) {
    this.#deps = deps;
  }

  /** Until when an instance is known to have been in use. */
  readonly usedAt: UsedAt = (row) => this.#uses.of(row);

  forget(id: InstanceId): void {
    this.#uses.forget(id);
  }

  /** Asks the gateways whether it is still in use; puts it to sleep when it has not been for long enough. */
  async doze(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { clock, limits, reach } = this.#deps.ports;
    const { inFlight, idleMs } = await this.#askUse(row.id, signal);
    const at = clock.now();
    this.#uses.note(row.id, inFlight > 0 ? at : at - idleMs);
    await reach('dozing');
    this.#deps.change(row.id, (now, recorded, generation) => {
      const deployment = recorded.deployment(now.env, now.app);
      const afterMs = idleMsOf(deployment?.live?.target.policy.idle ?? null);
      if (deployment === undefined || afterMs === null || !this.#deps.isDue(now.id, 'doze')) return [];
      const idleness: Idleness = { idleMs: Math.round(idleMs), afterMs };
      const drainMs = drainTime(deployment.live, limits.drainMs);
      return sleepChanges(deployment, now, idleness, { recorded, generation, at: clock.now(), drainMs });
    });
  }

  /** Looks whether what is back answers again: then, or once its time is over, requests need wait no longer. */
  async reinstate(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps.ports;
    const live = store.recorded.deployment(row.env, row.app)?.live;
    if (row.route === null || live == null) return;
    // What is asleep serves again by being woken.
    if (row.state === 'stopped') return this.#back(row, live);
    // As it is declared now: policy changes without a new instance.
    const { policy } = live.target;
    const deadline = (row.startedAt ?? clock.now()) + policy.health.timeoutMs;
    const isAsked = policy.verify !== false && clock.now() < deadline;
    const isBack = !isAsked || (await lookAt(row.route, policy, this.#deps.ports, signal)).healthy;
    if (isBack) return this.#back(row, live);
    await clock.sleep(lookPauseMs(row, policy.health.intervalMs, deadline, clock.now()), signal);
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
      return deployment.live.asleep
        ? awakeChanges(deployment, row, context)
        : repairedChanges(deployment, row, context);
    });
  }

  /** Whoever can't be asked in time may be using it. */
  #askUse(id: InstanceId, signal: AbortSignal): Promise<{ readonly inFlight: number; readonly idleMs: number }> {
    const { clock, gateways, limits } = this.#deps.ports;
    const used = { inFlight: 1, idleMs: 0 };
    return beforeDeadline({ clock, ms: limits.probeMs, signal }, (limited) => gateways.use(id, limited), used);
  }
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
  const asleep = row.live.asleep && instance.state === 'stopped';
  const live: LiveState = { ...row.live, asleep, waking: false, condition: null, suspended: false };
  const cause = row.next?.cause ?? instance.target.causes.config;
  return backChanges(row, instance, { live, kind: 'deployment.resumed', cause }, context);
}
