import { sha256Hex } from '../../model/canonical.ts';
import type { Cause } from '../../model/cause.ts';
import { isoTime } from '../../model/clock.ts';
import type { Problem } from '../../model/errors.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { NextState, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Ports } from '../ports.ts';
import { type DeploymentAction, type DeploymentStep, neverHealthy, nextOfDeployment } from '../progress.ts';
import { isResting } from '../sleep.ts';
import { retireInstance, touchArtifact } from '../transitions.ts';
import { beforeDeadline } from './deadline.ts';
import { lookAt, lookPauseMs } from './look.ts';
import type { SlotKind } from './slots.ts';
import { type SwitchContext, suspendChanges, switchChanges } from './switching.ts';
import { VerifyTurns } from './verify-turns.ts';

type Context = { readonly recorded: RecordedView; readonly generation: () => number };

/** Engines that keep a folder for an app. */
const KEEPS_DATA = new Set(['process', 'docker']);

/** The slot of a deployment: from a recorded target to the switch, or from a recorded removal to nothing. */
export class DeploymentSlots implements SlotKind<DeploymentAction> {
  readonly name = 'deployment';
  readonly #ports: Ports;
  readonly #turns = new VerifyTurns();

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  /** A deployment has changed: one that is not being verified any more lets another be. */
  changed(key: string): void {
    const state = this.#ports.store.recorded.deployments.get(key)?.next?.state;
    if (state !== 'starting' && state !== 'verifying') this.#turns.leave(key);
  }

  next(key: string): DeploymentStep {
    const { recorded } = this.#ports.store;
    const row = recorded.deployments.get(key);
    return row === undefined ? { do: 'wait', until: null } : nextOfDeployment(row, recorded, this.#ports.clock.now());
  }

  async perform(key: string, step: DeploymentAction, signal: AbortSignal): Promise<void> {
    switch (step.do) {
      case 'probe':
        return this.#probe(key, signal);
      case 'switch':
        return this.#switch(key);
      case 'unroute':
        return this.#unroute(key);
      case 'retire':
        return this.#retire(key);
      case 'quarantine':
        this.#change(key, step.do, (row, next, context) => this.#quarantine(row, next, step.problem, context));
        return;
      case 'hold':
        this.#change(key, step.do, (row, next) => holdChanges(row, next, step.problem));
        return;
      case 'resume':
        this.#change(key, step.do, (row, next) => resumeChanges(row, next));
        return;
      case 'suspend':
        this.#change(key, step.do, (row, _, context) => suspendChanges(row, this.#switchContext(context)));
        return;
      case 'require':
        this.#change(key, step.do, (row, next, context) => this.#require(row, next, context));
        return;
      case 'begin':
        if (isResting(this.#ports.store.recorded.deployments.get(key)?.live)) await this.#turns.take(key, signal);
        this.#change(key, step.do, (row, next) => this.#begin(row, next));
        this.changed(key);
        return;
      case 'verify':
        this.#change(key, step.do, (row, next) => [put('deployment', { ...row, next: this.#verifying(next) })]);
        return;
      case 'ready':
        this.#change(key, step.do, (row, next) => [
          put('deployment', { ...row, next: { ...next, state: 'ready', reason: null, deadline: null } }),
        ]);
        return;
    }
  }

  /** One transaction on a deployment, if the step that it belongs to still is the one that is due. */
  #change(
    key: string,
    due: DeploymentAction['do'],
    decide: (row: RecordedDeployment, next: NextState, context: Context) => Change[],
  ): void {
    this.#ports.store.transact((recorded, generation) => {
      const row = recorded.deployments.get(key);
      if (row?.next == null || this.next(key).do !== due) return [];
      return decide(row, row.next, { recorded, generation });
    });
  }

  #require(row: RecordedDeployment, next: NextState, { recorded }: Context): Change[] {
    if (next.target === null) return [];
    const building = put('deployment', { ...row, next: { ...next, state: 'building', reason: null } });
    if (recorded.artifacts.has(next.target.artifact)) return [building];
    const { artifact: key, inputs, source } = next.target;
    const usedAt = this.#ports.clock.now();
    return [
      put('artifact', {
        key,
        inputs,
        source,
        state: 'building',
        digest: null,
        problem: null,
        attempts: 0,
        retryAt: null,
        usedAt,
      }),
      building,
    ];
  }

  #begin(row: RecordedDeployment, next: NextState): Change[] {
    if (next.target === null) return [];
    const id = instanceId(this.#ports.installation, row, next.generation);
    const instance: RecordedInstance = {
      id,
      env: row.env,
      app: row.app,
      target: next.target,
      generation: next.generation,
      state: 'starting',
      route: null,
      problem: null,
      attempts: 0,
      startedAt: null,
      retryAt: null,
      drainUntil: null,
      idleSince: null,
    };
    const { engine } = next.target.inputs;
    const dataEngine = KEEPS_DATA.has(engine) ? engine : row.dataEngine;
    const starting: NextState = { ...next, state: 'starting', reason: null, instance: id, deadline: null };
    return [put('deployment', { ...row, dataEngine, next: starting }), put('instance', instance)];
  }

  #verifying(next: NextState): NextState {
    const timeoutMs = next.target?.policy.health.timeoutMs ?? 0;
    return { ...next, state: 'verifying', deadline: next.deadline ?? this.#ports.clock.now() + timeoutMs };
  }

  async #probe(key: string, signal: AbortSignal): Promise<void> {
    const { store, clock } = this.#ports;
    const next = store.recorded.deployments.get(key)?.next;
    const instance = next?.instance == null ? undefined : store.recorded.instances.get(next.instance);
    if (next?.target == null || instance?.route == null) return;
    const { health } = next.target.policy;
    const result = await lookAt(instance.route, next.target.policy, this.#ports, signal);
    signal.throwIfAborted();
    const reason = result.healthy ? null : result.reason;
    const late = reason !== null && next.deadline !== null && clock.now() >= next.deadline;
    const advice = late ? await this.#advice(instance, signal) : null;
    this.#change(key, 'probe', (row, now, context) => {
      // The instance may have been started again, or the target replaced, while it was asked.
      if (now.instance !== instance.id || context.recorded.instances.get(instance.id)?.startedAt !== instance.startedAt)
        return [];
      if (late) return this.#quarantine(row, now, neverHealthy(now, reason, advice), context);
      if (reason === null)
        return [put('deployment', { ...row, next: { ...now, state: 'ready', reason: null, deadline: null } })];
      return now.reason === reason ? [] : [put('deployment', { ...row, next: { ...now, reason } })];
    });
    if (reason !== null && !late)
      await clock.sleep(lookPauseMs(instance, health.intervalMs, next.deadline, clock.now()), signal);
  }

  /** What its engine can say of an instance that never answered; it is not waited for long. */
  #advice({ id, target }: RecordedInstance, signal: AbortSignal): Promise<string | null> {
    const { clock, engines, limits } = this.#ports;
    const ask = async () =>
      (await engines
        .get(target.inputs.engine)
        ?.advice?.(id)
        .catch(() => null)) ?? null;
    return beforeDeadline({ clock, ms: limits.probeMs, signal }, ask, null);
  }

  #quarantine(row: RecordedDeployment, next: NextState, problem: Problem, { recorded }: Context): Change[] {
    const instance = next.instance === null ? undefined : recorded.instances.get(next.instance);
    const failed = next.instance === null ? {} : { failedInstance: next.instance };
    return [
      put('deployment', {
        ...row,
        next: {
          ...next,
          ...failed,
          state: 'quarantined',
          reason: problem.message,
          problem,
          instance: null,
          retryAt: null,
        },
      }),
      ...(instance === undefined ? [] : retireInstance(instance, this.#ports.clock.now(), 'stopping')),
      ...(next.target === null ? [] : touchArtifact(next.target.artifact, recorded, this.#ports.clock.now())),
      audit({
        kind: 'deployment.quarantined',
        env: row.env,
        app: row.app,
        cause: next.cause,
        detail: { revision: next.target?.revision ?? null, code: problem.code, message: problem.message },
      }),
    ];
  }

  async #switch(key: string): Promise<void> {
    await this.#ports.reach('switching');
    this.#change(key, 'switch', (row, _, context) => switchChanges([row], this.#switchContext(context)));
    await this.#ports.reach('switched');
  }

  async #unroute(key: string): Promise<void> {
    this.#change(key, 'unroute', (row, _, context) => switchChanges([row], this.#switchContext(context)));
    await this.#ports.reach('unrouted');
  }

  #switchContext(context: Context): SwitchContext {
    const { clock, limits } = this.#ports;
    return { ...context, at: clock.now(), drainMs: limits.drainMs };
  }

  async #retire(key: string): Promise<void> {
    await this.#ports.reach('retiring');
    this.#change(key, 'retire', (row, next, { recorded }) => this.#retireChanges(row, next.cause, recorded));
  }

  #retireChanges(row: RecordedDeployment, cause: Cause, recorded: RecordedView): Change[] {
    const { clock, settings } = this.#ports;
    const of = { env: row.env, app: row.app };
    const gone = [drop('deployment', row), audit({ kind: 'deployment.removed', ...of, cause, detail: {} })];
    if (row.dataEngine === null) return gone;
    // A preview's data goes with it.
    if (recorded.environments.get(row.env)?.kind === 'preview')
      return [
        ...gone,
        put('retained', {
          ...of,
          dataName: row.dataName,
          engine: row.dataEngine,
          until: clock.now(),
          state: 'removing',
        }),
      ];
    const until = clock.now() + settings.retainMs;
    return [
      ...gone,
      put('retained', { ...of, dataName: row.dataName, engine: row.dataEngine, until, state: 'kept' }),
      audit({ kind: 'data.retained', ...of, cause, detail: { until: isoTime(until) } }),
    ];
  }
}

/** A promotion waits until its stage is mended. */
function holdChanges(row: RecordedDeployment, next: NextState, problem: Problem): Change[] {
  const detail = { code: problem.code, message: problem.message, hint: problem.hint };
  return [
    put('deployment', { ...row, next: { ...next, state: 'held', reason: problem.message, problem } }),
    audit({ kind: 'deployment.held', env: row.env, app: row.app, cause: next.cause, detail }),
  ];
}

function resumeChanges(row: RecordedDeployment, next: NextState): Change[] {
  return [
    put('deployment', { ...row, next: { ...next, state: 'waiting', reason: null, problem: null } }),
    audit({ kind: 'deployment.promotable', env: row.env, app: row.app, cause: next.cause, detail: {} }),
  ];
}

function instanceId(installation: string, of: RecordedDeployment, generation: number): InstanceId {
  return `i${sha256Hex(`${installation}\n${of.env}\n${of.app}\n${generation}`).slice(0, 19)}` as InstanceId;
}
