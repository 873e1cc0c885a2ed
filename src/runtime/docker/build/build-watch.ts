import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { ArtifactKey } from '../../../model/ids.ts';
import { formatSize } from '../../process/limits.ts';
import type { ProcessInfo, ProcessTable } from '../../process/process-table.ts';
import { type BuildBounds, StepCgroups } from './step-cgroups.ts';
import { watched } from './watched.ts';

/** What a build watch works with. */
export interface BuildWatchOptions {
  readonly clock: Clock;
  readonly table: ProcessTable;
  readonly bounds: BuildBounds;
  /** Where cgroups are: `/sys/fs/cgroup`. */
  readonly cgroups: string;
}

/** How often the cgroups of steps that are known are looked at, and every how many such looks all processes are. */
const LOOK_MS = 50;
const LOOKS_PER_SEARCH = 10;

/**
 * BuildKit inside the engine knows no limits. Where the steps of a build are processes of this machine that we may see, they are found
 * by a mark and held to limits: by their own cgroup where we may write to it, and by ending a build that goes past them.
 */
export class BuildWatch {
  readonly #options: BuildWatchOptions;

  constructor(options: BuildWatchOptions) {
    this.#options = options;
  }

  /** Looks at a build while `work` goes on; one that runs away is ended, by the signal, with `build-failed`. */
  async watching<T>(key: ArtifactKey, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, table } = this.#options;
    const mark = buildMark(key);
    // What ran before the build is none of its own.
    const strangers = new Set((await table.all()).map(nameOf));
    const cgroups = new StepCgroups(this.#options.cgroups, this.#options.bounds);
    let looks = 0;
    const look = async () => {
      const reached = cgroups.reached();
      if (reached !== null) throw ranAway(reached, this.#options.bounds);
      looks += 1;
      if (looks % LOOKS_PER_SEARCH === 0) this.#check(await this.#steps(mark, strangers), cgroups);
    };
    return watched({ clock, everyMs: LOOK_MS, signal, look }, work);
  }

  #check(steps: readonly ProcessInfo[], cgroups: StepCgroups): void {
    const { table, bounds } = this.#options;
    for (const { pid } of steps.slice(0, 20)) cgroups.limit(pid);
    const excess = excessOf(steps, table, bounds);
    if (excess !== null) throw ranAway(excess, bounds);
  }

  /** The processes of a build. Whoever had no mark at one look is looked at again: a process may have become another program since. */
  async #steps(mark: string, strangers: ReadonlySet<string>): Promise<readonly ProcessInfo[]> {
    const { table, bounds } = this.#options;
    const found: ProcessInfo[] = [];
    for (const info of await table.all()) {
      if (info.isZombie || strangers.has(nameOf(info))) continue;
      if (table.environment(info.pid)?.get(MARKED)?.includes(mark)) found.push(info);
      if (found.length > bounds.pids) break;
    }
    return found;
  }
}

/** The variable that every step of a build finds, whatever its Containerfile says, and that changes no cache. */
const MARKED = 'NO_PROXY';

/** What `NO_PROXY` names besides, so that the processes of a build are known: a host that nobody can have (RFC 6761, section 6.4). */
export function buildMark(key: ArtifactKey): string {
  return `${key.slice(0, 24)}.build.mainspring.invalid`;
}

function excessOf(
  steps: readonly ProcessInfo[],
  table: ProcessTable,
  { pids, memoryBytes }: BuildBounds,
): keyof BuildBounds | null {
  if (steps.length > pids) return 'pids';
  return steps.reduce((sum, { pid }) => sum + table.memoryBytes(pid), 0) > memoryBytes ? 'memoryBytes' : null;
}

function ranAway(past: keyof BuildBounds, { pids, memoryBytes }: BuildBounds): MainspringError {
  const reason = {
    pids: `had more than ${pids} processes (limit: [docker] build_pids)`,
    memoryBytes: `used more than ${formatSize(memoryBytes)} of memory (limit: [docker] build_memory)`,
  }[past];
  return new MainspringError('build-failed', `build: ended, as a step ${reason}`, {
    hint: 'Make the build smaller, or raise the limit in mainspring.toml. The whole output: mainspring logs APP --build.',
  });
}

function nameOf({ pid, startTime }: ProcessInfo): string {
  return `${pid} ${startTime}`;
}
