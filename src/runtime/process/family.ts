import type { Clock } from '../../model/clock.ts';
import { MainspringError } from '../../model/errors.ts';
import type { InstallationId } from '../../model/ids.ts';
import { pidsIn } from './cgroups.ts';
import { type Marks, readMarks } from './environment.ts';
import { findSame, type ProcessInfo, type ProcessTable } from './process-table.ts';

/** How the processes of one instance or build are found, of which each may hide from some. */
export interface Family {
  /** The first process, which leads a session and group of its own. */
  readonly pid: number | null;
  readonly startTime: string | null;
  /** Whether a process with these marks belongs to it. */
  readonly isMarked: (marks: Marks) => boolean;
  readonly cgroups: readonly string[];
}

const KILL_LIMIT_MS = 10_000;

/** Finds and ends families of processes: by group, session, descent, mark and cgroup. */
export class Families {
  readonly #table: ProcessTable;
  readonly #clock: Clock;
  readonly #installation: InstallationId;

  constructor(table: ProcessTable, clock: Clock, installation: InstallationId) {
    this.#table = table;
    this.#clock = clock;
    this.#installation = installation;
  }

  /** All living processes of a family. */
  async members(family: Family): Promise<ProcessInfo[]> {
    const marked = (info: ProcessInfo) => {
      const marks = readMarks(this.#table, this.#installation, info);
      return marks !== undefined && family.isMarked(marks);
    };
    return relatedIn(await this.living(), family, marked);
  }

  /** All living processes of this machine but this one. */
  async living(): Promise<readonly ProcessInfo[]> {
    return (await this.#table.all()).filter((info) => !info.isZombie && info.pid !== process.pid);
  }

  /** Like `members`, but among those that were found living before, and without reading environments: enough for a look once a second at many. */
  relatives(living: readonly ProcessInfo[], family: Family): ProcessInfo[] {
    return relatedIn(living, family, () => false);
  }

  /** Marks of all processes of this installation, with their pids. */
  async allMarks(): Promise<readonly { readonly info: ProcessInfo; readonly marks: Marks }[]> {
    return (await this.#table.all()).flatMap((info) => {
      const marks = info.isZombie ? undefined : readMarks(this.#table, this.#installation, info);
      return marks === undefined ? [] : [{ info, marks }];
    });
  }

  /** Asks all members to end, waits, kills what is left, until nothing is. */
  async end(family: Family, graceMs: number, signal: AbortSignal): Promise<void> {
    let left = await this.members(family);
    const deadline = this.#clock.now() + graceMs;
    let asked = new Set<number>();
    while (left.length > 0 && graceMs > 0 && this.#clock.now() < deadline) {
      const fresh = left.filter(({ pid }) => !asked.has(pid));
      asked = new Set(left.map(({ pid }) => pid));
      for (const name of ['SIGTERM', 'SIGCONT'] as const) send(fresh, name);
      left = await this.#waitForEnd(left, deadline, signal);
      if (left.length === 0) left = await this.members(family);
    }
    await this.kill(family, signal);
  }

  /** Kills all members, until nothing is left. */
  async kill(family: Family, signal: AbortSignal): Promise<void> {
    const deadline = this.#clock.now() + KILL_LIMIT_MS;
    let left = await this.members(family);
    while (left.length > 0) {
      if (this.#clock.now() >= deadline) throw stillThere(left);
      // Stopped first, all of them, none can start new ones faster than they are found.
      for (const name of ['SIGSTOP', 'SIGKILL'] as const) send(left, name);
      await this.#waitForEnd(left, Math.min(deadline, this.#clock.now() + 500), signal);
      left = await this.members(family);
    }
  }

  /** Those of the processes that are still there at the deadline; comes back as soon as none is. */
  async #waitForEnd(infos: readonly ProcessInfo[], deadline: number, signal: AbortSignal): Promise<ProcessInfo[]> {
    for (let pause = 2; ; pause = Math.min(pause * 2, 50)) {
      const left = infos.filter((info) => findSame(this.#table, info.pid, info.startTime));
      if (left.length === 0 || this.#clock.now() >= deadline) return left;
      await this.#clock.sleep(Math.min(pause, Math.max(1, deadline - this.#clock.now())), signal);
    }
  }
}

function relatedIn(
  living: readonly ProcessInfo[],
  family: Family,
  isMarked: (info: ProcessInfo) => boolean,
): ProcessInfo[] {
  const inCgroup = new Set(pidsIn(family.cgroups));
  const inGroup = ownsGroup(family, living);
  const found = new Set(
    living.filter((info) => inCgroup.has(info.pid) || inGroup(info) || isMarked(info)).map(({ pid }) => pid),
  );
  for (let before = -1; before !== found.size; ) {
    before = found.size;
    for (const { pid, parent } of living) if (found.has(parent)) found.add(pid);
  }
  return living.filter(({ pid }) => found.has(pid));
}

/**
 * A pid is not given away again while a group or session of that number lives. So with the leader gone, the group is still ours; but
 * if another process has the leader's pid now, the group that has this number is that other one's.
 */
function ownsGroup({ pid, startTime }: Family, all: readonly ProcessInfo[]): (info: ProcessInfo) => boolean {
  const holder = all.find((info) => info.pid === pid);
  if (pid === null || (holder !== undefined && holder.startTime !== startTime)) return () => false;
  return (info) => info.group === pid || info.session === pid;
}

function send(infos: readonly ProcessInfo[], name: NodeJS.Signals): void {
  for (const { pid } of infos) {
    try {
      process.kill(pid, name);
    } catch {
      // Gone in the meantime.
    }
  }
}

function stillThere(left: readonly ProcessInfo[]): MainspringError {
  const pids = left.map(({ pid }) => pid).join(', ');
  return new MainspringError('engine-failed', `processes ${pids} are still there after being killed`, {
    retry: 'after-interval',
    hint: 'They may hang in the kernel, waiting for a disk or a network share.',
  });
}
