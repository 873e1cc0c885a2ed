import type { Cause } from '../model/cause.ts';
import type { Desired, DesiredDeployment } from '../model/desired.ts';
import type { AppId, CommitId, EnvName } from '../model/ids.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { RecordedDeployment } from '../model/recorded.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { WakeCounts } from '../model/wakes.ts';
import { type Change, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { deploymentKey } from '../store/tables.ts';
import { acceptEnvironment, tidyEnvironments } from './accept/environments.ts';
import { acceptRelease, tidyReleases } from './accept/releases.ts';
import { acceptStep } from './accept.ts';
import { DesireMemo } from './desire/memo.ts';
import type { Sliced } from './desire/sliced.ts';
import { desire } from './desire.ts';
import { Driver } from './driver.ts';
import { EngineWatch } from './engine-watch.ts';
import { watchMemory } from './memory-watch.ts';
import { keepMirrorsSmall } from './mirror-upkeep.ts';
import { Observer } from './observe/observer.ts';
import { stepFor } from './plan/steps.ts';
import { plan } from './plan.ts';
import type { Ports } from './ports.ts';
import { ParkedCalls } from './unpark.ts';

/** Steps accepted in one transaction: few enough that nothing waits long, many enough that a large change is not one disk write a step. */
const STEPS_PER_TRANSACTION = 100;

/** How long a start waits for engines to say what they have. */
const ADOPTION_MS = 10_000;

/** How long to wait after a pass that could not be written down. */
const RETRY_MS = 1_000;

/**
 * The loop: observe, desire, plan, apply. A pass is due whenever something was recorded that decides; it plans from recorded
 * to desired and writes down the steps as intents, which the driver then brings about.
 */
export class Reconciler {
  readonly #ports: Ports;
  readonly #observer: Observer;
  readonly #driver: Driver;
  readonly #engines: readonly EngineWatch[];
  readonly #memo = new DesireMemo();
  readonly #parkedCalls = new ParkedCalls();
  readonly #stop = new AbortController();
  readonly #loops: Promise<void>[] = [];
  readonly #stopListening: () => void;
  #due = false;
  #passing: Promise<void> | null = null;
  #passes = 0;

  constructor(ports: Ports) {
    this.#ports = ports;
    this.#observer = new Observer(ports, () => this.#passSoon());
    this.#driver = new Driver(ports);
    // An environment is gone with the last of its deployments.
    this.#stopListening = ports.store.onChange((changes) => {
      if (changes.some((change) => 'drop' in change && change.drop === 'deployment')) this.#passSoon();
    });
    this.#engines = [...ports.engines.values()].map(
      (engine) => new EngineWatch(engine, ports, this.#driver, this.#stop.signal),
    );
  }

  /**
   * Adopts what runs, takes up what was under way, and begins to look. Resolves when adoption is over, or takes too long to wait
   * for; looking goes on.
   */
  async start(): Promise<void> {
    const { signal } = this.#stop;
    const started = new AbortController();
    // One that does not answer is asked again in the background, and does not keep the others from going on.
    const patience = this.#ports.clock.sleep(ADOPTION_MS, AbortSignal.any([signal, started.signal])).catch(() => {});
    await Promise.race([Promise.all(this.#engines.map((engine) => engine.start())), patience]);
    started.abort();
    // Gateways may have missed what an earlier controller switched last.
    this.#ports.gateways.announce(this.#ports.store.recorded.generation);
    this.#driver.wakeAll();
    this.#observer.start();
    // An evaluation that hangs must not keep the repos from being looked at.
    const restoring = this.#observer.restore(signal).catch(() => {});
    this.#loops.push(
      restoring,
      this.#poll(),
      keepMirrorsSmall(this.#ports, () => this.#observer.neededCommits, signal),
      watchMemory(this.#ports, this.#driver, signal),
    );
  }

  /** Looks at all repos now. Only ever a hint: nothing else is done than at the next poll. */
  hint(): void {
    if (!this.#stop.signal.aborted) void this.#observer.look();
  }

  /** Somebody asks for an app that is asleep, or parked with its environment. What is awake, or unknown, stays as it is. */
  wake(env: EnvName, app: AppId): void {
    if (this.#stop.signal.aborted) return;
    const { store, clock } = this.#ports;
    const called = store.transact(({ environments }) =>
      this.#parkedCalls.changes(environments.get(env), app, clock.now()),
    );
    if (called.length > 0) this.#passSoon();
    else this.#driver.wakeUp(env, app);
  }

  /** Ends everything in this process and waits for it; what runs goes on. */
  async stop(): Promise<void> {
    this.#stop.abort(new DOMException('stopping', 'AbortError'));
    this.#stopListening();
    await this.#observer.stop();
    await this.#driver.stop();
    await Promise.allSettled([...this.#loops, this.#passing, ...this.#engines.map((engine) => engine.ended())]);
  }

  /** How long it took to wake what was asleep, so far. */
  get wakes(): WakeCounts[] {
    return this.#driver.wakes;
  }

  /** Number of passes that were made. */
  get passes(): number {
    return this.#passes;
  }

  /** Whether a pass is due or under way. */
  get isPassing(): boolean {
    return this.#due || this.#passing !== null || this.#observer.isReading;
  }

  /** Everything that decides, as of now. */
  snapshot(): Snapshot {
    return this.#observer.snapshot();
  }

  /** When a repo was last listed with success, in milliseconds since the epoch. */
  asOf(repo: string): number | null {
    return this.#observer.asOf(repo);
  }

  /** What would be done if this snapshot held: the value that a pass applies. Changes nothing. */
  async planFor(snapshot: Snapshot): Promise<Plan> {
    return (await this.#plan(snapshot)).plan;
  }

  async #plan(snapshot: Snapshot): Promise<{ desired: Desired | null; plan: Plan }> {
    const desired = await this.#sliced(desire(snapshot, this.#memo));
    return { desired, plan: await this.#sliced(plan(desired, snapshot.recorded, snapshot.at)) };
  }

  #passSoon(): void {
    this.#due = true;
    if (this.#passing !== null || this.#stop.signal.aborted) return;
    this.#passing = this.#runPasses();
  }

  async #runPasses(): Promise<void> {
    // What is recorded together is planned together.
    await Promise.resolve();
    while (this.#due && !this.#stop.signal.aborted) {
      this.#due = false;
      try {
        await this.#pass();
      } catch (error) {
        if (this.#stop.signal.aborted) break;
        this.#ports.log.warn(`pass: ${error instanceof Error ? error.message : String(error)}`);
        this.#due = true;
        await this.#ports.clock.sleep(RETRY_MS, this.#stop.signal).catch(() => {});
      }
    }
    // In the same turn as the last check, or what becomes due in between would wait for the next look.
    this.#passing = null;
  }

  async #pass(): Promise<void> {
    this.#passes += 1;
    const { desired, plan: value } = await this.#plan(this.#observer.snapshot());
    if (desired === null) return;
    await this.#apply(value, desired);
    this.#observer.want(desired.needs);
  }

  /** Writes the steps of a plan down as intents. A step that is not due any more by the time it is written is left out. */
  async #apply(value: Plan, desired: Desired): Promise<void> {
    const { store, clock, reach, limits } = this.#ports;
    const wanted = value.steps.length === 0 ? new Map<string, DesiredDeployment>() : byKey(desired);
    if (value.steps.length > 0) await reach('accepting');
    if (!this.#isOutdated(desired)) store.transact((recorded) => openingChanges(value, recorded, clock.now()));
    for (let from = 0; from < value.steps.length; from += STEPS_PER_TRANSACTION) {
      if (this.#stop.signal.aborted || this.#isOutdated(desired)) return;
      store.transact((recorded, generation) =>
        value.steps.slice(from, from + STEPS_PER_TRANSACTION).flatMap((step) => {
          const deployment = wanted.get(deploymentKey(step));
          const row = recorded.deployment(step.env, step.app);
          const due = deployment === undefined ? this.#stillUnwanted(step, row) : stepFor(deployment, row, recorded);
          const at = clock.now();
          const seenAt = knownSince(step.cause, recorded, at);
          const context = { recorded, generation, at, seenAt, drainMs: limits.drainMs };
          return due === null ? [] : acceptStep(inReleaseOf(step, due), context);
        }),
      );
      await this.#ports.yieldTurn();
    }
    if (this.#isOutdated(desired)) return;
    store.transact((recorded) => [
      ...tidyReleases(recorded, desired),
      ...tidyEnvironments(recorded),
      ...plannedChange(recorded, desired.configCommit),
    ]);
    if (value.steps.length > 0) await reach('accepted');
  }

  /** Whether another commit is followed by now. Then a pass is due anyway. */
  #isOutdated(desired: Desired): boolean {
    return this.#ports.store.recorded.config.accepted !== desired.configCommit;
  }

  /** The removal of what is still as it was when it was planned. What went live since counts for the brake: that is planned anew. */
  #stillUnwanted(step: Step, row: RecordedDeployment | undefined): Step | null {
    if (row === undefined) return null;
    if (step.from !== null || row.live === null) return step;
    this.#due = true;
    return null;
  }

  async #sliced<T>(work: Sliced<T>): Promise<T> {
    for (;;) {
      const slice = work.next();
      if (slice.done) return slice.value;
      await this.#ports.yieldTurn();
      this.#stop.signal.throwIfAborted();
    }
  }

  async #poll(): Promise<void> {
    const { clock, settings } = this.#ports;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      // A repo that hangs must not hold up the next look at the others.
      void this.#observer.look();
      // Level-triggered: once a poll all is compared, whether anything seems to have changed or not.
      this.#passSoon();
      if (settings.pollIntervalMs === 0) return;
      await clock.sleep(settings.pollIntervalMs, signal).catch(() => {});
    }
  }
}

/** Environments and releases come before the steps that are in them. */
function openingChanges(value: Plan, recorded: RecordedView, at: number): Change[] {
  return [
    ...value.environments.flatMap((step) => acceptEnvironment(step, recorded)),
    ...value.releases.flatMap((step) => acceptRelease(step, recorded, at)),
  ];
}

/** A step as it is due now, in the release that it was planned in. */
function inReleaseOf(planned: Step, due: Step): Step {
  return 'release' in planned && 'release' in due ? { ...due, release: planned.release } : due;
}

function byKey(desired: Desired): ReadonlyMap<string, DesiredDeployment> {
  const all = desired.environments.flatMap(({ deployments }) => deployments);
  return new Map(all.map((deployment) => [deploymentKey(deployment), deployment]));
}

function plannedChange(recorded: RecordedView, planned: CommitId): Change[] {
  return recorded.config.planned === planned ? [] : [put('config', { ...recorded.config, planned })];
}

/** Since when the commit that caused a step is known: when the config's was seen, or when a source's repo was seen to move. */
function knownSince(cause: Cause, recorded: RecordedView, at: number): number {
  if (cause.kind !== 'commit') return at;
  const { seen, seenAt } = recorded.config;
  const since = cause.commit === seen ? seenAt : (recorded.repos.get(cause.repo)?.listing?.asOf ?? seenAt);
  return Math.min(since ?? at, at);
}
