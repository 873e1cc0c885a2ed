import type { InstanceId } from '../../src/model/ids.ts';
import type { RecordedDeployment } from '../../src/model/recorded.ts';
import type { SimApp } from './sim-config.ts';
import type { SimWorld } from './sim-world.ts';
import type { Verdict } from './verdict.ts';

type Live = NonNullable<RecordedDeployment['live']>;

/** Outside of production nothing is awake for longer than this without being used, unless it never sleeps. */
const OTHERS_MS = 900_000;
/** Asking gateways, being slow about it, and a request that came just then. */
const ASKED_MS = 9_000;
/** A drain that ends because it is in use, and a crash on the way. */
const SLACK_MS = 60_000;
/** What a request may wait for: a stop that is under way, a start that fails twice, and being seen to answer, or the end of the time for that. */
const AWAKE_WITHIN_MS = 140_000;

/** How long nobody may use an app in an environment before it sleeps, as pushed; null: it never does. */
export function idleMsOf({ spec, idle }: SimApp, env: string): number | null {
  if (spec !== 'procfile' || idle === false) return null;
  if (env === 'prod') return idle;
  return Math.min(idle ?? OTHERS_MS, OTHERS_MS);
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
  onDeployment(row: RecordedDeployment, before: RecordedDeployment | undefined): void {
    const was = before?.live?.instance === row.live?.instance ? before?.live : null;
    if (row.live?.asleep === true && was?.asleep === false) this.#onAsleep(row, row.live);
    if (row.live?.asleep === false && was?.asleep === true) this.#onAwake(row, row.live);
    else if (row.live?.condition === null && was != null && was.condition !== null) this.#onBack(row, row.live);
  }

  #onAsleep(row: RecordedDeployment, live: Live): void {
    this.#world.count('asleep');
    const { idle } = live.target.policy;
    const idleMs = idle === null || idle === false ? null : idle.stopMs;
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
      return;
    }
    const { idle } = live.target.policy;
    const since = Math.max(
      gateway.usedAt.get(live.instance) ?? 0,
      engine.instances.get(live.instance)?.startedAt ?? 0,
      this.#awakeAt.get(live.instance) ?? 0,
      Date.parse(live.since),
    );
    const isIdle = idle !== null && idle !== false && clock.now() - since > (idle.stopMs ?? 0) + SLACK_MS;
    const isBusy = (gateway.inFlight.get(live.instance) ?? 0) > 0;
    this.#verdict.expect(
      !isIdle || isBusy || row.next !== null,
      () => `${place}: is awake although nobody used it for ${clock.now() - since} ms`,
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
