import { rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../model/clock.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { InstanceRequest, InstanceState, ListedInstance } from '../engine.ts';
import type { EventHub } from '../event-hub.ts';
import { namesIn, removeFolder, removeTrash } from '../folders.ts';
import type { LogFiles } from '../log-files.ts';
import { checkedId, isSafeId } from '../record-files.ts';
import { Turns } from '../turns.ts';
import { ranOutOfMemory, removeCgroups } from './cgroups.ts';
import { type InstanceRecord, targetOf } from './instance-record.ts';
import { InstanceStarter, type StarterOptions } from './instance-starter.ts';
import { formatSize } from './limits.ts';
import { findSame, type ProcessInfo } from './process-table.ts';

/** What the instances of the process engine need. */
export interface InstancesOptions extends StarterOptions {
  readonly clock: Clock;
  readonly hub: EventHub;
  /** Aborts when the engine is closed: nothing is touched any more. */
  readonly end: AbortSignal;
}

const REMOVE_GRACE_MS = 5_000;
const UNKNOWN_END = 'ended; its exit status is not known, as an earlier controller had started it';

/** Instances as processes: their starts, their ends, and what is known of them. */
export class ProcessInstances {
  readonly #options: InstancesOptions;
  readonly #starter: InstanceStarter;
  readonly #turns = new Turns();
  /** Ends of the processes that this controller started itself. */
  readonly #exits = new Map<InstanceId, Promise<void>>();
  /** Why we are killing an instance, until its end is recorded. */
  readonly #verdicts = new Map<InstanceId, string>();

  constructor(options: InstancesOptions) {
    this.#options = options;
    this.#starter = new InstanceStarter(options);
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    return this.#turns.take(checkedId(request.id), () => this.#start(request, signal), signal);
  }

  async stop(id: InstanceId, graceMs: number): Promise<void> {
    await this.#turns.take(id, async () => {
      const record = await this.#options.records.find(id);
      if (record?.state === 'exited') return;
      if (record !== undefined) await this.#options.records.save(id, { ...record, state: 'stopping' });
      await this.#options.families.end(this.#starter.familyOf(id, record), graceMs, this.#options.end);
      if (record !== undefined) await this.#recordEnd(record, 'stopped');
    });
  }

  async remove(id: InstanceId): Promise<void> {
    await this.#turns.take(checkedId(id), async () => {
      const { records, families, end } = this.#options;
      const record = await records.find(id);
      if (record?.state === 'running') await records.save(id, { ...record, state: 'stopping' });
      await families.end(this.#starter.familyOf(id, record), REMOVE_GRACE_MS, end);
      await removeCgroups(this.#starter.familyOf(id, record).cgroups);
      // Folders are made before the record: a start that failed or was cut off early left them alone.
      await removeFolder(this.#starter.runFolder(id));
      await removeFolder(this.logs(id).dir);
      // The record goes last: what a crash leaves before is found by it.
      await records.remove(id);
      this.#exits.delete(id);
    });
  }

  async inspect(id: InstanceId): Promise<InstanceState> {
    const record = await this.#options.records.find(id);
    if (record === undefined) return { state: 'absent' };
    if (record.state === 'running' && !this.#isAlive(record))
      await (this.#exits.get(id) ?? this.#ended(record, UNKNOWN_END));
    const now = await this.#options.records.find(id);
    return now === undefined ? { state: 'absent' } : this.#stateOf(now);
  }

  /** All that are on record, and all that run without one. */
  async list(): Promise<readonly ListedInstance[]> {
    const ids = [...(await this.#options.records.all()).keys()];
    const known = await Promise.all(ids.map(async (id) => ({ id, state: await this.inspect(id) })));
    return [...known, ...(await this.#strays())];
  }

  async removeData(dataName: string): Promise<void> {
    const folder = this.#starter.dataFolder(dataName);
    await removeFolder(folder);
    await rmdir(dirname(folder)).catch(() => undefined);
  }

  logs(id: InstanceId): LogFiles {
    return this.#starter.logs(id);
  }

  /** Finishes removals that a crash cut off. */
  async tidy(): Promise<void> {
    const data = join(this.#options.dir, 'data');
    const envs = (await namesIn(data)).map((env) => join(data, env));
    for (const folder of [join(this.#options.dir, 'run'), join(this.#options.dir, 'logs'), ...envs])
      await removeTrash(folder);
  }

  /** One look at everything that no event tells: ends of processes that aren't our children, limits that no cgroup holds, the size of logs. */
  async look(): Promise<void> {
    // Read once for all that are watched: with a thousand of them, a thousand times a second is more than a core can do.
    let seen: Promise<readonly ProcessInfo[]> | null = null;
    const living = () => {
      seen ??= this.#options.families.living();
      return seen;
    };
    for (const record of (await this.#options.records.all()).values()) {
      if (record.state !== 'running') continue;
      if (!this.#isAlive(record)) {
        if (!this.#exits.has(record.id)) await this.#ended(record, UNKNOWN_END);
        continue;
      }
      await this.logs(record.id).rotate();
      const excess = await this.#excess(record, living);
      if (excess !== null) await this.#execute(record, excess);
    }
  }

  async #start(request: InstanceRequest, signal: AbortSignal): Promise<RouteTarget> {
    signal.throwIfAborted();
    const { records, families, end } = this.#options;
    const before = await records.find(request.id);
    if (before?.state === 'running' && this.#isAlive(before)) return targetOf(before);
    // One whose end is on record left nothing behind: that is written down last.
    if (before !== undefined && before.state !== 'exited') {
      await families.kill(this.#starter.familyOf(request.id, before), end);
      await removeCgroups(this.#starter.familyOf(request.id, before).cgroups);
    }
    const { record, launched } = await this.#starter.start(request, before, signal);
    this.#verdicts.delete(request.id);
    // An end that can't be recorded now is found again by the next look.
    const exit = launched.exited
      .then((reason) => this.#ended(record, reason))
      .catch(() => undefined)
      .finally(() => this.#exits.get(request.id) === exit && this.#exits.delete(request.id));
    this.#exits.set(request.id, exit);
    return targetOf(record);
  }

  /** Records that an instance ended without being asked to, and tells. */
  async #ended({ id, pid, startTime }: InstanceRecord, reason: string): Promise<void> {
    if (this.#options.end.aborted) return;
    await this.#turns.take(id, async () => {
      const record = await this.#options.records.find(id);
      if (record?.state !== 'running' || record.pid !== pid || record.startTime !== startTime) return;
      await this.#options.families.kill(this.#starter.familyOf(id, record), this.#options.end);
      const why = this.#verdicts.get(id) ?? memoryVerdict(record, reason) ?? reason;
      this.#verdicts.delete(id);
      await this.#recordEnd(record, why);
      this.#options.hub.publish({ kind: 'exited', id, reason: why });
    });
  }

  async #recordEnd(record: InstanceRecord, reason: string): Promise<void> {
    if (this.#options.end.aborted) return;
    await removeCgroups(this.#starter.familyOf(record.id, record).cgroups);
    await this.#options.records.save(record.id, { ...record, state: 'exited', reason, cgroups: [] });
  }

  /** Why an instance is over a limit that is left to us to watch; null if it isn't. */
  async #excess(record: InstanceRecord, living: () => Promise<readonly ProcessInfo[]>): Promise<string | null> {
    const { limits, enforcement } = record;
    if (enforcement.memory !== 'watched' && enforcement.pids !== 'watched') return null;
    const { table, families } = this.#options;
    const members = families.relatives(await living(), this.#starter.familyOf(record.id, record));
    const bytes = members.reduce((sum, { pid }) => sum + table.memoryBytes(pid), 0);
    const { memoryBytes, pids } = limits;
    if (enforcement.memory === 'watched' && memoryBytes !== null && bytes > memoryBytes) {
      return `killed: used more than ${formatSize(memoryBytes)} of memory (watched)`;
    }
    if (enforcement.pids !== 'watched' || pids === null || members.length <= pids) return null;
    return `killed: had more than ${pids} processes (watched)`;
  }

  async #execute(record: InstanceRecord, verdict: string): Promise<void> {
    this.#verdicts.set(record.id, verdict);
    await this.#options.families.kill(this.#starter.familyOf(record.id, record), this.#options.end);
    await (this.#exits.get(record.id) ?? this.#ended(record, UNKNOWN_END));
  }

  async #strays(): Promise<ListedInstance[]> {
    const found = new Map<InstanceId, InstanceState>();
    for (const { marks } of await this.#options.families.allMarks()) {
      const id = marks.instance as InstanceId | undefined;
      // A process may say anything of itself; no instance of ours has a name that leads to another folder or cgroup.
      if (id === undefined || !isSafeId(id) || (await this.#options.records.find(id)) !== undefined) continue;
      found.set(id, { state: 'running', target: targetOf(marks) });
    }
    return [...found].map(([id, state]) => ({ id, state }));
  }

  #stateOf(record: InstanceRecord): InstanceState {
    if (this.#isAlive(record)) return { state: 'running', target: targetOf(record) };
    const cutOff = record.state === 'starting' ? 'its start was cut off' : 'stopped';
    return { state: 'exited', reason: record.reason === '' ? cutOff : record.reason };
  }

  #isAlive({ state, pid, startTime }: InstanceRecord): boolean {
    if (state !== 'running' && state !== 'stopping') return false;
    return findSame(this.#options.table, pid, startTime) !== undefined;
  }
}

function memoryVerdict({ limits, cgroups, enforcement }: InstanceRecord, reason: string): string | null {
  if (limits.memoryBytes === null || !ranOutOfMemory(cgroups)) return null;
  return `killed: used more than ${formatSize(limits.memoryBytes)} of memory (${enforcement.memory}); ${reason}`;
}
