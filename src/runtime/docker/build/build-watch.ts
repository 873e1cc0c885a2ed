import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { ArtifactKey } from '../../../model/ids.ts';
import { type CgroupPaths, parseCgroupPaths } from '../../cgroup-paths.ts';
import { formatSize } from '../../process/limits.ts';
import type { ProcessInfo, ProcessTable } from '../../process/process-table.ts';
import { watched } from './watched.ts';

/** What the steps of one build may use together. */
export interface BuildBounds {
  readonly pids: number;
  readonly memoryBytes: number;
}

/** What a build watch works with. */
export interface BuildWatchOptions {
  readonly clock: Clock;
  readonly table: ProcessTable;
  readonly bounds: BuildBounds;
  /** Where cgroups are: `/sys/fs/cgroup`. */
  readonly cgroups: string;
}

const LOOK_MS = 500;

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
    const limited = new Set<string>();
    const look = async () => this.#check(await this.#steps(mark, strangers), limited);
    return watched({ clock, everyMs: LOOK_MS, signal, look }, work);
  }

  #check(steps: readonly ProcessInfo[], limited: Set<string>): void {
    const { cgroups, table, bounds } = this.#options;
    for (const { pid } of steps.slice(0, 20)) limitCgroups(cgroups, pid, { bounds, limited });
    const reason = excessOf(steps, table, bounds);
    if (reason !== null) throw ranAway(reason);
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
): string | null {
  if (steps.length > pids) return `a step had more than ${pids} processes (limit: [docker] build_pids)`;
  const bytes = steps.reduce((sum, { pid }) => sum + table.memoryBytes(pid), 0);
  if (bytes <= memoryBytes) return null;
  return `a step used more than ${formatSize(memoryBytes)} of memory (limit: [docker] build_memory)`;
}

function ranAway(reason: string): MainspringError {
  return new MainspringError('build-failed', `build: ended, as ${reason}`, {
    hint: 'Make the build smaller, or raise the limit in mainspring.toml. The whole output: mainspring logs APP --build.',
  });
}

interface Limiting {
  readonly bounds: BuildBounds;
  /** Cgroups that have their limits already. */
  readonly limited: Set<string>;
}

/** The kernel's own limits are there at once, which a look twice a second is not. Twice as much, so that the look still has something to tell. */
function limitCgroups(root: string, pid: number, { bounds, limited }: Limiting): void {
  for (const { file, value } of limitFiles(root, pid, bounds)) {
    if (limited.has(file)) continue;
    limited.add(file);
    try {
      writeFileSync(file, value);
    } catch {
      // Not ours to write: then looking has to do.
    }
  }
}

/** Files of the cgroup of a step, of either version; none where it is in no cgroup of its own. */
function limitFiles(root: string, pid: number, { pids, memoryBytes }: BuildBounds): { file: string; value: string }[] {
  const { v1, v2 } = cgroupsOf(pid);
  const files = [
    [v1.get('pids'), 'pids', 'pids.max', pids],
    [v1.get('memory'), 'memory', 'memory.limit_in_bytes', memoryBytes],
    [v2, '', 'pids.max', pids],
    [v2, '', 'memory.max', memoryBytes],
  ] as const;
  return files.flatMap(([path, hierarchy, name, limit]) =>
    // Only what the engine made for this step: never a cgroup that others are in.
    path != null && /\/buildkit[/-]/.test(path)
      ? [{ file: join(root, hierarchy, path, name), value: String(limit * 2) }]
      : [],
  );
}

/** None where it has ended meanwhile. */
function cgroupsOf(pid: number): CgroupPaths {
  try {
    return parseCgroupPaths(readFileSync(`/proc/${pid}/cgroup`, 'utf8'));
  } catch {
    return parseCgroupPaths('');
  }
}

function nameOf({ pid, startTime }: ProcessInfo): string {
  return `${pid} ${startTime}`;
}
