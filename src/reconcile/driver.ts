import { type Cause, observation } from '../model/cause.ts';
import type { Problem } from '../model/errors.ts';
import { type AppId, type ArtifactKey, type EnvName, type InstanceId, PROD, STAGE } from '../model/ids.ts';
import type { RecordedArtifact, RecordedDeployment, RecordedInstance, RetainedData } from '../model/recorded.ts';
import type { WakeCounts, WakeTier } from '../model/wakes.ts';
import type { EngineEvent } from '../runtime/engine.ts';
import { audit, type Change, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { deploymentKey, type RowOf, type TableName } from '../store/tables.ts';
import { limiter } from './limiter.ts';
import type { Ports } from './ports.ts';
import { callChanges, isResting, stopPausedChanges } from './sleep.ts';
import { ArtifactSlots } from './slots/artifact-slots.ts';
import { DeploymentSlots } from './slots/deployment-slots.ts';
import type { SleepOrder } from './slots/instance-rest.ts';
import { InstanceSlots } from './slots/instance-slots.ts';
import { ReleaseSlots } from './slots/release-slots.ts';
import { RetainedSlots } from './slots/retained-slots.ts';
import { Slots } from './slots/slots.ts';

/**
 * Brings what is recorded about: every deployment, release, instance, artifact and retained folder has a slot, which is looked at again
 * whenever a row changes that decides about it.
 */
export class Driver {
  readonly #ports: Ports;
  readonly #instanceSlots: InstanceSlots;
  readonly #deploymentSlots: DeploymentSlots;
  readonly #artifactSlots: ArtifactSlots;
  readonly #slots;
  /** The artifacts that each deployment referred to or kept when it was last looked at. */
  readonly #uses = new Map<string, readonly ArtifactKey[]>();
  /** The release that each deployment was in when it was last looked at. */
  readonly #releases = new Map<string, string>();
  /** The state that each artifact was in when those that refer to it were last woken. */
  readonly #artifactStates = new Map<ArtifactKey, RecordedArtifact['state']>();
  readonly #stopListening: () => void;

  constructor(ports: Ports) {
    this.#ports = ports;
    const onError = (slot: string, error: unknown) =>
      ports.log.warn(`${slot}: ${error instanceof Error ? error.message : String(error)}`);
    const deps = { clock: ports.clock, onError };
    this.#instanceSlots = new InstanceSlots(ports, limiter(ports.limits.starts));
    this.#deploymentSlots = new DeploymentSlots(ports);
    this.#artifactSlots = new ArtifactSlots(ports);
    this.#slots = {
      deployment: new Slots(this.#deploymentSlots, deps),
      instance: new Slots(this.#instanceSlots, deps),
      artifact: new Slots(this.#artifactSlots, deps),
      release: new Slots(new ReleaseSlots(ports), deps),
      retained: new Slots(new RetainedSlots(ports), deps),
    };
    this.#stopListening = ports.store.onChange((changes) => this.#wakeFor(changes));
  }

  /** Looks at everything once: after a start, all that was under way goes on. */
  wakeAll(): void {
    const { recorded } = this.#ports.store;
    for (const key of recorded.retained.keys()) this.#slots.retained.wake(key);
    for (const { key, state } of recorded.artifacts.values()) {
      this.#artifactStates.set(key, state);
      this.#slots.artifact.wake(key);
    }
    for (const key of recorded.instances.keys()) this.#slots.instance.wake(key);
    for (const [key, row] of recorded.deployments) {
      this.#noteUses(key, recorded);
      if (row.next?.release != null) this.#releases.set(key, row.next.release);
      this.#slots.deployment.wake(key);
    }
    for (const key of recorded.releases.keys()) this.#slots.release.wake(key);
  }

  /** Ends every step; waits until nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopListening();
    await Promise.all(Object.values(this.#slots).map((slots) => slots.stop()));
  }

  #wakeFor(changes: readonly Change[]): void {
    const { recorded } = this.#ports.store;
    // First, as requests may be waiting for it.
    if (changes.some((change) => 'put' in change && change.put === 'route'))
      this.#ports.gateways.announce(recorded.generation);
    for (const change of changes) {
      if ('audit' in change) continue;
      const { table, row } = rowOf(change);
      if (table === 'deployment') this.#wakeDeployment(row, recorded);
      if (table === 'instance') this.#wakeInstance(row, recorded);
      if (table === 'artifact') this.#wakeArtifact(row.key, recorded);
      if (table === 'retained') this.#wakeRetained(row);
      if (table === 'release') this.#slots.release.wake(row.id);
    }
  }

  #wakeDeployment(row: RecordedDeployment, recorded: RecordedView): void {
    const key = deploymentKey(row);
    this.#deploymentSlots.changed(key);
    this.#slots.deployment.wake(key);
    this.#wakeReleases(key, recorded);
    // What is staged may be promoted.
    if (row.env === STAGE) this.#wakePromotion(row.app, recorded);
    for (const instance of recorded.instancesOf(row.env, row.app)) this.#slots.instance.wake(instance.id);
    // What it referred to until now may be what nobody needs any more.
    const before = this.#uses.get(key) ?? [];
    for (const artifact of new Set([...before, ...this.#noteUses(key, recorded)])) {
      this.#artifactSlots.changed(artifact);
      this.#slots.artifact.wake(artifact);
    }
  }

  /** What is staged may be promoted, by itself or with the others of its release. */
  #wakePromotion(app: AppId, recorded: RecordedView): void {
    const key = deploymentKey({ env: PROD, app });
    const release = recorded.deployments.get(key)?.next?.release;
    this.#slots.deployment.wake(key);
    if (release != null) this.#slots.release.wake(release);
  }

  /** The release that it is in now, and the one that it was in. */
  #wakeReleases(key: string, recorded: RecordedView): void {
    const was = this.#releases.get(key);
    const is = recorded.deployments.get(key)?.next?.release ?? undefined;
    if (was !== undefined && was !== is) this.#slots.release.wake(was);
    if (is === undefined) this.#releases.delete(key);
    else {
      this.#releases.set(key, is);
      this.#slots.release.wake(is);
    }
  }

  #noteUses(key: string, recorded: RecordedView): readonly ArtifactKey[] {
    const row = recorded.deployments.get(key);
    const targets = [row?.live?.target.artifact, row?.next?.target?.artifact];
    const uses = [...targets, ...(row?.kept ?? [])].filter((artifact) => artifact !== undefined);
    if (row === undefined) this.#uses.delete(key);
    else this.#uses.set(key, uses);
    return uses;
  }

  #wakeInstance(row: RecordedInstance, recorded: RecordedView): void {
    this.#slots.instance.wake(row.id);
    // One that runs alone waits until the others are down.
    for (const { id } of recorded.instancesOf(row.env, row.app)) this.#slots.instance.wake(id);
    this.#slots.deployment.wake(deploymentKey(row));
    const release = this.#releases.get(deploymentKey(row));
    if (release !== undefined) this.#slots.release.wake(release);
    // The last instance of an artifact may have been what kept it.
    this.#slots.artifact.wake(row.target.artifact);
  }

  #wakeArtifact(key: ArtifactKey, recorded: RecordedView): void {
    this.#slots.artifact.wake(key);
    // Nothing but its state decides about those that refer to it, and that may be thousands.
    const state = recorded.artifacts.get(key)?.state;
    if (this.#artifactStates.get(key) === state) return;
    if (state === undefined) this.#artifactStates.delete(key);
    else this.#artifactStates.set(key, state);
    for (const row of recorded.deploymentsWith(key)) {
      this.#slots.deployment.wake(deploymentKey(row));
      if (row.next?.release != null) this.#slots.release.wake(row.next.release);
      for (const instance of recorded.instancesOf(row.env, row.app)) this.#slots.instance.wake(instance.id);
    }
  }

  #wakeRetained(row: RetainedData): void {
    this.#slots.retained.wake(row.dataName);
    // The app that had this data may be back and wait for it to be gone.
    this.#slots.deployment.wake(deploymentKey(row));
  }

  /**
   * Records that somebody asks for what is asleep: it is started. They wait for that, and not for the disk as well: with the machine's power
   * goes whatever was started.
   */
  wakeUp(env: EnvName, app: AppId): void {
    const { store, clock } = this.#ports;
    store.transact((recorded) => {
      const row = recorded.deployment(env, app);
      const instance = row?.live == null ? undefined : recorded.instances.get(row.live.instance);
      const changes = callChanges(row, recorded);
      const tier = instance === undefined || changes.length === 0 ? null : tierOf(instance);
      if (instance !== undefined && tier !== null) this.#instanceSlots.wakes.begin(instance.id, tier, clock.now());
      return changes;
    }, 'process');
  }

  /** How long it took to wake what was asleep, so far. */
  get wakes(): WakeCounts[] {
    return this.#instanceSlots.wakes.counts();
  }

  /** Records what an engine saw happen. A gap is the caller's: it means to list again. */
  observe(event: Exclude<EngineEvent, { kind: 'gap' }>): void {
    if (event.kind === 'artifact-lost') {
      this.artifactLost(event.key);
      return;
    }
    const reason = event.kind === 'removed' ? 'it was removed by hand' : event.reason;
    this.instanceEnded(event.id, {
      code: 'instance-exited',
      message: `instance ended: ${reason}`,
      hint: 'What it printed: mainspring logs APP.',
      retry: 'after-interval',
    });
  }

  /** Records that a running instance is not running any more. */
  instanceEnded(id: InstanceId, problem: Problem): void {
    this.#ports.store.transact((recorded, generation) => {
      const row = recorded.instances.get(id);
      return row === undefined ? [] : this.#instanceSlots.ended(row, problem, { recorded, generation });
    });
  }

  /** Records that what is paused was seen to run: somebody else let it go on. */
  instanceResumed(id: InstanceId): void {
    this.#ports.store.transact((recorded) => {
      const row = recorded.instances.get(id);
      return row === undefined ? [] : this.#instanceSlots.resumed(row);
    });
  }

  /** Stops what is paused before its time. */
  stopPaused(id: InstanceId, cause: Cause): void {
    const { store, clock } = this.#ports;
    store.transact((recorded) => {
      const row = recorded.instances.get(id);
      const isStill = row?.state === 'paused' && isResting(recorded.deployment(row.env, row.app)?.live);
      return isStill ? stopPausedChanges(row, clock.now(), cause) : [];
    });
  }

  /** Of these instances puts those to sleep that nobody has used for long enough, the longest idle first, and no more than so many. */
  restIdle(ids: readonly InstanceId[], order: SleepOrder, signal: AbortSignal): Promise<void> {
    return this.#instanceSlots.restIdle(ids, order, signal);
  }

  /** Records that an artifact is not there any more: built again if something needs it. */
  artifactLost(key: ArtifactKey): void {
    this.#ports.store.transact((recorded) => {
      const row = recorded.artifacts.get(key);
      if (row?.state !== 'built') return [];
      const [user] = recorded.deploymentsWith(key);
      const cause = observation('an artifact was removed by hand');
      return [
        put('artifact', { ...row, state: 'building', attempts: 0, retryAt: null }),
        audit({ kind: 'drift.seen', env: user?.env ?? null, app: user?.app ?? null, cause, detail: { artifact: key } }),
      ];
    });
  }
}

type RowChange = { [T in TableName]: { readonly table: T; readonly row: RowOf<T> } }[TableName];

/** What an instance has to be woken from; null: it still runs. */
function tierOf({ state }: RecordedInstance): WakeTier | null {
  if (state === 'paused' || state === 'pausing') return 'paused';
  return state === 'stopped' || state === 'stopping' ? 'stopped' : null;
}

function rowOf(change: Exclude<Change, { audit: unknown }>): RowChange {
  return { table: 'put' in change ? change.put : change.drop, row: change.row } as RowChange;
}
