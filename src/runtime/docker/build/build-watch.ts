import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { ArtifactKey } from '../../../model/ids.ts';
import { formatSize } from '../../process/limits.ts';
import type { ProcessInfo, ProcessTable } from '../../process/process-table.ts';

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
    const excess = new AbortController();
    const over = new AbortController();
    const until = AbortSignal.any([over.signal, excess.signal, signal]);
    const looking = this.#look(key, until, (reason) => excess.abort(ranAway(reason)));
    try {
      return await work(AbortSignal.any([signal, excess.signal]));
    } catch (error) {
      if (excess.signal.aborted && !signal.aborted) throw excess.signal.reason;
      throw error;
    } finally {
      over.abort();
      await looking;
    }
  }

  async #look(key: ArtifactKey, until: AbortSignal, onExcess: (reason: string) => void): Promise<void> {
    const { clock, table, bounds } = this.#options;
    const mark = buildMark(key);
    // What ran before the build is none of its own.
    const strangers = new Set((await table.all()).map(nameOf));
    const limited = new Set<string>();
    while (!until.aborted) {
      await clock.sleep(LOOK_MS, until).catch(() => undefined);
      if (until.aborted) return;
      const steps = await this.#steps(mark, strangers);
      for (const { pid } of steps.slice(0, 20)) limitCgroups(this.#options.cgroups, pid, { bounds, limited });
      const reason = excessOf(steps, table, bounds);
      if (reason !== null) onExcess(reason);
    }
  }

  async #steps(mark: string, strangers: Set<string>): Promise<readonly ProcessInfo[]> {
    const { table, bounds } = this.#options;
    const found: ProcessInfo[] = [];
    for (const info of await table.all()) {
      if (info.isZombie || strangers.has(nameOf(info))) continue;
      const environment = table.environment(info.pid);
      if (environment?.get(MARKED)?.includes(mark)) found.push(info);
      // A process that is about to become another program is looked at again.
      else if (environment !== undefined && environment.size > 0) strangers.add(nameOf(info));
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
  return readCgroups(pid).flatMap(([controllers, path]) => {
    // Only what the engine made for this step: never a cgroup that others are in.
    if (!/\/buildkit[/-]/.test(path)) return [];
    if (controllers === '') {
      const folder = join(root, path);
      return [
        { file: join(folder, 'pids.max'), value: String(pids * 2) },
        { file: join(folder, 'memory.max'), value: String(memoryBytes * 2) },
      ];
    }
    const folder = join(root, controllers, path);
    if (controllers === 'pids') return [{ file: join(folder, 'pids.max'), value: String(pids * 2) }];
    if (controllers === 'memory')
      return [{ file: join(folder, 'memory.limit_in_bytes'), value: String(memoryBytes * 2) }];
    return [];
  });
}

/** The lines of `/proc/PID/cgroup` (cgroups(7)): controllers and path. */
function readCgroups(pid: number): (readonly [string, string])[] {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const [, controllers = '', ...path] = line.split(':');
        return [controllers, path.join(':')] as const;
      });
  } catch {
    return [];
  }
}

function nameOf({ pid, startTime }: ProcessInfo): string {
  return `${pid} ${startTime}`;
}
