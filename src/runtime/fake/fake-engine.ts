import type { Clock } from '../../model/clock.ts';
import { MainspringError } from '../../model/errors.ts';
import type { ArtifactKey, InstanceId } from '../../model/ids.ts';
import type { Artifact, EngineName } from '../../model/revision.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type {
  BuildRequest,
  Engine,
  EngineEvent,
  InstanceRequest,
  InstanceState,
  ListedInstance,
  LogLine,
  LogRequest,
} from '../engine.ts';
import { Turns } from '../turns.ts';
import { deathOf, type FakeInstance, type FakeWorld, targetOf } from './fake-world.ts';

const FOLLOW_MS = 100;

/** The methods that a fault may be asked for. */
export type FakeMethod =
  | 'build'
  | 'hasArtifact'
  | 'removeArtifact'
  | 'start'
  | 'stop'
  | 'pause'
  | 'remove'
  | 'inspect'
  | 'list'
  | 'listArtifacts'
  | 'removeData';

/** One call that is about to happen. `subject` is the instance, the artifact's key or the data folder; `""` for listings. */
export interface FakeCall {
  readonly method: FakeMethod;
  readonly subject: string;
}

/**
 * What goes wrong with a call: it fails without an effect; it takes effect and fails then; it says nothing until its signal
 * aborts (or for ever); it takes effect after a while.
 */
export type FakeFault = 'none' | 'fail-before' | 'fail-after' | 'hang' | { readonly delayMs: number };

/** What a fake engine is made with besides its world and clock. */
export interface FakeEngineOptions {
  /** Default: `process`. */
  readonly name?: EngineName;
  /** It can pause what runs. Default: it can't. */
  readonly pauses?: boolean;
  /** Asked once per call, in the order of the calls. Default: nothing goes wrong. */
  readonly fault?: (call: FakeCall) => FakeFault;
  /** True: this event never arrives. Default: all arrive. */
  readonly losesEvent?: (event: EngineEvent) => boolean;
}

/** An engine in memory: deterministic, without I/O and timers. All that lasts is in its world. */
export class FakeEngine implements Engine {
  readonly name: EngineName;
  readonly pause?: (id: InstanceId) => Promise<void>;
  readonly resume?: (id: InstanceId, signal: AbortSignal) => Promise<boolean>;
  readonly #world: FakeWorld;
  readonly #clock: Clock;
  readonly #options: FakeEngineOptions;
  readonly #turns = new Turns();
  readonly #end = new AbortController();
  #crashed = false;

  constructor(world: FakeWorld, clock: Clock, options: FakeEngineOptions = {}) {
    this.#world = world;
    this.#clock = clock;
    this.#options = options;
    this.name = options.name ?? 'process';
    if (options.pauses !== true) return;
    this.pause = (id) => this.freeze(id);
    this.resume = (id, signal) => this.thaw(id, signal);
  }

  async build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    return this.#call({ method: 'build', subject: request.key }, signal, () => {
      if (this.#world.artifacts.has(request.key) || request.exportTree === null) return this.#make(request.key);
      return this.#turns.take(request.key, () => this.#export(request, signal), signal);
    });
  }

  async hasArtifact(key: ArtifactKey): Promise<boolean> {
    return this.#call({ method: 'hasArtifact', subject: key }, undefined, () => this.#world.artifacts.has(key));
  }

  async removeArtifact(key: ArtifactKey): Promise<void> {
    await this.#call({ method: 'removeArtifact', subject: key }, undefined, () => this.#world.artifacts.delete(key));
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    return this.#call({ method: 'start', subject: request.id }, signal, () => {
      if (!this.#world.artifacts.has(request.artifact.key) && this.#world.instances.get(request.id)?.running !== true) {
        throw failure('start-failed', `start "${request.id}": artifact "${request.artifact.key}" is not there`);
      }
      const instance = this.#world.start(request, this.name, this.#clock.now());
      this.#announceDeath(instance);
      return targetOf(instance);
    });
  }

  async stop(id: InstanceId, options: { readonly graceMs: number }): Promise<void> {
    await this.#call({ method: 'stop', subject: id }, undefined, async () => {
      const instance = this.#world.instances.get(id);
      if (instance?.running && instance.behaviour.ignoresTerm)
        await this.#clock.sleep(options.graceMs, this.#end.signal);
      this.#world.stop(id);
    });
  }

  /** What `pause` does, where there is one. */
  protected async freeze(id: InstanceId): Promise<void> {
    await this.#call({ method: 'pause', subject: id }, undefined, () => {
      if (!this.#world.pause(id)) throw failure('engine-failed', `pause "${id}": it does not run`);
    });
  }

  /** What `resume` does, where there is one: a start, for whoever counts calls or makes them fail. */
  protected thaw(id: InstanceId, signal: AbortSignal): Promise<boolean> {
    return this.#call({ method: 'start', subject: id }, signal, () => this.#world.resume(id, this.#clock.now()));
  }

  async remove(id: InstanceId): Promise<void> {
    await this.#call({ method: 'remove', subject: id }, undefined, () => this.#world.forget(id));
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    return this.#call({ method: 'inspect', subject: id }, undefined, () => {
      const instance = this.#world.instances.get(id);
      return instance?.engine === this.name ? this.#world.stateOf(instance) : { state: 'absent' };
    });
  }

  async list(): Promise<readonly ListedInstance[]> {
    return this.#call({ method: 'list', subject: '' }, undefined, () =>
      [...this.#world.instances]
        .filter(([, instance]) => instance.engine === this.name)
        .map(([id, instance]) => ({ id, state: this.#world.stateOf(instance) })),
    );
  }

  async listArtifacts(): Promise<readonly ArtifactKey[]> {
    return this.#call({ method: 'listArtifacts', subject: '' }, undefined, () =>
      [...this.#world.artifacts.values()].filter(({ engine }) => engine === this.name).map(({ key }) => key),
    );
  }

  async removeData(dataName: string): Promise<void> {
    await this.#call({ method: 'removeData', subject: dataName }, undefined, () => this.#world.data.delete(dataName));
  }

  async *logs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogLine> {
    const end = AbortSignal.any([signal, this.#end.signal]);
    let seen = this.#log(request.of);
    yield* request.tail > 0 ? (seen ?? []).slice(-request.tail) : [];
    while (request.follow && seen !== undefined && !end.aborted) {
      await this.#clock.sleep(FOLLOW_MS, end).catch(() => undefined);
      const last = seen.at(-1);
      seen = this.#log(request.of);
      if (!end.aborted) yield* (seen ?? []).slice(last === undefined ? 0 : (seen ?? []).lastIndexOf(last) + 1);
    }
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    for (const instance of this.#world.instances.values()) this.#announceDeath(instance);
    const end = AbortSignal.any([signal, this.#end.signal]);
    return this.#deliver(this.#world.hub(this.name).subscribe(end));
  }

  async close(): Promise<void> {
    this.#end.abort(new DOMException('the engine was closed', 'AbortError'));
  }

  /**
   * The controller dies: from now on no call on this engine has an effect and none comes back, as after a kill -9. The world goes
   * on; make another engine on it.
   */
  crash(): void {
    this.#crashed = true;
    this.#end.abort(new DOMException('the controller died', 'AbortError'));
  }

  /** Counts, asks for a fault, and lets the effect happen unless the call ends before. */
  async #call<T>(call: FakeCall, signal: AbortSignal | undefined, effect: () => T | Promise<T>): Promise<T> {
    this.#world.count(call.method);
    try {
      this.#end.signal.throwIfAborted();
      signal?.throwIfAborted();
      const fault = this.#options.fault?.(call) ?? 'none';
      if (fault !== 'none') await this.#suffer(call, fault, signal);
      this.#world.settle(this.#clock.now());
      const result = await effect();
      if (fault === 'fail-after')
        throw failure('engine-failed', `${call.method} "${call.subject}": failed after it was done`);
      return result;
    } finally {
      if (this.#crashed) await never();
    }
  }

  /** What a fault does before the effect. */
  async #suffer(call: FakeCall, fault: FakeFault, signal: AbortSignal | undefined): Promise<void> {
    if (fault === 'fail-before') throw failure('engine-failed', `${call.method} "${call.subject}": failed`);
    if (fault === 'hang') await aborted(this.#until(signal));
    if (typeof fault === 'object') await this.#clock.sleep(fault.delayMs, this.#until(signal));
  }

  async #export(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    if (!this.#world.artifacts.has(request.key)) {
      const exported: Promise<void> | undefined = request.exportTree?.(`/fake/trees/${request.key}`, signal);
      await exported;
      signal.throwIfAborted();
      this.#end.signal.throwIfAborted();
    }
    return this.#make(request.key);
  }

  #make(key: ArtifactKey): Artifact {
    return { key, digest: this.#world.build(key, this.name).digest };
  }

  #until(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#end.signal : AbortSignal.any([signal, this.#end.signal]);
  }

  /** Sees to it that a death is told when its time comes, not when somebody looks. */
  #announceDeath(instance: FakeInstance): void {
    const at = deathOf(instance);
    if (instance.engine !== this.name || !Number.isFinite(at)) return;
    this.#clock.sleep(Math.max(0, at - this.#clock.now()), this.#end.signal).then(
      () => this.#world.settle(this.#clock.now()),
      () => undefined,
    );
  }

  async *#deliver(events: AsyncIterable<EngineEvent>): AsyncGenerator<EngineEvent, void, undefined> {
    for await (const event of events) {
      if (this.#crashed) break;
      if (!this.#options.losesEvent?.(event)) yield event;
    }
    if (this.#crashed) await never();
  }

  #log(of: LogRequest['of']): readonly LogLine[] | undefined {
    if ('build' in of) return this.#world.artifacts.get(of.build)?.log;
    const log = this.#world.instances.get(of.instance)?.log;
    return log === undefined ? undefined : [...log];
  }
}

function failure(code: 'engine-failed' | 'start-failed', message: string): MainspringError {
  return new MainspringError(code, message, { retry: 'after-interval' });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const end = () => reject(signal.reason);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

/** A promise of its own each time: a shared one would keep everybody who ever waited for it. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
