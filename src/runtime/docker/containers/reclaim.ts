import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerInspectInfo } from 'dockerode';
import { parseCgroupPaths } from '../../cgroup-paths.ts';

const CGROUPS = '/sys/fs/cgroup';

/**
 * Has the kernel move the memory of a paused container to swap, where the machine has any and we may say so. Nothing depends on it:
 * where it can't be done, the memory stays where it is.
 */
export async function giveMemoryBack({ State }: Pick<ContainerInspectInfo, 'State'>): Promise<void> {
  try {
    if (!(await hasSwap()) || !(State.Pid > 0)) return;
    const { v1, v2 } = parseCgroupPaths(await readFile(`/proc/${State.Pid}/cgroup`, 'utf8'));
    const memory = v1.get('memory');
    if (memory !== undefined) {
      await writeFile(join(CGROUPS, 'memory', memory, 'memory.force_empty'), '0');
      return;
    }
    if (v2 === null) return;
    const folder = join(CGROUPS, v2);
    const bytes = (await readFile(join(folder, 'memory.current'), 'utf8')).trim();
    await writeFile(join(folder, 'memory.reclaim'), bytes);
  } catch {
    // No right to it, a kernel without it, or less than all was taken (EAGAIN): the next best is what there is.
  }
}

async function hasSwap(): Promise<boolean> {
  const lines = (await readFile('/proc/swaps', 'utf8')).trim().split('\n');
  return lines.length > 1;
}
