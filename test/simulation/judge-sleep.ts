import type { IdleTimes } from '../../src/model/app.ts';
import type { AuditKind } from '../../src/model/audit.ts';
import type { PreviewPolicy } from '../../src/model/config.ts';
import type { InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment, RecordedInstance } from '../../src/model/recorded.ts';
import type { Change } from '../../src/store/changes.ts';
import type { SimApp } from './sim-config.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

type Live = NonNullable<RecordedDeployment['live']>;

/** Outside of production nothing is awake for longer than this without being used, unless it never sleeps. */
const OTHERS_MS = 900_000;
/** Asking gateways, being slow about it, and a request that came just then. */
const ASKED_MS = 9_000;
/** What was used within this time is not put to sleep for want of memory. */
const PRESSED_MS = 60_000;
/** Asking about the use of what runs, and being slow about it. */
const RELIEF_MS = 20_000;
/** A drain that ends because it is in use, and a crash on the way. */
const SLACK_MS = 60_000;
/** What a request may wait for: a stop that is under way, a start that fails twice, and being seen to answer, or the end of the time for that. */
const AWAKE_WITHIN_MS = 140_000;

/** When an app is to be paused and stopped in an environment, as pushed; null: it never sleeps. */
export function idleTimesOf({ spec, idle }: SimApp, env: string, previews?: PreviewPolicy): IdleTimes | null {
  if (spec !== 'procfile' || idle === false) return null;
  const said = typeof idle === 'number' ? { pause: null, stop: idle, asleep: false } : idle;
  if (env === 'prod') return said === null ? null : timesOf(said.pause, said.stop, said.asleep);
  const stop = Math.min(said?.stop ?? OTHERS_MS, OTHERS_MS);
  const pause = said !== null && said.pause !== null && said.pause < stop ? said.pause : null;
  const isPreview = env !== 'stage';
  return timesOf(pause, stop, said?.asleep === true || (isPreview && previews?.asleep === true));
}

function timesOf(pauseMs: number | null, stopMs: number, startsAsleep: boolean): IdleTimes {
  return { pauseMs, stopMs, ...(startsAsleep ? { startsAsleep } : {}) };
}

interface StoppedAfterPause {
  readonly idle: IdleTimes;
  readonly idleFor: number;
  readonly before: RecordedInstance | undefined;
}

/** What was seen that an event of this kind about an instance is because of. */
function reasonIn(changes: readonly Change[], kind: AuditKind, id: InstanceId): string | undefined {
  for (const change of changes)
    if ('audit' in change && change.audit.kind === kind && change.audit.detail.instance === id)
      return change.audit.cause.kind === 'observation' ? change.audit.cause.what : undefined;
  return undefined;
}

function isForMemory(why: string | undefined): boolean {
  return why?.startsWith('memory is short') === true;
}

/** Judges sleeping and waking by what the gateways saw: nothing sleeps that was used, and whoever asks is served. */
export class SleepJudge {
  readonly #world: SimWorld;
  readonly #verdict: Verdict;
  readonly #awakeAt = new Map<InstanceId, number>();
  readonly #wasHealthy: (live: Live) => boolean;

  /** `wasHealthy` says whether what is live was seen healthy, at its own path, since it was last started. */
  constructor(world: SimWorld, verdict: Verdict, wasHealthy: (live: Live) => boolean) {
    this.#wasHealthy = wasHealthy;
    this.#world = world;
    this.#verdict = verdict;
  }

  /** A row is written: what goes to sleep was not used for as long as its policy says, and what wakes answers. */
  onDeployment(row: RecordedDeployment, before: RecordedDeployment | undefined, changes: readonly Change[]): void {
    const was = before?.live?.instance === row.live?.instance ? before?.live : null;
    if (row.live?.asleep === true && was?.asleep === false) this.#onAsleep(row, row.live, changes);
    if (row.live != null && before?.live == null) this.#onFirst(row, row.live);
    if (row.live?.asleep === false && was?.asleep === true) this.#onAwake(row, row.live);
    else if (row.live?.condition === null && was != null && was.condition !== null) this.#onBack(row, row.live);
  }

  /** What goes live in no other's place is awake, unless its policy says that it starts asleep. */
  #onFirst(row: RecordedDeployment, { asleep, target }: Live): void {
    const startsAsleep = target.policy.idle !== false && target.policy.idle?.startsAsleep === true;
    if (startsAsleep) this.#world.count('starts asleep');
    this.#verdict.expect(
      asleep === startsAsleep,
      () => `${row.app} in ${row.env}: goes live ${asleep ? 'asleep' : 'awake'}, against its policy`,
    );
  }

  #onAsleep(row: RecordedDeployment, live: Live, changes: readonly Change[]): void {
    this.#world.count('asleep');
    const isPressed = isForMemory(reasonIn(changes, 'deployment.asleep', live.instance));
    if (isPressed) this.#onRelief('awake');
    const { idle } = live.target.policy;
    const isSleeper = idle !== null && idle !== false;
    const idleMs = isPressed && isSleeper ? PRESSED_MS : this.#sleepsAfter(live);
    this.#verdict.expect(idleMs !== null, () => `${row.app} in ${row.env}: sleeps although it never may`);
    const usedAt = this.#world.gateway.usedAt.get(live.instance) ?? 0;
    const idleFor = this.#world.clock.now() - usedAt;
    this.#verdict.expect(
      idleFor >= (idleMs ?? 0) - ASKED_MS || idleFor < ASKED_MS,
      () => `${row.app} in ${row.env}: put to sleep ${idleFor} ms after it was used, which is too soon`,
    );
    const isBusy = (this.#world.gateway.inFlight.get(live.instance) ?? 0) > 0;
    this.#verdict.expect(
      !isBusy || idleFor < ASKED_MS,
      () => `${row.app} in ${row.env}: put to sleep with a request in flight for ${idleFor} ms`,
    );
  }

  /** After how long without use it goes to sleep, by its policy and by what its engine can. */
  #sleepsAfter({ target }: Live): number | null {
    const { idle } = target.policy;
    if (idle === null || idle === false) return null;
    return this.#pauses(idle) ? idle.pauseMs : idle.stopMs;
  }

  #pauses({ pauseMs, stopMs }: IdleTimes): boolean {
    return this.#world.pauses && pauseMs !== null && pauseMs < (stopMs ?? Number.POSITIVE_INFINITY);
  }

  /** The row of an instance is written: each tier has its time. */
  onInstance(row: RecordedInstance, before: RecordedInstance | undefined, changes: readonly Change[]): void {
    const live = this.#world.recorded.deployment(row.env, row.app)?.live;
    if (live?.instance !== row.id || !live.asleep || live.suspended) return;
    const { idle } = live.target.policy;
    if (idle === null || idle === false) return;
    const idleFor = this.#world.clock.now() - (this.#world.gateway.usedAt.get(row.id) ?? 0);
    const name = `${row.app} in ${row.env}`;
    const isPaused = before?.state === 'paused' || before?.state === 'pausing';
    if (before?.state === 'draining' && row.state === 'stopping')
      this.#verdict.expect(
        !this.#pauses(idle) || idleFor >= (idle.stopMs ?? 0) - ASKED_MS,
        () => `${name}: is stopped after ${idleFor} ms, and was to be paused first`,
      );
    if (before?.state === 'draining' && row.state === 'pausing')
      this.#verdict.expect(this.#pauses(idle), () => `${name}: is to be paused although it is not to be`);
    if (before?.state === 'pausing' && row.state === 'paused') this.#world.count('paused');
    if (before?.state === 'paused' && row.state === 'starting') this.#world.count('awake from paused');
    if (before?.state === 'stopped' && row.state === 'starting') this.#world.count('awake from stopped');
    if (isPaused && row.state === 'stopping') this.#onStoppedAfterPause(row, { idle, idleFor, before }, changes);
  }

  #onStoppedAfterPause(
    row: RecordedInstance,
    { idle, idleFor, before }: StoppedAfterPause,
    changes: readonly Change[],
  ): void {
    const why = reasonIn(changes, 'deployment.stopped', row.id);
    this.#verdict.expect(why !== undefined, () => `${row.app} in ${row.env}: stopped after a pause without a word`);
    const runs = this.#world.engine.instances.get(row.id)?.running === true;
    if (isForMemory(why)) {
      this.#onRelief('paused');
      this.#isLongestIdle(row, before);
    } else if (why !== 'nobody used it') this.#world.count(runs ? 'could not be paused' : 'ended while paused');
    else {
      this.#world.count('stopped after a pause');
      this.#verdict.expect(
        idleFor >= (idle.stopMs ?? Number.POSITIVE_INFINITY) - ASKED_MS,
        () => `${row.app} in ${row.env}: stopped after ${idleFor} ms, which is too soon`,
      );
    }
  }

  /** Memory must have been short, just now. */
  #onRelief(what: 'paused' | 'awake'): void {
    this.#world.count(`memory short: ${what}`);
    const { clock, pressedUntil } = this.#world;
    this.#verdict.expect(
      clock.now() <= pressedUntil + RELIEF_MS,
      () => `something ${what} is stopped for want of memory, of which there was enough`,
    );
  }

  /** Of those that are paused the longest idle goes first. */
  #isLongestIdle(row: RecordedInstance, before: RecordedInstance | undefined): void {
    const { instances } = this.#world.recorded;
    const longer = [...instances.values()].find((other) => {
      const isResting = this.#isResting(other);
      return other.state === 'paused' && isResting && (other.idleSince ?? 0) < (before?.idleSince ?? 0);
    });
    this.#verdict.expect(
      longer === undefined,
      () => `${row.id} is stopped before ${longer?.id}, which is idle for longer`,
    );
  }

  #isResting({ id, env, app }: RecordedInstance): boolean {
    const live = this.#world.recorded.deployment(env, app)?.live;
    return live?.instance === id && live.asleep && !live.waking;
  }

  /** A request is led to an instance: that must not be one that was paused by us. */
  onRequest(id: InstanceId): void {
    const isFrozen = this.#world.engine.instances.get(id)?.paused === true;
    this.#verdict.expect(
      !isFrozen || this.#world.frozenByHand.has(id),
      () => `a request is led to ${id}, which is paused`,
    );
  }

  /** An instance is about to be paused: only what is asleep is, with nothing in flight. */
  onPause(id: InstanceId): void {
    const { gateway, recorded } = this.#world;
    const row = [...recorded.deployments.values()].find(({ live }) => live?.instance === id);
    this.#verdict.expect(row === undefined || row.live?.asleep === true, () => `pause of ${id}, which is awake`);
    this.#verdict.expect(!gateway.routes(id), () => `pause of ${id} while requests are still led to it`);
    const inFlight = gateway.inFlight.get(id) ?? 0;
    this.#verdict.expect(inFlight === 0, () => `pause of ${id} with ${inFlight} requests in flight`);
  }

  #onAwake(row: RecordedDeployment, live: Live): void {
    this.#world.count('awake');
    this.#awakeAt.set(live.instance, this.#world.clock.now());
    this.#onBack(row, live);
  }

  /** Requests may be led to what does not answer only when its time for that is over. */
  #onBack(row: RecordedDeployment, live: Live): void {
    const { verify, health } = live.target.policy;
    const startedAt = this.#world.engine.instances.get(live.instance)?.startedAt ?? 0;
    const isLate = this.#world.clock.now() - startedAt >= health.timeoutMs;
    this.#verdict.expect(
      verify === false || isLate || this.#wasHealthy(live),
      () => `${row.app} in ${row.env}: back without having been seen to answer since it was started`,
    );
  }

  /** An instance is stopped: one that is only to sleep must have nothing in flight, however long that takes. */
  onStop(id: InstanceId): void {
    const live = [...this.#world.recorded.deployments.values()].find((row) => row.live?.instance === id)?.live;
    if (live?.asleep !== true || live.suspended) return;
    const inFlight = this.#world.gateway.inFlight.get(id) ?? 0;
    this.#verdict.expect(inFlight === 0, () => `${id} is stopped for sleeping with ${inFlight} requests in flight`);
  }

  /** At rest nothing of what is asleep runs, requests to it wait, and what nobody uses is asleep. */
  atRest(row: RecordedDeployment): void {
    const { live } = row;
    if (live === null) return;
    const { engine, gateway, clock } = this.#world;
    const place = `${row.app} in ${row.env}`;
    const { host, path } = live.target.policy;
    if (live.asleep) {
      this.#verdict.expect(!live.waking, () => `${place}: is still being woken`);
      this.#verdict.expect(!engine.isRunning(live.instance), () => `${place}: is asleep and runs`);
      this.#verdict.expect(gateway.isAsleepAt(host, path), () => `${place}: is asleep, and ${path} does not say so`);
      this.#tierAtRest(place, live);
      return;
    }
    const since = this.#inUseUntil(live);
    const afterMs = this.#sleepsAfter(live);
    const isIdle = afterMs !== null && clock.now() - since > afterMs + SLACK_MS;
    const isBusy = (gateway.inFlight.get(live.instance) ?? 0) > 0;
    this.#verdict.expect(
      !isIdle || isBusy || row.next !== null,
      () => `${place}: is awake although nobody used it for ${clock.now() - since} ms`,
    );
  }

  /** Until when it was in use at the latest: that it was started or woken counts as well. */
  #inUseUntil({ instance, since }: Live): number {
    return Math.max(
      this.#world.gateway.usedAt.get(instance) ?? 0,
      this.#world.engine.instances.get(instance)?.startedAt ?? 0,
      this.#awakeAt.get(instance) ?? 0,
      Date.parse(since),
    );
  }

  /** What is recorded as paused is frozen, nothing else is, and nobody used it for less than it takes to be stopped. */
  #tierAtRest(place: string, live: Live): void {
    const { instance, target } = live;
    const { engine, clock, recorded } = this.#world;
    const isPaused = recorded.instances.get(instance)?.state === 'paused';
    const isFrozen = engine.instances.get(instance)?.paused === true;
    this.#verdict.expect(
      isPaused === isFrozen,
      () => `${place}: is ${isPaused ? '' : 'not '}to be paused and is not so`,
    );
    const { idle } = target.policy;
    if (!isPaused || idle === null || idle === false) return;
    const idleFor = clock.now() - this.#inUseUntil(live);
    this.#verdict.expect(
      idleFor <= (idle.stopMs ?? Number.POSITIVE_INFINITY) + SLACK_MS,
      () => `${place}: is still paused although nobody used it for ${idleFor} ms`,
    );
  }

  /** Whoever asks for what is asleep is served, all at once. */
  async wakeAll(): Promise<void> {
    const { recorded, gateway, clock } = this.#world;
    // What is held may have lost its place to another app.
    const sleepers = [...recorded.deployments.values()].filter(
      ({ env, app, live }) =>
        live?.asleep === true && gateway.isLedTo(live.target.policy.host, live.target.policy.path, { env, app }),
    );
    const asked = sleepers.map(({ live }) => {
      const { host, path } = live?.target.policy ?? { host: '', path: '' };
      return { host, path, answer: gateway.request(path, 10, host) };
    });
    if (asked.length === 0) return;
    this.#world.count('woken at rest');
    await clock.advance(AWAKE_WITHIN_MS);
    for (const { env, app } of sleepers) {
      const live = recorded.deployment(env, app)?.live ?? null;
      // A preview may have been parked meanwhile.
      if (live === null) continue;
      const { host, path } = live.target.policy;
      const isServed = gateway.servedAt(host, path) === live.instance;
      // It may be asleep again by now, used or, where it answered too late, not.
      const since = Math.max(this.#awakeAt.get(live.instance) ?? 0, Date.parse(live.since));
      const wasAwake = since >= clock.now() - AWAKE_WITHIN_MS;
      this.#verdict.expect(isServed || wasAwake, () => `${app} in ${env}: asked for and not awake after two minutes`);
    }
  }

  /** Whoever asks for a preview that is parked has it back, as far as limits let it. */
  async callParked(): Promise<void> {
    const { recorded, gateway, clock, judge } = this.#world;
    const [called] = gateway.vacancies().filter(({ vacancy }) => vacancy.why === 'parked');
    const limits = judge.model.config?.previews;
    if (called === undefined || limits === undefined || limits.max === 0 || limits.ttlMs <= AWAKE_WITHIN_MS) return;
    this.#world.count('called at rest');
    const { host = '', path = '' } = gateway.places.get(called.key) ?? {};
    void gateway.request(path, 10, host);
    await clock.advance(AWAKE_WITHIN_MS);
    const { env } = called.vacancy;
    this.#verdict.expect(
      recorded.environments.get(env)?.parked === null,
      () => `${env}: asked for and still parked (${recorded.environments.get(env)?.parked})`,
    );
  }
}
