import { readdir, readFile } from 'node:fs/promises';

/** Names, in the environment of each git that writes to a mirror, who started it: `pid:start time:mirrors folder`. */
export const MARKER = 'MAINSPRING_GIT';

/** The value of the marker for gits started by this process. Without `/proc` the start time is empty. */
export async function markerValue(mirrorsDir: string): Promise<string> {
  return `${process.pid}:${(await startTime(process.pid)) ?? ''}:${mirrorsDir}`;
}

/**
 * Kills gits that still write to these mirrors for a process that is gone (kill -9 leaves them running), so that two never
 * write at once. Where there is no `/proc` nothing can be found out, and nothing is done. Says whether another living process
 * has gits at work there.
 */
export async function killOrphans(mirrorsDir: string): Promise<{ readonly others: boolean }> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  let others = false;
  for (const pid of pids.map(Number)) {
    const owner = await ownerOf(pid, mirrorsDir);
    if (owner === undefined) continue;
    if (owner.pid === process.pid) continue;
    if ((await startTime(owner.pid)) === owner.started) others = true;
    else killQuietly(pid);
  }
  return { others };
}

async function ownerOf(
  pid: number,
  mirrorsDir: string,
): Promise<{ readonly pid: number; readonly started: string } | undefined> {
  const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '');
  const found = environment.split('\0').find((variable) => variable.startsWith(`${MARKER}=`));
  const [, owner, started, dir] = /^\w+=(\d+):(\d*):(.*)$/s.exec(found ?? '') ?? [];
  return dir === mirrorsDir ? { pid: Number(owner), started: started ?? '' } : undefined;
}

/**
 * Field 22 of `/proc/PID/stat`; the name in field 2 may hold anything, so counting starts behind it. Undefined for what was
 * killed and that nobody has reaped: in a container without an init it stays a zombie (field 3) for good.
 */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone by itself.
  }
}
