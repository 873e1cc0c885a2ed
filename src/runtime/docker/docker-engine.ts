import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import type { Problem } from '../../model/errors.ts';
import type { ArtifactKey, InstallationId, InstanceId } from '../../model/ids.ts';
import type { Artifact } from '../../model/revision.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { DockerSettings, RegistryCredential } from '../../model/settings.ts';
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
import { removeFolder, removeTrash } from '../folders.ts';
import { DEFAULT_BOUNDS, type LogBounds } from '../log-files.ts';
import { systemProcessTable } from '../process/process-table.ts';
import { Turns } from '../turns.ts';
import { ArtifactRecords } from './build/artifact-records.ts';
import { BaseHolds } from './build/base-holds.ts';
import { BuildWatch } from './build/build-watch.ts';
import { ImageBuilder } from './build/image-builder.ts';
import { MountedFiles } from './build/mounted-files.ts';
import { DockerConnection } from './connection/connection.ts';
import type { Variables } from './connection/find-engine.ts';
import { containerLogs } from './containers/container-logs.ts';
import { ContainerMaker } from './containers/container-maker.ts';
import { EngineEvents } from './containers/engine-events.ts';
import { Instances } from './containers/instances.ts';
import { OwnDoing } from './containers/own-doing.ts';
import { Volumes } from './containers/volumes.ts';
import { BuildWindows } from './garbage/build-windows.ts';
import { checkLimit, DiskRoom } from './garbage/disk-room.ts';
import { Garbage } from './garbage/garbage.ts';
import { Images } from './images.ts';
import { closeMetadata } from './networks/metadata-guard.ts';
import { Networks } from './networks/networks.ts';
import { registryAuth } from './registry/registry-auth.ts';

/** What a docker engine is made with. */
export interface DockerEngineOptions {
  /** Records and build logs lie in `docker/` below it; all else is in the engine. */
  readonly dataDir: string;
  readonly installation: InstallationId;
  readonly clock: Clock;
  /** `auto`, `off` or the path of a socket. */
  readonly engine: string;
  /** For finding the engine, and credentials of registries. */
  readonly env: Variables;
  readonly settings: DockerSettings;
  readonly registries: Readonly<Record<string, RegistryCredential>>;
  /** How much is kept of what each build prints. */
  readonly logBounds?: LogBounds;
  /** Keeps a range of addresses from the cloud's metadata. Default: by the firewall of this machine, where we may. */
  readonly closeMetadata?: (range: string) => Promise<unknown>;
}

/** How often what nothing needs is looked for. */
const SWEEP_MS = 10 * 60_000;

/**
 * Runs apps as containers of Docker or Podman. What the engine has, found by our labels and tags, is the record: a controller that
 * starts finds everything there. The engine may be away; then what needs it is an error that is tried again.
 */
export class DockerEngine implements Engine {
  readonly name = 'docker';
  readonly #clock: Clock;
  readonly #dir: string;
  readonly #closeMetadata: () => Promise<unknown>;
  readonly #connection: DockerConnection;
  readonly #images: Images;
  readonly #builder: ImageBuilder;
  readonly #instances: Instances;
  readonly #volumes: Volumes;
  readonly #files: MountedFiles;
  readonly #events: EngineEvents;
  readonly #garbage: Garbage;
  readonly #hub = new EventHub();
  readonly #turns = new Turns();
  readonly #end = new AbortController();
  #prepared: Promise<void> | null = null;

  constructor(options: DockerEngineOptions) {
    const { clock, installation, settings, env } = options;
    const connection = new DockerConnection(options.engine, env);
    const dir = join(options.dataDir, 'docker');
    const doing = new OwnDoing();
    const images = new Images(connection, installation);
    const networks = new Networks(connection, installation, settings.networks);
    const volumes = new Volumes(connection, installation);
    const files = new MountedFiles(join(dir, 'files'), clock);
    const shared = { connection, installation, clock, images, networks, volumes, files, doing, hub: this.#hub };
    const instances = new Instances({ ...shared, maker: new ContainerMaker({ ...shared, settings }) });
    this.#clock = clock;
    this.#dir = dir;
    this.#closeMetadata = async () => {
      const self = await connection.client().then(
        (client) => client.self,
        () => null,
      );
      // The firewall of the container that we are in is not the machine's.
      if (self === null) await (options.closeMetadata ?? closeMetadata)(settings.networks);
    };
    this.#connection = connection;
    this.#images = images;
    this.#volumes = volumes;
    this.#files = files;
    this.#instances = instances;
    this.#events = new EngineEvents({ ...shared, instances });
    const kept = {
      records: new ArtifactRecords(join(dir, 'artifacts')),
      windows: new BuildWindows(join(dir, 'builds.json')),
      holds: new BaseHolds(),
    };
    const { maxDiskBytes } = settings;
    this.#garbage = new Garbage({ ...shared, ...kept, maxDiskBytes, isBuilding: () => this.#builder.isBusy });
    this.#builder = new ImageBuilder({
      ...shared,
      ...kept,
      settings: settings.build,
      auth: registryAuth(options.registries, env),
      room: new DiskRoom({ ...settings, clock, leftBytes: () => this.#garbage.leftBytes }),
      watch: new BuildWatch({
        clock,
        table: systemProcessTable(),
        bounds: settings.build.bounds,
        cgroups: '/sys/fs/cgroup',
      }),
      mayBuild: () => checkLimit(this.#garbage.overBytes),
      logDir: join(dir, 'builds'),
      workDir: join(dir, 'work'),
      bounds: options.logBounds ?? DEFAULT_BOUNDS,
    });
  }

  /** Why no container can be run here, or null; cheap. */
  problem(): Problem | null {
    return this.#connection.problem();
  }

  async build(request: BuildRequest, signal: AbortSignal): Promise<Artifact> {
    await this.#prepare();
    const until = AbortSignal.any([signal, this.#end.signal]);
    const artifact = await this.#turns.take(request.key, () => this.#builder.build(request, until), until);
    if (artifact.digest !== null) this.#events.known(request.key, artifact.digest);
    return artifact;
  }

  /** Removes what this installation left in the engine and nothing needs. Happens by itself from time to time. */
  async sweep(): Promise<void> {
    if (!this.#isUnused()) await this.#garbage.sweep();
  }

  async hasArtifact(key: ArtifactKey): Promise<boolean> {
    if (this.#isUnused()) return false;
    const image = await this.#connection.ask('look for an image', (client) => this.#images.find(client, key));
    return image !== undefined;
  }

  async removeArtifact(key: ArtifactKey): Promise<void> {
    if (this.#isUnused()) return;
    await this.#prepare();
    await this.#turns.take(key, async () => {
      this.#events.leaving(key);
      await this.#connection.ask('removal of an image', (client) => this.#images.remove(client, key));
      await this.#builder.forget(key);
    });
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    await this.#prepare();
    return this.#instances.start(request, AbortSignal.any([signal, this.#end.signal]));
  }

  async stop(id: InstanceId, { graceMs }: { readonly graceMs: number }): Promise<void> {
    if (!this.#isUnused()) await this.#instances.stop(id, graceMs);
  }

  /** Missing once it is known that this engine can't. */
  get pause(): Engine['pause'] {
    return this.#pauses ? (id) => this.#instances.pause(id) : undefined;
  }

  get resume(): Engine['resume'] {
    return this.#pauses ? (id, signal) => this.#instances.resume(id, signal) : undefined;
  }

  async remove(id: InstanceId): Promise<void> {
    if (!this.#isUnused()) await this.#instances.remove(id);
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    return this.#isUnused() ? { state: 'absent' } : this.#instances.inspect(id);
  }

  async advice(id: InstanceId): Promise<string | null> {
    return this.#isUnused() ? null : this.#instances.advice(id);
  }

  async list(): Promise<readonly ListedInstance[]> {
    return this.#isUnused() ? [] : this.#instances.list();
  }

  async listArtifacts(): Promise<readonly ArtifactKey[]> {
    if (this.#isUnused()) return [];
    const images = await this.#images.all();
    for (const [key, id] of images) this.#events.known(key, id);
    return [...images.keys()];
  }

  async removeData(dataName: string): Promise<void> {
    if (!this.#isUnused()) await this.#volumes.remove(dataName);
  }

  /** Images are their engine's; what apps mount of their sources lies with us. */
  async recheck(since: number): Promise<readonly ArtifactKey[]> {
    return this.#files.recheck(since);
  }

  async *logs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogLine> {
    const { of } = request;
    const until = AbortSignal.any([signal, this.#end.signal]);
    if ('build' in of) {
      const isOver = () => !this.#builder.isRunning(of.build);
      yield* this.#builder.logs(of.build).read(request, { clock: this.#clock, signal: until, isOver });
    } else if (!this.#isUnused()) {
      const tools = { connection: this.#connection, instances: this.#instances, clock: this.#clock };
      yield* containerLogs(tools, of.instance, request, until);
    }
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const events = this.#hub.subscribe(AbortSignal.any([signal, this.#end.signal]));
    this.#events.start(this.#end.signal);
    return events;
  }

  async close(): Promise<void> {
    this.#end.abort(new DOMException('the engine was closed', 'AbortError'));
  }

  get #pauses(): boolean {
    return this.#connection.abilities?.pauses ?? true;
  }

  /** Nothing was ever made here, so there is nothing to find: an engine that isn't there is no matter. */
  #isUnused(): boolean {
    return !existsSync(this.#dir);
  }

  /** Once, before anything is made: clears what a crash cut off. */
  #prepare(): Promise<void> {
    this.#end.signal.throwIfAborted();
    this.#prepared ??= this.#tidy().catch((error: unknown) => {
      this.#prepared = null;
      throw error;
    });
    return this.#prepared;
  }

  async #sweepAgainAndAgain(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.#clock.sleep(SWEEP_MS, signal).catch(() => undefined);
      // An engine that is away has nothing to clean; the next sweep finds it all.
      if (signal.aborted) return;
      await this.sweep().catch(() => undefined);
      // Whoever set the firewall up anew did not know of it.
      await this.#closeMetadata().catch(() => undefined);
    }
  }

  async #tidy(): Promise<void> {
    await mkdir(join(this.#dir, 'builds'), { recursive: true, mode: 0o700 });
    await removeFolder(join(this.#dir, 'work'));
    for (const folder of [this.#dir, join(this.#dir, 'builds')]) await removeTrash(folder);
    await mkdir(join(this.#dir, 'work'), { recursive: true, mode: 0o700 });
    await this.#files.tidy();
    // Where we may not, doctor says so.
    await this.#closeMetadata().catch(() => undefined);
    void this.#sweepAgainAndAgain();
  }
}
