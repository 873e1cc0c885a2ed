import { readFile } from 'node:fs/promises';
import { parseCgroupPaths } from './cgroup-paths.ts';

/** Says how much of the memory that apps may have here is in use, as a share from 0 to 1; null: that can't be found out. */
export type MemoryUse = () => Promise<number | null>;

/** Reads a file of the system; null: there is none. */
type ReadText = (path: string) => Promise<string | null>;

const readText: ReadText = (path) => readFile(path, 'utf8').catch(() => null);

/**
 * The share in use of the machine's memory (`MemAvailable` of /proc/meminfo, which counts what can be had back as free), or of the limit
 * of the cgroup that this process is in, whichever is nearer to its end.
 */
export function memoryUse(read: ReadText = readText): MemoryUse {
  return async () => {
    const shares = (await Promise.all([machineShare(read), cgroupShare(read)])).filter((share) => share !== null);
    return shares.length === 0 ? null : Math.max(...shares);
  };
}

async function machineShare(read: ReadText): Promise<number | null> {
  const text = await read('/proc/meminfo');
  const total = numberAfter(text, 'MemTotal:');
  const available = numberAfter(text, 'MemAvailable:');
  return total === null || available === null || total === 0 ? null : 1 - available / total;
}

/** Of cgroup v2 (one hierarchy) or v1 (one for memory). Without a limit there is no share. */
async function cgroupShare(read: ReadText): Promise<number | null> {
  const { v1, v2 } = parseCgroupPaths((await read('/proc/self/cgroup')) ?? '');
  const memory = v1.get('memory');
  if (memory !== undefined)
    return shareIn(read, [`/sys/fs/cgroup/memory${memory}`, '/sys/fs/cgroup/memory'], {
      limit: 'memory.limit_in_bytes',
      used: 'memory.usage_in_bytes',
      cache: 'total_inactive_file',
    });
  if (v2 === null) return null;
  const names = { limit: 'memory.max', used: 'memory.current', cache: 'inactive_file' };
  return shareIn(read, [`/sys/fs/cgroup${v2}`, '/sys/fs/cgroup'], names);
}

interface CgroupFiles {
  readonly limit: string;
  readonly used: string;
  /** A line of `memory.stat`: files that are cached and can be dropped. */
  readonly cache: string;
}

/** In a container the path of the group is that outside of it, and its files are at the root. */
async function shareIn(
  read: ReadText,
  folders: readonly string[],
  { limit, used, cache }: CgroupFiles,
): Promise<number | null> {
  for (const folder of folders) {
    const path = folder.replace(/\/+$/, '');
    const [most, current, stat] = await Promise.all([
      read(`${path}/${limit}`),
      read(`${path}/${used}`),
      read(`${path}/memory.stat`),
    ]);
    if (most === null || current === null) continue;
    const bytes = Number(most);
    // "max", and what v1 has for no limit.
    if (!Number.isFinite(bytes) || bytes <= 0 || bytes >= 2 ** 60) return null;
    return Math.max(0, Number(current) - (numberAfter(stat, `${cache} `) ?? 0)) / bytes;
  }
  return null;
}

function numberAfter(text: string | null, name: string): number | null {
  const line = text?.split('\n').find((candidate) => candidate.startsWith(name));
  const value = line === undefined ? Number.NaN : Number.parseInt(line.slice(name.length), 10);
  return Number.isFinite(value) ? value : null;
}
