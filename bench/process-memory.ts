import { readFileSync } from 'node:fs';

/** What a process holds, in MiB: `pss` counts pages that are shared by their share. */
export interface ProcessMemory {
  readonly pss: number;
  readonly rss: number;
}

/** The memory of a process as the kernel counts it (Linux). */
export function memoryOf(pid: number): ProcessMemory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) / 1024;
  return { pss: field('Pss'), rss: field('Rss') };
}
