import { join } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import type { ArtifactKey, InstallationId, InstanceId } from '../../model/ids.ts';
import type { Artifact } from '../../model/revision.ts';
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
import { EventHub } from '../event-hub.ts';
import { makeOpenFolder, removeTrash } from '../folders.ts';
import { DEFAULT_BOUNDS, type LogBounds } from '../log-files.ts';
import { RecordFiles } from '../record-files.ts';
import { TreeStore } from '../tree-store.ts';
import { TreeWatch } from '../tree-watch.ts';
import { Turns } from '../turns.ts';
import { type AppUser, readUidMap, userOf } from './app-user.ts';
import { type CgroupParents, findParents } from './cgroups.ts';
import { Families } from './family.ts';
import type { InstanceRecord } from './instance-record.ts';
import { ProcessBuilder } from './process-builder.ts';
import { ProcessInstances } from './process-instances.ts';
import { type ProcessTable, systemProcessTable } from './process-table.ts';

/** What a process engine is made with. */
export interface ProcessEngineOptions {
  /** Everything lies in `process/` below it. */
  readonly dataDir: string;
  readonly installation: InstallationId;
  readonly clock: Clock;
  /** Where apps and builds look for programs. */
  readonly path: string;
  /** How much is kept of what each app prints. */
  readonly logBounds?: LogBounds;
  /** How often to look at what no event tells. Default: a second. */
  readonly lookMs?: number;
  /** What is running on this machine. Default: as the system says. */
  readonly table?: ProcessTable;
  /** Where cgroups may be made. Default: as the system says. */
  readonly cgroups?: CgroupParents;
}

/**
 * Runs apps as processes of this machine, for where there is no container engine. There is no isolation but that of users: when
 * started as root, each app and environment has a user of its own.
 */
export class ProcessEngine implements Engine {
  readonly name = 'process';
  readonly #options: ProcessEngineOptions;
  readonly #trees: TreeStore;
  readonly #watch: TreeWatch;
  readonly #builder: ProcessBuilder;
  readonly #instances: ProcessInstances;
  readonly #hub = new EventHub();
  readonly #turns = new Turns();
  readonly #end = new AbortController();
  #prepared: Promise<void> | null = null;

  constructor(options: ProcessEngineOptions) {
    const { clock, installation } = options;
    const dir = join(options.dataDir, 'process');
    const table = options.table ?? systemProcessTable();
    const families = new Families(table, clock, installation);
    this.#options = options;
    this.#trees = new TreeStore(join(dir, 'artifacts'), clock);
    this.#watch = new TreeWatch(this.#trees, this.#hub);
    const shared = {
      ...{ dir, clock, table, families, trees: this.#trees, hub: this.#hub, end: this.#end.signal },
      base: { installation, path: options.path },
      bounds: options.logBounds ?? DEFAULT_BOUNDS,
      userOf: userChooser(installation),
    };
    this.#builder = new ProcessBuilder({ ...shared, logDir: join(dir, 'builds'), workDir: join(dir, 'work') });
    const records = new RecordFiles<InstanceRecord>(join(dir, 'instances'));
    this.#instances = new ProcessInstances({ ...shared, records, cgroups: options.cgroups ?? findParents() });
  }

  async build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    await this.#prepare();
    const until = AbortSignal.any([signal, this.#end.signal]);
    const artifact = await this.#turns.take(request.key, () => this.#builder.build(request, until), until);
    this.#watch.made(request.key);
    return artifact;
  }

  async hasArtifact(key: ArtifactKey): Promise<boolean> {
    return (await this.#trees.find(key)) !== undefined;
  }

  /** Instances that run from it go on with the files that they have open. */
  async removeArtifact(key: ArtifactKey): Promise<void> {
    await this.#prepare();
    await this.#turns.take(key, async () => {
      this.#watch.leaving(key);
      await this.#builder.remove(key);
    });
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    await this.#prepare();
    return this.#instances.start(request, AbortSignal.any([signal, this.#end.signal]));
  }

  async stop(id: InstanceId, { graceMs }: { readonly graceMs: number }): Promise<void> {
    await this.#prepare();
    await this.#instances.stop(id, graceMs);
  }

  async remove(id: InstanceId): Promise<void> {
    await this.#prepare();
    await this.#instances.remove(id);
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    await this.#prepare();
    return this.#instances.inspect(id);
  }

  async list(): Promise<readonly ListedInstance[]> {
    await this.#prepare();
    return this.#instances.list();
  }

  async listArtifacts(): Promise<readonly ArtifactKey[]> {
    return this.#trees.keys();
  }

  async removeData(dataName: string): Promise<void> {
    await this.#prepare();
    await this.#instances.removeData(dataName);
  }

  async *logs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogLine> {
    const { of } = request;
    const files = 'build' in of ? this.#builder.logs(of.build) : this.#instances.logs(of.instance);
    const isOver = () => 'build' in of && !this.#builder.isRunning(of.build);
    yield* files.read(request, {
      clock: this.#options.clock,
      signal: AbortSignal.any([signal, this.#end.signal]),
      isOver,
    });
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const events = this.#hub.subscribe(AbortSignal.any([signal, this.#end.signal]));
    if (this.#end.signal.aborted) return events;
    this.#watch.start();
    // Looking begins now at the latest; what hinders it shows in the next call.
    this.#prepare().catch(() => this.#hub.publish({ kind: 'gap' }));
    return events;
  }

  /**
   * Compares the artifacts that were finished since then with their markers, drops those that differ and says which. For a start
   * after an unclean stop; `since` is the last clean one, 0 if there was none.
   */
  async recheck(since: number): Promise<readonly ArtifactKey[]> {
    await this.#prepare();
    return this.#trees.recheck(since);
  }

  async close(): Promise<void> {
    this.#end.abort(new DOMException('the engine was closed', 'AbortError'));
    this.#watch.stop();
  }

  /** Once, before anything else: clears what a crash cut off, then begins to look. */
  #prepare(): Promise<void> {
    this.#end.signal.throwIfAborted();
    this.#prepared ??= this.#tidy().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    return this.#prepared;
  }

  async #tidy(): Promise<void> {
    const dir = join(this.#options.dataDir, 'process');
    await makeOpenFolder(dir);
    await this.#builder.endLeftovers();
    await this.#trees.tidy();
    await this.#instances.tidy();
    for (const folder of [dir, join(dir, 'builds')]) await removeTrash(folder);
    void this.#lookAgainAndAgain();
  }

  async #lookAgainAndAgain(): Promise<void> {
    const { clock, lookMs = 1_000 } = this.#options;
    let isWell = true;
    while (!this.#end.signal.aborted) {
      const wasWell = isWell;
      isWell = await this.#instances.look().then(
        () => true,
        () => false,
      );
      // A full disk, say: what was missed is still to be seen when a look goes well again.
      if (wasWell && !isWell) this.#hub.publish({ kind: 'gap' });
      await clock.sleep(lookMs, this.#end.signal).catch(() => undefined);
    }
  }
}

/** Users of their own need root; otherwise everything runs as the user that Mainspring has. */
function userChooser(installation: InstallationId): (name: string) => AppUser | null {
  if (process.getuid?.() !== 0) return () => null;
  const uidMap = readUidMap();
  return (name) => userOf(`${installation} ${name}`, uidMap);
}
