import { sha256Hex } from '../../model/canonical.ts';
import type { ArtifactKey, InstanceId } from '../../model/ids.ts';
import type { EngineName } from '../../model/revision.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { EngineEvent, InstanceRequest, InstanceState, LogLine } from '../engine.ts';
import { EventHub } from '../event-hub.ts';

/** How an instance behaves once it is started. */
export interface FakeBehaviour {
  /** When probes find it healthy. Default: at once. */
  readonly healthy?: 'at-once' | 'never' | { readonly afterProbes: number } | { readonly afterMs: number };
  /** Whether it ends by itself. Default: never. */
  readonly dies?: 'never' | 'at-start' | { readonly afterMs: number };
  /** It goes on after being asked to stop, until the grace time is over. */
  readonly ignoresTerm?: boolean;
}

/** Decides how an instance behaves; `attempt` counts its starts from 1. */
export type DecideBehaviour = (request: InstanceRequest, attempt: number) => FakeBehaviour;

/** An instance that exists in the world, running or not. */
export interface FakeInstance {
  readonly request: InstanceRequest;
  readonly engine: EngineName;
  readonly port: number;
  attempt: number;
  behaviour: FakeBehaviour;
  startedAt: number;
  probes: number;
  running: boolean;
  /** It runs, and is frozen. */
  paused: boolean;
  reason: string;
  readonly log: LogLine[];
}

/** An artifact that exists in the world. */
export interface FakeArtifact {
  readonly key: ArtifactKey;
  readonly engine: EngineName;
  /** Counts builds from 1, so that a second build of one key shows. */
  readonly nonce: number;
  readonly digest: string | null;
  readonly log: readonly LogLine[];
}

/** Everything that exists, sorted, as a plain value: what a test compares with what should exist. */
export interface FakeInventory {
  readonly instances: readonly {
    readonly id: string;
    readonly engine: EngineName;
    readonly env: string;
    readonly app: string;
    readonly generation: number;
    readonly revision: string;
    readonly artifact: string;
    readonly state: 'running' | 'paused' | 'exited';
  }[];
  readonly artifacts: readonly { readonly key: string; readonly engine: EngineName; readonly nonce: number }[];
  /** Names of data folders, with the ids of the instances that were started on them, in order. */
  readonly data: readonly { readonly name: string; readonly usedBy: readonly string[] }[];
}

const FIRST_PORT = 20_000;
const MAX_LOG_LINES = 100;

/**
 * What exists outside of the controller: it survives the controller's crash, and an engine made anew on it sees what was
 * there. Nothing in it is random, and time is only what its callers hand in. Several engines may share one world.
 */
export class FakeWorld {
  readonly instances = new Map<InstanceId, FakeInstance>();
  readonly artifacts = new Map<ArtifactKey, FakeArtifact>();
  /** Ids of the instances that used a data folder, by its name. */
  readonly data = new Map<string, InstanceId[]>();
  /** How often each engine method was called, whatever came of it. */
  readonly calls: Record<string, number> = {};
  readonly #decide: DecideBehaviour;
  readonly #hubs = new Map<EngineName, EventHub>();
  readonly #idByUrl = new Map<string, InstanceId>();
  #builds = 0;
  #ports = 0;
  /** No death is due before then: most looks at the world have nothing to settle. */
  #nextDeath = Number.POSITIVE_INFINITY;

  constructor(behaviour: DecideBehaviour = () => ({})) {
    this.#decide = behaviour;
  }

  /** How many builds there were in all. */
  get builds(): number {
    return this.#builds;
  }

  /** Counts a call of an engine method. */
  count(method: string): void {
    this.calls[method] = (this.calls[method] ?? 0) + 1;
  }

  /** Makes an artifact, or leaves the one that is there. */
  build(key: ArtifactKey, engine: EngineName): FakeArtifact {
    const there = this.artifacts.get(key);
    if (there !== undefined) return there;
    const nonce = ++this.#builds;
    const digest = engine === 'static' || engine === 'proxy' ? null : `sha256:${sha256Hex(key)}`;
    const log: LogLine[] = [{ at: null, stream: 'stdout', text: `build ${nonce} of ${key}` }];
    const artifact = { key, engine, nonce, digest, log };
    this.artifacts.set(key, artifact);
    return artifact;
  }

  /** Starts an instance, again if it had ended; a paused one goes on, a running one is left as it is. */
  start(request: InstanceRequest, engine: EngineName, now: number): FakeInstance {
    this.settle(now);
    const instance = this.instances.get(request.id) ?? this.#newInstance(request, engine);
    if (instance.running) return this.#goOn(instance, now);
    instance.attempt += 1;
    instance.behaviour = this.#decide(request, instance.attempt);
    Object.assign(instance, { startedAt: now, probes: 0, running: true, reason: '' });
    this.#say(instance, `started ${request.id}, attempt ${instance.attempt}`);
    if (engine !== 'static' && engine !== 'proxy') this.#useData(request);
    this.#planDeath(instance);
    this.settle(now);
    return instance;
  }

  /** Ends an instance because the controller asked for it: no event. */
  stop(id: InstanceId): void {
    const instance = this.instances.get(id);
    if (instance?.running) Object.assign(instance, { running: false, paused: false, reason: 'stopped' });
  }

  /** Freezes an instance; false: it does not run. */
  pause(id: InstanceId): boolean {
    const instance = this.instances.get(id);
    if (!instance?.running) return false;
    instance.paused = true;
    return true;
  }

  /** Lets a frozen instance go on; false: it is not frozen. */
  resume(id: InstanceId, now: number): boolean {
    this.settle(now);
    const instance = this.instances.get(id);
    if (!instance?.paused) return false;
    this.#goOn(instance, now);
    return true;
  }

  /** Somebody freezes an instance, or lets it go on, behind the controller's back. */
  freezeByHand(id: InstanceId, { paused }: { readonly paused: boolean }): void {
    const instance = this.instances.get(id);
    if (!instance?.running || instance.paused === paused) return;
    instance.paused = paused;
    this.#planDeath(instance);
    this.hub(instance.engine).publish({ kind: 'gap' });
  }

  /** Forgets an instance because the controller asked for it: no event. */
  forget(id: InstanceId): void {
    const instance = this.instances.get(id);
    if (instance !== undefined) this.#idByUrl.delete(urlOf(instance));
    this.instances.delete(id);
  }

  /** An instance dies without anybody's doing. */
  kill(id: InstanceId, reason = 'killed'): void {
    const instance = this.instances.get(id);
    if (!instance?.running) return;
    Object.assign(instance, { running: false, paused: false, reason });
    this.#say(instance, reason);
    this.hub(instance.engine).publish({ kind: 'exited', id, reason });
  }

  /** Somebody removes an instance behind the controller's back. */
  remove(id: InstanceId): void {
    const instance = this.instances.get(id);
    if (instance === undefined) return;
    this.forget(id);
    this.hub(instance.engine).publish({ kind: 'removed', id });
  }

  /** Somebody removes an artifact behind the controller's back. */
  loseArtifact(key: ArtifactKey): void {
    const artifact = this.artifacts.get(key);
    if (artifact === undefined) return;
    this.artifacts.delete(key);
    this.hub(artifact.engine).publish({ kind: 'artifact-lost', key });
  }

  /** Tells everybody an event that a test makes up: a `gap`, one that comes twice, one that is not true. */
  publish(event: EngineEvent): void {
    for (const hub of this.#hubs.values()) hub.publish(event);
  }

  /** The events of one engine. */
  hub(engine: EngineName): EventHub {
    const hub = this.#hubs.get(engine) ?? new EventHub();
    this.#hubs.set(engine, hub);
    return hub;
  }

  /** Lets those instances die whose time has come. Engines and probes call it before they look; a test may as well. */
  settle(now: number): void {
    if (now < this.#nextDeath) return;
    this.#nextDeath = Number.POSITIVE_INFINITY;
    for (const [id, instance] of this.instances) {
      const at = deathOf(instance);
      if (at <= now) this.kill(id, 'exited with code 1');
      else this.#nextDeath = Math.min(this.#nextDeath, at);
    }
  }

  /** What an engine sees of an instance. */
  stateOf(instance: FakeInstance): InstanceState {
    if (!instance.running) return { state: 'exited', reason: instance.reason };
    if (instance.engine === 'static' && !this.artifacts.has(instance.request.artifact.key)) {
      return { state: 'exited', reason: 'its files are gone' };
    }
    return { state: instance.paused ? 'paused' : 'running', target: targetOf(instance) };
  }

  /** Whether an instance runs. */
  isRunning(id: InstanceId): boolean {
    const instance = this.instances.get(id);
    return instance !== undefined && this.stateOf(instance).state === 'running';
  }

  /** The instance that listens on a URL. */
  findByUrl(url: string): FakeInstance | undefined {
    const id = this.#idByUrl.get(url);
    return id === undefined ? undefined : this.instances.get(id);
  }

  /** Everything that exists, sorted. */
  inventory(): FakeInventory {
    const instances = [...this.instances.values()].map((instance) => ({
      id: instance.request.id,
      engine: instance.engine,
      env: instance.request.env,
      app: instance.request.app,
      generation: instance.request.generation,
      revision: instance.request.revision,
      artifact: instance.request.artifact.key,
      state: existingState(this.stateOf(instance)),
    }));
    const artifacts = [...this.artifacts.values()].map(({ key, engine, nonce }) => ({ key, engine, nonce }));
    return {
      instances: instances.sort(by((instance) => instance.id)),
      artifacts: artifacts.sort(by((artifact) => artifact.key)),
      data: [...this.data].map(([name, ids]) => ({ name, usedBy: [...ids] })).sort(by((data) => data.name)),
    };
  }

  #newInstance(request: InstanceRequest, engine: EngineName): FakeInstance {
    const port = FIRST_PORT + this.#ports++;
    const fresh = {
      attempt: 0,
      behaviour: {},
      startedAt: 0,
      probes: 0,
      running: false,
      paused: false,
      reason: '',
      log: [],
    };
    const instance: FakeInstance = { request, engine, port, ...fresh };
    this.instances.set(request.id, instance);
    this.#idByUrl.set(urlOf(instance), request.id);
    return instance;
  }

  /** A frozen process notices no time: whatever was due meanwhile happens now. */
  #goOn(instance: FakeInstance, now: number): FakeInstance {
    if (!instance.paused) return instance;
    instance.paused = false;
    this.#planDeath(instance);
    this.settle(now);
    return instance;
  }

  #useData(request: InstanceRequest): void {
    const users = this.data.get(request.dataName) ?? [];
    if (users.at(-1) !== request.id) users.push(request.id);
    this.data.set(request.dataName, users);
  }

  #planDeath(instance: FakeInstance): void {
    this.#nextDeath = Math.min(this.#nextDeath, deathOf(instance));
  }

  #say(instance: FakeInstance, text: string): void {
    instance.log.push({ at: null, stream: 'stdout', text });
    if (instance.log.length > MAX_LOG_LINES) instance.log.shift();
  }
}

/** Where an instance of this world is reached. */
export function targetOf({ request, engine, port }: FakeInstance): RouteTarget {
  if (engine === 'static') {
    const fallback = request.spec.spec === 'static_single' ? 'index.html' : null;
    return { kind: 'static', root: `/fake/trees/${request.artifact.key}`, index: 'index.html', fallback };
  }
  if (engine === 'proxy') return { kind: 'http', url: String(request.spec.params.url), external: true };
  return { kind: 'http', url: `http://127.0.0.1:${port}`, external: false };
}

/** When an instance dies by itself; infinity: never. */
export function deathOf({ running, paused, behaviour: { dies = 'never' }, startedAt }: FakeInstance): number {
  if (!running || paused || dies === 'never') return Number.POSITIVE_INFINITY;
  return dies === 'at-start' ? startedAt : startedAt + dies.afterMs;
}

function existingState({ state }: InstanceState): 'running' | 'paused' | 'exited' {
  return state === 'running' || state === 'paused' ? state : 'exited';
}

function urlOf(instance: FakeInstance): string {
  return `http://127.0.0.1:${instance.port}`;
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : 1);
}
