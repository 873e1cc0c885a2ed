import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** One living process, as /proc shows it. */
export interface FoundProcess {
  readonly pid: number;
  readonly parent: number;
  /** `T` while it is stopped by a signal. */
  readonly state: string;
  readonly args: readonly string[];
  readonly environment: ReadonlyMap<string, string>;
}

/** All processes that run, zombies and those that ended meanwhile left out. */
export function allProcesses(): FoundProcess[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (findProcess(Number(name)) ?? []) : []));
}

/** A process by its id; undefined if it is gone. */
export function findProcess(pid: number): FoundProcess | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (state === 'Z' || state === 'X') return undefined;
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
    const environment = new Map(
      readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
    return { pid, parent: Number(parent), state, args, environment };
  } catch {
    return undefined;
  }
}

/**
 * The processes of an installation: its own name its folder in their arguments, its apps and builds its id in their environment. What runs
 * in a container is its engine's to end: a paused one could not even be killed.
 */
export function processesOf(root: string, installation: string | null): FoundProcess[] {
  const isOurs = ({ args, environment }: FoundProcess) =>
    args.some((arg) => arg.includes(`${root}/`)) ||
    (installation !== null && environment.get('MAINSPRING_INSTALLATION') === installation);
  return allProcesses().filter((one) => one.pid !== process.pid && isOurs(one) && !isInContainer(one.pid));
}

/** Whether a process lives in a PID namespace of its own, as those of containers do. */
function isInContainer(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`) !== readlinkSync('/proc/self/ns/pid');
  } catch {
    return false;
  }
}

/** Kills a process and waits until it is gone. One that is gone already is fine. */
export async function killHard(pid: number): Promise<void> {
  signal(pid, 'SIGKILL');
  while (findProcess(pid) !== undefined) await delay(2);
}

/** Stops a process, and waits until none of its threads runs any more. */
export async function stopHard(pid: number): Promise<void> {
  signal(pid, 'SIGSTOP');
  const isRunning = (thread: string) => !/^State:\s+[TtZX]/m.test(readStatus(`/proc/${pid}/task/${thread}/status`));
  while (readdirSync(`/proc/${pid}/task`).some(isRunning)) await delay(1);
}

/** Empty of a thread that has ended. */
function readStatus(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return 'State:\tX';
  }
}

/** Sends a signal; false if the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
