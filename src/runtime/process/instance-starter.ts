import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MainspringError } from '../../model/errors.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { InstanceRequest } from '../engine.ts';
import { makeOpenFolder } from '../folders.ts';
import { type LogBounds, LogFiles } from '../log-files.ts';
import { choosePort } from '../ports.ts';
import type { RecordFiles } from '../record-files.ts';
import type { TreeStore } from '../tree-store.ts';
import { orAborted } from '../turns.ts';
import { type AppUser, areTheirs, checkReachable, giveFolder } from './app-user.ts';
import { lendEntries, takeBackEntries } from './cgroup-entries.ts';
import {
  type CgroupNames,
  type CgroupParents,
  cgroupDirs,
  enterCgroups,
  makeCgroups,
  NO_PARENTS,
  type Placement,
  removeCgroups,
} from './cgroups.ts';
import { type BaseEnvironment, instanceEnvironment } from './environment.ts';
import type { Families, Family } from './family.ts';
import { familyOf, type InstanceRecord, intentOf } from './instance-record.ts';
import { type Launched, launch } from './launch.ts';
import { describeLimits, parseLimits } from './limits.ts';
import { readWebCommand } from './process-builder.ts';
import type { ProcessTable } from './process-table.ts';

/** What is needed to start instances. */
export interface StarterOptions {
  /** The engine's own folder. */
  readonly dir: string;
  readonly trees: TreeStore;
  readonly records: RecordFiles<InstanceRecord>;
  readonly table: ProcessTable;
  readonly families: Families;
  readonly cgroups: CgroupParents;
  readonly base: BaseEnvironment;
  readonly bounds: LogBounds;
  readonly userOf: (name: string) => AppUser | null;
}

/** A started instance. */
export interface Started {
  readonly record: InstanceRecord;
  readonly launched: Launched;
}

/** The cgroups of one instance, and the ways into them that its user has until it is in. */
interface Place extends Placement {
  readonly entries: readonly string[];
  readonly user: AppUser | null;
}

/** Starts instances, each step so that a crash after it leaves something that can be found. */
export class InstanceStarter {
  readonly #options: StarterOptions;
  /** Ports that were chosen but are on no record yet. */
  readonly #reserved = new Set<number>();

  constructor(options: StarterOptions) {
    this.#options = options;
  }

  /** Starts an instance of which nothing runs. `before` is its record from an earlier start. */
  async start(request: InstanceRequest, before: InstanceRecord | undefined, signal: AbortSignal): Promise<Started> {
    const { records, families } = this.#options;
    const limits = parseLimits(request.containerOpts);
    const user = this.#options.userOf(request.dataName);
    // Somebody may be waiting for this: what does not need each other goes side by side.
    const [command, folders] = await Promise.all([this.#commandOf(request), this.#makeFolders(request, user)]);
    // Last of what can fail before there is something to undo: a port that nobody gives back would stay reserved.
    const port = await this.#reservePort(request.id, before?.port ?? null);
    let record = intentOf(request, port, limits);
    try {
      const environment = instanceEnvironment(this.#options.base, request, { ...folders, port });
      const cwd = this.#options.trees.treeOf(request.artifact.key);
      const logs = this.logs(request.id);
      const [place] = await allSettled([this.#makePlace(record, user), records.save(request.id, record)]);
      const { nofile } = limits;
      const launched = await launch({ command, cwd, environment, user, nofile, logs, entries: place.entries });
      record = { ...record, pid: launched.pid, startTime: this.#options.table.find(launched.pid)?.startTime ?? null };
      record = await this.#confine(record, place, launched, signal);
      signal.throwIfAborted();
      launched.release();
      return { record, launched };
    } catch (error) {
      const family = this.familyOf(request.id, record);
      await families.kill(family, new AbortController().signal);
      await removeCgroups(family.cgroups);
      const reason = `could not be started: ${error instanceof Error ? error.message : String(error)}`;
      await records.save(request.id, { ...record, state: 'exited', reason, cgroups: [] });
      throw error;
    } finally {
      this.#reserved.delete(port);
    }
  }

  /** What an instance prints. */
  logs(id: InstanceId): LogFiles {
    return new LogFiles(join(this.#options.dir, 'logs', id), this.#options.bounds);
  }

  /** Its own folder, gone with it. */
  runFolder(id: InstanceId): string {
    return join(this.#options.dir, 'run', id);
  }

  /** The folder that is kept from one revision to the next. */
  dataFolder(dataName: string): string {
    return join(this.#options.dir, 'data', checkedDataName(dataName));
  }

  /** How the processes of an instance are found, whether it is on record or not. */
  familyOf(id: InstanceId, record: InstanceRecord | undefined): Family {
    return familyOf(id, record, cgroupDirs(this.#options.cgroups, this.#cgroupNames(id)));
  }

  #cgroupNames(id: InstanceId): CgroupNames {
    return [`mainspring-${this.#options.base.installation}`, id];
  }

  async #commandOf({ id, artifact }: InstanceRequest): Promise<string> {
    if ((await this.#options.trees.find(artifact.key)) === undefined) {
      throw new MainspringError('start-failed', `start "${id}": its artifact "${artifact.key}" is not there`, {
        retry: 'after-interval',
        hint: 'It is built again when the app is next looked at.',
      });
    }
    return readWebCommand(this.#options.trees.treeOf(artifact.key));
  }

  async #makeFolders(request: InstanceRequest, user: AppUser | null) {
    const run = this.runFolder(request.id);
    const data = this.dataFolder(request.dataName);
    const own = { home: join(run, 'home'), temp: join(run, 'tmp') };
    if (await areTheirs([run, data, own.home, own.temp], user)) return { ...own, data };
    for (const folder of [this.#options.dir, dirname(run), dirname(dirname(data)), dirname(data)])
      await makeOpenFolder(folder);
    for (const folder of [run, data]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await checkReachable(dirname(folder), user);
    }
    for (const folder of [own.home, own.temp]) await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const folder of [run, data]) await giveFolder(folder, user);
    return { ...own, data };
  }

  async #reservePort(id: InstanceId, preferred: number | null): Promise<number> {
    const others = [...(await this.#options.records.all())].filter(([other]) => other !== id);
    const taken = new Set([...others.map(([, { port }]) => port), ...this.#reserved]);
    const port = await choosePort(`${this.#options.base.installation} ${id}`, preferred, taken);
    // Chosen by another start while we looked.
    if (this.#reserved.has(port)) return this.#reservePort(id, null);
    this.#reserved.add(port);
    return port;
  }

  /** Puts the process, which still waits at the gate, under its limits, and on record. */
  async #confine(waiting: InstanceRecord, place: Place, launched: Launched, signal: AbortSignal) {
    const { dirs, enforcement } = place;
    const placed: InstanceRecord = { ...waiting, state: 'running', cgroups: dirs, enforcement };
    // Side by side: whatever is on record by then, it does not run before it is released.
    const saved = this.#options.records.save(placed.id, placed);
    const [isInside] = await allSettled([this.#enter(place, launched, signal), saved]);
    const record = isInside ? placed : await this.#withoutCgroups(placed);
    const limits = describeLimits(record.limits, record.enforcement);
    if (limits !== null) await this.logs(record.id).note(limits);
    return record;
  }

  async #makePlace({ id, limits }: InstanceRecord, user: AppUser | null): Promise<Place> {
    const placement = await makeCgroups(this.#options.cgroups, this.#cgroupNames(id), limits);
    return { ...placement, user, entries: await lendEntries(placement.dirs, user) };
  }

  /** Whether the waiting process is in its cgroups, by itself or by our doing. */
  async #enter({ dirs, entries, user }: Place, { waiting, pid }: Launched, signal: AbortSignal): Promise<boolean> {
    try {
      if (entries.length > 0) await orAborted(waiting, signal);
      await enterCgroups(dirs, pid);
      return true;
    } catch (error) {
      if (dirs.length === 0 || signal.aborted) throw error;
      return false;
    } finally {
      await takeBackEntries(entries, user);
    }
  }

  /** We may make cgroups here but not move processes: as if there were none. */
  async #withoutCgroups(placed: InstanceRecord): Promise<InstanceRecord> {
    await removeCgroups(placed.cgroups);
    const { dirs, enforcement } = await makeCgroups(NO_PARENTS, this.#cgroupNames(placed.id), placed.limits);
    const record = { ...placed, cgroups: dirs, enforcement };
    await this.#options.records.save(record.id, record);
    return record;
  }
}

/** Waits for all, also where one fails: what comes after must not run beside the others. */
async function allSettled<T extends readonly unknown[] | []>(
  work: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(work);
  return Promise.all(work);
}

function checkedDataName(dataName: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]*\/[A-Za-z0-9][A-Za-z0-9._-]*$/.test(dataName)) return dataName;
  throw new MainspringError('data-folder-failed', `data folder "${dataName}": expected a name such as "prod/app-12ab"`);
}
