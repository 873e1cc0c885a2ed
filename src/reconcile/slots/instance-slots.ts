import { type Cause, observation } from '../../model/cause.ts';
import { isoTime } from '../../model/clock.ts';
import { isAbort, isStoreError, MainspringError, type Problem, problemOf } from '../../model/errors.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { Condition, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import type { Engine, InstanceRequest } from '../../runtime/engine.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { performEffect } from '../boundaries.ts';
import type { Ports } from '../ports.ts';
import { type InstanceAction, type InstanceStep, nextOfInstance } from '../progress-of-instance.ts';
import { isDown, startAgain, wakeChanges } from '../sleep.ts';
import { backoffMs, isKeptForLog, isWanted, keepRoute, type RouteContext, retireInstance } from '../transitions.ts';
import type { WakeTimes } from '../wake-times.ts';
import { beforeDeadline, withDeadline } from './deadline.ts';
import { type Back, InstanceRest, type SleepOrder } from './instance-rest.ts';
import type { SlotKind } from './slots.ts';

/** An instance that stayed up this long has a clean slate. */
const STEADY_MS = 60_000;

/** How long gateways get to end WebSockets, of which each takes up to two seconds. */
const TUNNEL_END_MS = 2_500;

/** A bound on what runs side by side. What is aborted before its turn never runs. */
export type Limiter = <T>(signal: AbortSignal, run: () => Promise<T>) => Promise<T>;

/** How a drain ended: nothing is in flight, something is used again, or its time is over. */
type Drain = 'idle' | 'used' | 'late';

/** The slot of an instance: started, started again when it dies, drained, stopped and removed. */
export class InstanceSlots implements SlotKind<InstanceAction> {
  readonly name = 'instance';
  readonly #ports: Ports;
  readonly #limit: Limiter;
  /** Instances that ended while their start was under way: the event may come before the answer. */
  readonly #endedEarly = new Map<InstanceId, Problem>();
  readonly #rest: InstanceRest;
  /** How long it took to wake what was asleep. */
  readonly wakes: WakeTimes;

  constructor(ports: Ports, limit: Limiter) {
    this.#ports = ports;
    this.#limit = limit;
    this.#rest = new InstanceRest({
      ports,
      engine: (row) => this.#engine(row),
      isDue: (id, step) => this.#isDue(id, step),
      change: (id, decide) => this.#change(id, decide),
    });
    this.wakes = this.#rest.wakes;
  }

  next(key: string): InstanceStep {
    const { recorded } = this.#ports.store;
    const row = recorded.instances.get(key);
    if (row === undefined) return { do: 'wait', until: null };
    return nextOfInstance(row, recorded, this.#ports.clock.now(), this.#rest.known);
  }

  async perform(key: string, step: InstanceAction, signal: AbortSignal): Promise<void> {
    const row = this.#ports.store.recorded.instances.get(key);
    if (row === undefined) return;
    switch (step.do) {
      case 'start':
        return this.#start(row, signal);
      case 'retire':
        this.#change(row.id, (now) => retireInstance(now, this.#ports.clock.now(), 'stopping'));
        return;
      case 'drain':
        return this.#drain(row, signal);
      case 'stop':
        return this.#stop(row, signal);
      case 'revive':
        this.#change(row.id, (now, recorded) => (isDown(now) ? startAgain(now, recorded) : []));
        return;
      case 'doze':
        return this.#rest.doze(row, signal);
      case 'rouse':
        // It may have ended meanwhile; one that runs is left as it is by being started.
        this.#change(row.id, (now, recorded) =>
          now.state === 'draining' && this.#isDue(now.id, 'rouse') ? startAgain(now, recorded) : [],
        );
        return;
      case 'rest':
        this.#change(row.id, (now) => (this.#isDue(now.id, 'rest') ? this.#rest.stopChanges(now) : []));
        return;
      case 'pause':
        return this.#rest.pause(row, signal);
      case 'reinstate':
        return this.#rest.reinstate(row, signal);
      case 'discard':
        this.#change(row.id, (now) =>
          now.state === 'stopped' ? [put('instance', { ...now, state: 'removing' })] : [],
        );
        return;
      case 'remove':
        return this.#remove(row, signal);
    }
  }

  async #start(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits } = this.#ports;
    const late = {
      code: 'start-failed',
      message: `start of "${row.app}": took longer than ${limits.startMs / 1000}s`,
    } as const;
    this.#endedEarly.delete(row.id);
    try {
      await performEffect(reach, 'start', {
        intent: () => this.#isDue(row.id, 'start'),
        effect: () =>
          this.#inTurn(row.id, signal, () =>
            withDeadline({ clock, ms: limits.startMs, signal, late }, (limited) =>
              this.#rest.bringBack(row, () => this.#engine(row).start(this.#request(row), limited), limited),
            ),
          ),
        commit: (back) =>
          this.#change(row.id, (now, recorded, generation) => this.#started(now, back, { recorded, generation })),
      });
    } catch (error) {
      if (isAbort(error) && signal.aborted) throw error;
      if (isStoreError(error)) throw error;
      this.#change(row.id, (now, recorded, generation) => this.failed(now, problemOf(error), { recorded, generation }));
    }
  }

  /** What is paused only has to go on: it waits for none that takes long to start. */
  #inTurn<T>(id: InstanceId, signal: AbortSignal, start: () => Promise<T>): Promise<T> {
    return this.wakes.tierOf(id) === 'paused' ? start() : this.#limit(signal, start);
  }

  #request(row: RecordedInstance): InstanceRequest {
    const { target } = row;
    const artifact = this.#ports.store.recorded.artifacts.get(target.artifact);
    return {
      id: row.id,
      env: row.env,
      app: row.app,
      generation: row.generation,
      revision: target.revision,
      spec: target.revisionSpec,
      artifact: { key: target.artifact, digest: artifact?.digest ?? null },
      variables: variablesOf(row),
      containerOpts: target.values.containerOpts,
      dataName: this.#ports.store.recorded.deployment(row.env, row.app)?.dataName ?? `${row.env}/unknown`,
    };
  }

  /** Requests wait until it is seen to answer, whatever it is started for; but for what was only paused, which is as it was. */
  #started(row: RecordedInstance, { route, asBefore }: Back, context: RouteContext): Change[] {
    if (row.state !== 'starting') return [];
    const ended = this.#endedEarly.get(row.id);
    if (ended !== undefined) return this.failed(row, ended, context);
    const startedAt = this.#ports.clock.now();
    const cause = context.recorded.deployment(row.env, row.app)?.next?.cause ?? null;
    const running = { ...row, state: 'running', route, problem: null, retryAt: null, startedAt } as const;
    return [
      put('instance', running),
      this.#event('instance.started', row, cause, {}),
      ...(asBefore ? this.#rest.backFromPause(running, context) : []),
    ];
  }

  /** What is recorded when an engine says that an instance ended. */
  ended(row: RecordedInstance, problem: Problem, context: RouteContext): Change[] {
    if (row.state === 'starting') this.#endedEarly.set(row.id, problem);
    if (row.state === 'pausing' || row.state === 'paused') return this.#rest.endedChanges(row, problem);
    return row.state === 'running' ? this.failed(row, problem, context) : [];
  }

  /** What is recorded when what is paused is seen to run: somebody else let it go on. It is paused again. */
  resumed(row: RecordedInstance): Change[] {
    return this.#rest.resumedChanges(row);
  }

  /** Puts those of these instances to sleep that nobody has used for long enough, the longest idle first. */
  restIdle(ids: readonly InstanceId[], order: SleepOrder, signal: AbortSignal): Promise<void> {
    return this.#rest.restIdle(ids, order, signal);
  }

  /** What is recorded when an instance could not be started, or ended by itself. */
  failed(row: RecordedInstance, problem: Problem, context: RouteContext): Change[] {
    if (row.state !== 'starting' && row.state !== 'running') return [];
    const { recorded } = context;
    const at = this.#ports.clock.now();
    const steady = row.state === 'running' && row.startedAt !== null && at - row.startedAt >= STEADY_MS;
    const attempts = steady ? 1 : row.attempts + 1;
    const deployment = recorded.deployment(row.env, row.app);
    // What is live ran before: whatever a person has to mend, it is brought back without a change in git.
    const isHopeless =
      problem.retry === 'needs-human' && row.state === 'starting' && deployment?.live?.instance !== row.id;
    const retryAt = isHopeless ? null : at + backoffMs(attempts);
    const next = put('instance', { ...row, state: 'starting', problem, attempts, retryAt });
    const again = row.problem?.code === problem.code && row.problem.message === problem.message;
    const detail: JsonObject = { code: problem.code, message: problem.message, attempts };
    if (deployment?.live?.instance !== row.id) {
      const changes = [next, ...verifiedAgain(row, deployment)];
      return again
        ? changes
        : [...changes, this.#event('instance.failed', row, deployment?.next?.cause ?? null, detail)];
    }
    const condition: Condition = {
      reason: problem.code,
      message: problem.message,
      since: deployment.live.condition?.since ?? isoTime(at),
    };
    const live = { ...deployment.live, condition };
    const seen = again ? [] : [this.#event('drift.seen', row, observation(problem.message), detail)];
    const route = row.route === null ? [] : keepRoute(deployment, live, row.route, context);
    return [next, put('deployment', { ...deployment, live }), ...route, ...seen];
  }

  async #drain(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { reach, clock, gateways, store } = this.#ports;
    const left = (row.drainUntil ?? 0) - clock.now();
    const live = store.recorded.deployment(row.env, row.app)?.live;
    // What only goes to sleep may keep the streams on which nothing is said.
    const besidesStreams = live?.instance === row.id && live.asleep && !live.suspended;
    const idle = async (limited: AbortSignal): Promise<Drain> => {
      await gateways.applied(store.recorded.generation, limited);
      await gateways.idle(row.id, limited, { besidesStreams });
      return besidesStreams && (await this.#rest.isUsedAgain(row, limited)) ? 'used' : 'idle';
    };
    await performEffect(reach, 'drain', {
      intent: () => this.#isDue(row.id, 'drain'),
      effect: async (): Promise<Drain> =>
        left > 0 ? beforeDeadline({ clock, ms: left, signal }, idle, 'late' as const) : 'late',
      commit: (drain) => this.#change(row.id, (now, recorded) => this.#drained(now, drain, recorded)),
    });
  }

  /**
   * The drain time is over, or nothing is in flight any more. What is replaced is cut then: that is what the time is for. What was only
   * put to sleep is in use, and goes on.
   */
  #drained(row: RecordedInstance, drain: Drain, recorded: RecordedView): Change[] {
    // It may have been given more time meanwhile: put to sleep first, then replaced.
    const isEarly = drain === 'late' && this.#ports.clock.now() < (row.drainUntil ?? 0);
    if (row.state !== 'draining' || isEarly) return [];
    const deployment = recorded.deployment(row.env, row.app);
    const isLive = deployment?.live?.instance === row.id;
    if (!isLive || !deployment.live.asleep || deployment.live.suspended)
      return [put('instance', { ...row, state: 'stopping' })];
    return drain === 'idle' ? this.#rest.downChanges(row, deployment.live) : wakeChanges(deployment);
  }

  async #stop(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits } = this.#ports;
    const late = { code: 'engine-failed', message: `stop of "${row.app}": no answer` } as const;
    await performEffect(reach, 'stop', {
      intent: () => this.#isDue(row.id, 'stop'),
      effect: async () => {
        await this.#endTunnels(row.id, signal);
        return withDeadline({ clock, ms: limits.graceMs * 3, signal, late }, () =>
          this.#engine(row).stop(row.id, { graceMs: limits.graceMs }),
        );
      },
      commit: () =>
        this.#change(row.id, (now, recorded) => {
          if (now.state !== 'stopping') return [];
          const deployment = recorded.deployment(now.env, now.app);
          const isKept = isWanted(now.id, deployment) || isKeptForLog(now.id, deployment);
          return [put('instance', { ...now, state: isKept ? 'stopped' : 'removing' })];
        }),
    });
  }

  /** What still is in flight now is cut, but for WebSockets, whose clients are told. */
  async #endTunnels(id: InstanceId, signal: AbortSignal): Promise<void> {
    const { clock, gateways } = this.#ports;
    gateways.endTunnels(id);
    await beforeDeadline({ clock, ms: TUNNEL_END_MS, signal }, (limited) => gateways.idle(id, limited), undefined);
  }

  async #remove(row: RecordedInstance, signal: AbortSignal): Promise<void> {
    const { reach, clock, limits } = this.#ports;
    const late = { code: 'engine-failed', message: `removal of "${row.app}": no answer` } as const;
    await performEffect(reach, 'remove', {
      intent: () => this.#isDue(row.id, 'remove'),
      effect: () =>
        withDeadline({ clock, ms: limits.graceMs * 3, signal, late }, () => this.#engine(row).remove(row.id)),
      commit: () => {
        this.#endedEarly.delete(row.id);
        this.#rest.forget(row.id);
        this.#change(row.id, (now) => [drop('instance', now), this.#event('instance.stopped', row, null, {})]);
      },
    });
  }

  #engine(row: RecordedInstance): Engine {
    const engine = this.#ports.engines.get(row.target.inputs.engine);
    if (engine === undefined)
      throw new MainspringError('engine-off', `engine "${row.target.inputs.engine}" is not there`, {
        retry: 'after-interval',
      });
    return engine;
  }

  #isDue(id: InstanceId, step: InstanceAction['do']): boolean {
    return this.next(id).do === step;
  }

  #change(
    id: InstanceId,
    decide: (row: RecordedInstance, recorded: RecordedView, generation: () => number) => Change[],
  ): void {
    this.#ports.store.transact((recorded, generation) => {
      const row = recorded.instances.get(id);
      return row === undefined ? [] : decide(row, recorded, generation);
    });
  }

  #event(
    kind: 'instance.started' | 'instance.failed' | 'instance.stopped' | 'drift.seen',
    row: RecordedInstance,
    cause: Cause | null,
    detail: JsonObject,
  ): Change {
    const of = { env: row.env, app: row.app };
    return audit({
      kind,
      ...of,
      cause: cause ?? row.target.causes.config,
      detail: { instance: row.id, revision: row.target.revision, ...detail },
    });
  }
}

/** What was found healthy is not what is started next: that is verified anew. */
function verifiedAgain(row: RecordedInstance, deployment: RecordedDeployment | undefined): Change[] {
  const next = deployment?.next ?? null;
  if (deployment === undefined || next?.instance !== row.id || next.state !== 'ready') return [];
  return [put('deployment', { ...deployment, next: { ...next, state: 'verifying' } })];
}

/** What an instance finds in its environment besides PORT and APP_DATA. */
function variablesOf(
  row: Pick<RecordedInstance, 'env' | 'target'> & Pick<RecordedDeployment, 'app'>,
): Record<string, string> {
  const { values } = row.target;
  const params = Object.entries(values.params).map(([name, value]) => [name, textOf(value)]);
  return { ...Object.fromEntries(params), APP_URL: values.url, APP_PATH: values.path, APP_ENV: row.env };
}

/** Not strings: JSON. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
