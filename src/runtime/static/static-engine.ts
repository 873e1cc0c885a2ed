import { join } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import { MainspringError } from '../../model/errors.ts';
import type { ArtifactKey, InstanceId } from '../../model/ids.ts';
import type { Artifact } from '../../model/revision.ts';
import type { RouteTarget } from '../../model/routing.ts';
import { specNamed } from '../../model/spec.ts';
import { CODE_SPECS } from '../../specs/code-specs.ts';
import { indexFile } from '../../specs/describe-app.ts';
import type {
  BuildRequest,
  Engine,
  EngineEvent,
  InstanceRequest,
  InstanceState,
  ListedInstance,
  LogLine,
} from '../engine.ts';
import { EventHub } from '../event-hub.ts';
import { exportSource } from '../export-source.ts';
import { RecordFiles } from '../record-files.ts';
import { TreeStore } from '../tree-store.ts';
import { TreeWatch } from '../tree-watch.ts';
import { Turns } from '../turns.ts';

/** What is kept of a static instance: nothing runs for it, so this row is all there is. */
interface StaticRecord {
  readonly artifact: ArtifactKey;
  readonly index: string;
  readonly fallback: string | null;
  readonly stopped: boolean;
}

/** Where a static engine keeps its things. */
export interface StaticEngineOptions {
  /** Trees lie in `trees/`, what is known of instances in `static/instances/`. */
  readonly dataDir: string;
  readonly clock: Clock;
}

/**
 * Serves trees as they are: a build exports the source, an instance is a note that a tree is served. The gateways read the
 * files themselves, so an instance runs as long as its tree is there.
 */
export class StaticEngine implements Engine {
  readonly name = 'static';
  readonly #trees: TreeStore;
  readonly #records: RecordFiles<StaticRecord>;
  readonly #turns = new Turns();
  readonly #hub = new EventHub();
  readonly #watch: TreeWatch;
  readonly #end = new AbortController();
  #tidied: Promise<void> | null = null;

  constructor({ dataDir, clock }: StaticEngineOptions) {
    this.#trees = new TreeStore(join(dataDir, 'trees'), clock);
    this.#watch = new TreeWatch(this.#trees, this.#hub);
    this.#records = new RecordFiles(join(dataDir, 'static', 'instances'));
  }

  async build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    return this.#turns.take(request.key, () => this.#build(request, signal), signal);
  }

  async hasArtifact(key: ArtifactKey): Promise<boolean> {
    return (await this.#trees.find(key)) !== undefined;
  }

  async removeArtifact(key: ArtifactKey): Promise<void> {
    await this.#turns.take(key, async () => {
      this.#watch.leaving(key);
      await this.#trees.remove(key);
    });
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    return this.#turns.take(request.id, () => this.#start(request, signal), signal);
  }

  /** Nothing runs, so there is no grace to wait for: requests in flight keep the files they opened. */
  async stop(id: InstanceId): Promise<void> {
    await this.#turns.take(id, async () => {
      const record = await this.#records.find(id);
      if (record !== undefined && !record.stopped) await this.#records.save(id, { ...record, stopped: true });
    });
  }

  async remove(id: InstanceId): Promise<void> {
    await this.#turns.take(id, () => this.#records.remove(id));
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    const record = await this.#records.find(id);
    if (record === undefined) return { state: 'absent' };
    return this.#stateOf(record, record.stopped || (await this.hasArtifact(record.artifact)));
  }

  async list(): Promise<readonly ListedInstance[]> {
    const whole = new Set(await this.listArtifacts());
    const records = [...(await this.#records.all())];
    return records.map(([id, record]) => ({ id, state: this.#stateOf(record, whole.has(record.artifact)) }));
  }

  async listArtifacts(): Promise<readonly ArtifactKey[]> {
    return this.#trees.keys();
  }

  /** Static apps have no data. */
  async removeData(): Promise<void> {}

  /** Nothing is printed. */
  async *logs(): AsyncIterable<LogLine> {}

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    if (!this.#end.signal.aborted) this.#watch.start();
    return this.#hub.subscribe(AbortSignal.any([signal, this.#end.signal]));
  }

  /**
   * Compares the trees that were finished since then with their markers, drops those that differ and says which. For a start
   * after an unclean stop; `since` is the last clean one, 0 if there was none.
   */
  async recheck(since: number): Promise<readonly ArtifactKey[]> {
    await this.#tidy();
    return this.#trees.recheck(since);
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#watch.stop();
  }

  async #build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    await this.#tidy();
    const { key } = request;
    if ((await this.#trees.find(key)) === undefined) {
      await this.#trees.add(key, async (tree) => {
        await exportSource(request, tree, signal);
        this.#end.signal.throwIfAborted();
        return null;
      });
      this.#watch.made(key);
    }
    return { key, digest: null };
  }

  async #start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    signal.throwIfAborted();
    const { key } = request.artifact;
    if (!(await this.hasArtifact(key))) {
      throw new MainspringError('start-failed', `start "${request.id}": its files (artifact "${key}") are not there`, {
        retry: 'after-interval',
        hint: 'They are exported again when the app is next looked at.',
      });
    }
    const { spec, appConfig } = request.spec;
    const fallback = specNamed(spec, CODE_SPECS)?.fallback ?? null;
    const record: StaticRecord = { artifact: key, index: indexFile(appConfig), fallback, stopped: false };
    if (!(await this.#runs(request.id, record))) await this.#records.save(request.id, record);
    return this.#targetOf(record);
  }

  async #runs(id: InstanceId, wanted: StaticRecord): Promise<boolean> {
    const record = await this.#records.find(id);
    return record !== undefined && !record.stopped && record.artifact === wanted.artifact;
  }

  #stateOf(record: StaticRecord, isThere: boolean): InstanceState {
    if (record.stopped) return { state: 'exited', reason: 'stopped' };
    if (!isThere) return { state: 'exited', reason: 'its files are gone' };
    return { state: 'running', target: this.#targetOf(record) };
  }

  #targetOf({ artifact, index, fallback }: StaticRecord): RouteTarget {
    return { kind: 'static', root: this.#trees.treeOf(artifact), index, fallback };
  }

  #tidy(): Promise<void> {
    this.#tidied ??= this.#trees.tidy().catch((error: unknown) => {
      this.#tidied = null;
      throw error;
    });
    return this.#tidied;
  }
}
