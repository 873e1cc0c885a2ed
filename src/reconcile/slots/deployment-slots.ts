import { sha256Hex } from '../../model/canonical.ts';
import type { Cause } from '../../model/cause.ts';
import { isoTime } from '../../model/clock.ts';
import type { Policy } from '../../model/desired.ts';
import { MainspringError, type Problem } from '../../model/errors.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedInstance } from '../../model/recorded.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { ProbeResult } from '../../runtime/engine.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Ports } from '../ports.ts';
import { type DeploymentAction, type DeploymentStep, neverHealthy, nextOfDeployment } from '../progress.ts';
import { leaveRoute, retireInstance, takeRoute, touchArtifact } from '../transitions.ts';
import { withDeadline } from './deadline.ts';
import type { SlotKind } from './slots.ts';

type Context = { readonly recorded: RecordedView; readonly generation: () => number };

/** Engines that keep a folder for an app. */
const KEEPS_DATA = new Set(['process', 'docker']);

/** The slot of a deployment: from a recorded target to the switch, or from a recorded removal to nothing. */
export class DeploymentSlots implements SlotKind<DeploymentAction> {
  readonly name = 'deployment';
  readonly #ports: Ports;

  constructor(ports: Ports) {
    this.#ports = ports;
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
      case 'require':
        this.#change(key, step.do, (row, next, context) => this.#require(row, next, context));
        return;
      case 'begin':
        this.#change(key, step.do, (row, next) => this.#begin(row, next));
        return;
      case 'verify':
        this.#change(key, step.do, (row, next) => [put('deployment', { ...row, next: this.#verifying(next) })]);
        return;
      case 'ready':
        this.#change(key, step.do, (row, next) => [
          put('deployment', { ...row, next: { ...next, state: 'ready', reason: null } }),
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
    const result = await this.#look(instance.route, next.target.policy, signal);
    signal.throwIfAborted();
    const reason = result.healthy ? null : result.reason;
    const late = reason !== null && next.deadline !== null && clock.now() >= next.deadline;
    this.#change(key, 'probe', (row, now, context) => {
      // The instance may have been started again, or the target replaced, while it was asked.
      if (now.instance !== instance.id || context.recorded.instances.get(instance.id)?.startedAt !== instance.startedAt)
        return [];
      if (late) return this.#quarantine(row, now, neverHealthy(now, reason), context);
      if (reason === null) return [put('deployment', { ...row, next: { ...now, state: 'ready', reason: null } })];
      return now.reason === reason ? [] : [put('deployment', { ...row, next: { ...now, reason } })];
    });
    if (reason !== null && !late)
      await clock.sleep(probePauseMs(instance, health.intervalMs, next.deadline, clock.now()), signal);
  }

  async #look(route: RouteTarget, { health, host }: Policy, signal: AbortSignal): Promise<ProbeResult> {
    const { clock, limits, probe } = this.#ports;
    const late = { code: 'timed-out', message: `no answer within ${limits.probeMs / 1000}s` } as const;
    const check = { path: health.path, expect: health.expect, host };
    return withDeadline({ clock, ms: limits.probeMs, signal, late }, (limited) => probe(route, check, limited)).catch(
      (error: unknown) => {
        if (error instanceof MainspringError) return { healthy: false, reason: error.message };
        throw error;
      },
    );
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
    this.#change(key, 'switch', (row, next, context) => this.#switchChanges(row, next, context));
    await this.#ports.reach('switched');
  }

  #switchChanges(row: RecordedDeployment, next: NextState, context: Context): Change[] {
    const { recorded } = context;
    const instance = next.instance === null ? undefined : recorded.instances.get(next.instance);
    if (next.target === null || instance?.route == null || instance.state !== 'running') return [];
    // A slower, older target never overwrites a newer one.
    if (row.live !== null && row.live.generation >= next.generation) return this.#outdated(row, next, instance);
    const { clock, limits } = this.#ports;
    const old = row.live === null ? undefined : recorded.instances.get(row.live.instance);
    const live: LiveState = {
      target: next.target,
      instance: instance.id,
      generation: next.generation,
      since: isoTime(clock.now()),
      asleep: false,
      condition: null,
    };
    const detail = {
      revision: next.target.revision,
      was: row.live?.target.revision ?? null,
      seen_ms_ago: clock.now() - next.seenAt,
    };
    return [
      put('deployment', { ...row, live, next: null }),
      ...leaveRoute(row.live?.target ?? null, next.target, row, context),
      ...takeRoute(row, live, instance.route, context),
      ...(old === undefined ? [] : retireInstance(old, clock.now(), 'draining', limits.drainMs)),
      ...(row.live === null ? [] : touchArtifact(row.live.target.artifact, recorded, clock.now())),
      audit({ kind: 'deployment.live', env: row.env, app: row.app, cause: next.cause, detail }),
    ];
  }

  #outdated(row: RecordedDeployment, next: NextState, instance: RecordedInstance): Change[] {
    const detail = { revision: next.target?.revision ?? null, state: next.state };
    return [
      put('deployment', { ...row, next: null }),
      ...retireInstance(instance, this.#ports.clock.now(), 'stopping'),
      audit({ kind: 'deployment.superseded', env: row.env, app: row.app, cause: next.cause, detail }),
    ];
  }

  async #unroute(key: string): Promise<void> {
    const { clock, limits } = this.#ports;
    this.#change(key, 'unroute', (row, next, context) => {
      if (row.live === null) return [];
      const instance = context.recorded.instances.get(row.live.instance);
      return [
        put('deployment', { ...row, live: null }),
        ...leaveRoute(row.live.target, null, row, context),
        ...(instance === undefined ? [] : retireInstance(instance, clock.now(), 'draining', limits.drainMs)),
        ...touchArtifact(row.live.target.artifact, context.recorded, clock.now()),
        audit({
          kind: 'deployment.unrouted',
          env: row.env,
          app: row.app,
          cause: next.cause,
          detail: { revision: row.live.target.revision },
        }),
      ];
    });
    await this.#ports.reach('unrouted');
  }

  async #retire(key: string): Promise<void> {
    await this.#ports.reach('retiring');
    this.#change(key, 'retire', (row, next) => this.#retireChanges(row, next.cause));
  }

  #retireChanges(row: RecordedDeployment, cause: Cause): Change[] {
    const { clock, settings } = this.#ports;
    const of = { env: row.env, app: row.app };
    const gone = [drop('deployment', row), audit({ kind: 'deployment.removed', ...of, cause, detail: {} })];
    if (row.dataEngine === null) return gone;
    const until = clock.now() + settings.retainMs;
    return [
      ...gone,
      put('retained', { ...of, dataName: row.dataName, engine: row.dataEngine, until, state: 'kept' }),
      audit({ kind: 'data.retained', ...of, cause, detail: { until: isoTime(until) } }),
    ];
  }
}

/** How long to wait before the next probe: briefly while the instance is young, the declared interval at most, and never past the deadline. */
function probePauseMs(instance: RecordedInstance, intervalMs: number, deadline: number | null, at: number): number {
  const age = at - (instance.startedAt ?? at);
  const pause = Math.min(intervalMs, Math.max(10, age / 2));
  return deadline === null ? pause : Math.max(1, Math.min(pause, deadline - at));
}

function instanceId(installation: string, of: RecordedDeployment, generation: number): InstanceId {
  return `i${sha256Hex(`${installation}\n${of.env}\n${of.app}\n${generation}`).slice(0, 19)}` as InstanceId;
}
