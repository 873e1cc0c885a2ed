import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CgroupPaths, parseCgroupPaths } from '../../cgroup-paths.ts';

/** What the steps of one build may use together. */
export interface BuildBounds {
  readonly pids: number;
  readonly memoryBytes: number;
}

/** A file that the kernel writes, and whether it says that a limit was reached. */
interface Sign {
  readonly file: string;
  readonly of: keyof BuildBounds;
  readonly isReached: (text: string) => boolean;
}

/** The cgroups that an engine makes for the steps of one build, where they are cgroups that we may see. */
export class StepCgroups {
  readonly #root: string;
  readonly #bounds: BuildBounds;
  readonly #cgroupsOf: (pid: number) => CgroupPaths;
  readonly #limited = new Set<string>();
  #signs: Sign[] = [];

  /** @param root where cgroups are: `/sys/fs/cgroup` */
  constructor(root: string, bounds: BuildBounds, cgroupsOf: (pid: number) => CgroupPaths = cgroupsOfProcess) {
    this.#root = root;
    this.#bounds = bounds;
    this.#cgroupsOf = cgroupsOf;
  }

  /**
   * Puts limits on the cgroup of a step: the kernel's own are there at once, which looking is not. Twice as much as a build may have, as
   * what a look finds can be told better than how a step fails by itself.
   */
  limit(pid: number): void {
    const { pids, memoryBytes } = this.#bounds;
    const { v1, v2 } = this.#cgroupsOf(pid);
    this.#limit(folderOf(this.#root, 'pids', v1.get('pids')), [{ name: 'pids.max', value: pids * 2 }]);
    this.#limit(folderOf(this.#root, 'memory', v1.get('memory')), [
      { name: 'memory.limit_in_bytes', value: memoryBytes * 2 },
    ]);
    this.#limit(folderOf(this.#root, '', v2), [
      { name: 'pids.max', value: pids * 2 },
      { name: 'memory.max', value: memoryBytes * 2 },
    ]);
  }

  /** Which of its bounds a step has gone past, as the kernel says; cheap, so that a step which is about to end by it is seen too. */
  reached(): keyof BuildBounds | null {
    const there = this.#signs.map((sign) => ({ sign, text: readOrNull(sign.file) }));
    const reached = there.find(({ sign, text }) => text !== null && sign.isReached(text));
    this.#signs = there.filter(({ text }) => text !== null).map(({ sign }) => sign);
    return reached?.sign.of ?? null;
  }

  #limit(folder: string | null, limits: readonly { readonly name: string; readonly value: number }[]): void {
    if (folder === null || this.#limited.has(folder)) return;
    this.#limited.add(folder);
    this.#signs.push(...signsIn(folder, this.#bounds));
    for (const { name, value } of limits) {
      try {
        writeFileSync(join(folder, name), String(value));
      } catch {
        // Not ours to write, or gone: then looking has to do.
      }
    }
  }
}

/** Of either version; what is not there is passed over. */
function signsIn(folder: string, { pids }: BuildBounds): Sign[] {
  return [
    { file: join(folder, 'pids.current'), of: 'pids', isReached: (text) => Number(text) > pids },
    { file: join(folder, 'pids.events'), of: 'pids', isReached: (text) => countOf('max', text) > 0 },
    { file: join(folder, 'memory.events'), of: 'memoryBytes', isReached: (text) => countOf('oom_kill', text) > 0 },
    { file: join(folder, 'memory.oom_control'), of: 'memoryBytes', isReached: (text) => countOf('oom_kill', text) > 0 },
  ];
}

/** A number of a file that has `NAME NUMBER` in each line; 0 where it is not there. */
function countOf(name: string, text: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1) ?? 0);
}

/** Only what the engine made for this step: never a cgroup that others are in. */
function folderOf(root: string, hierarchy: string, path: string | null | undefined): string | null {
  return path != null && /\/buildkit[/-]/.test(path) ? join(root, hierarchy, path) : null;
}

/** None where it has ended meanwhile. */
function cgroupsOfProcess(pid: number): CgroupPaths {
  return parseCgroupPaths(readOrNull(`/proc/${pid}/cgroup`) ?? '');
}

function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
