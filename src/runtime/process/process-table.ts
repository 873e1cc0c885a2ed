import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setImmediate as breathe } from 'node:timers/promises';

/** One process of this machine. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  /** Tells this process from a later one with the same pid, also over a restart of the machine. */
  readonly startTime: string;
  /** It ended and only waits to be reaped. */
  readonly isZombie: boolean;
  /** It is a part of the kernel: it runs no program and can't be ended. */
  readonly isKernelThread: boolean;
}

/** Linux's `PF_KTHREAD` (include/linux/sched.h). Not the session: that reads as 0 as well for a process of a PID namespace whose session began outside of it. */
const KERNEL_THREAD = 0x0020_0000;

/** What is running on this machine. */
export interface ProcessTable {
  /** The process of that pid, if there is one. */
  find(pid: number): ProcessInfo | undefined;
  /** All processes but the kernel's own. */
  all(): Promise<readonly ProcessInfo[]>;
  /** The environment that a process was started with; undefined where it can't be read. */
  environment(pid: number): ReadonlyMap<string, string> | undefined;
  /** Memory that a process holds now. */
  memoryBytes(pid: number): number;
}

/** The table of this machine: `/proc` where there is one, else `ps` (which knows no environment). */
export function systemProcessTable(): ProcessTable {
  return existsSync('/proc/self/stat') ? procTable('/proc') : psTable();
}

/** Looks a pid up and makes sure that it is still the same process, and not just its remains. */
export function findSame(table: ProcessTable, pid: number | null, startTime: string | null): ProcessInfo | undefined {
  const found = pid === null ? undefined : table.find(pid);
  return found !== undefined && !found.isZombie && found.startTime === startTime ? found : undefined;
}

/** Reads Linux's `/proc`. Files there are made by the kernel on the spot, so reading them does not wait for a disk. */
export function procTable(root: string): ProcessTable {
  const boot = readText(`${root}/sys/kernel/random/boot_id`)?.trim() ?? '';
  const find = (pid: number) => parseStat(pid, boot, readText(`${root}/${pid}/stat`));
  return {
    find,
    all: async () => {
      const found: ProcessInfo[] = [];
      for (const [index, name] of readdirSync(root).entries()) {
        if (index % 128 === 127) await breathe();
        const info = /^\d+$/.test(name) ? find(Number(name)) : undefined;
        if (info !== undefined && !info.isKernelThread) found.push(info);
      }
      return found;
    },
    environment: (pid) => {
      const text = readText(`${root}/${pid}/environ`);
      return text === undefined ? undefined : parseEnvironment(text);
    },
    memoryBytes: (pid) => {
      const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`${root}/${pid}/status`) ?? '') ?? [];
      return kilobytes === undefined ? 0 : Number(kilobytes) * 1024;
    },
  };
}

/** Asks `ps`: what other Unixes than Linux have. A session is not known there and taken to be the group. */
export function psTable(): ProcessTable {
  const columns = 'pid=,ppid=,pgid=,stat=,lstart=';
  const ask = (args: string[]) => runPs(args).split('\n').flatMap(parsePsLine);
  return {
    find: (pid) => ask(['-p', String(pid), '-o', columns])[0],
    all: async () => ask(['-A', '-o', columns]),
    environment: () => undefined,
    memoryBytes: (pid) => Number(runPs(['-p', String(pid), '-o', 'rss=']).trim()) * 1024,
  };
}

/** Parses `/proc/PID/stat`. The name of the program is in brackets and may hold brackets and spaces itself. */
export function parseStat(pid: number, boot: string, text: string | undefined): ProcessInfo | undefined {
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', parent, group, session, , , flags] = fields;
  return {
    pid,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    // Field 22 of the whole line: clock ticks since the machine came up.
    startTime: `${boot}/${fields[19]}`,
    isZombie: state === 'Z' || state === 'X',
    isKernelThread: (Number(flags) & KERNEL_THREAD) !== 0,
  };
}

function parsePsLine(line: string): ProcessInfo[] {
  const [, pid, parent, group, state = '', startTime = ''] =
    /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
  if (pid === undefined) return [];
  const isZombie = state.startsWith('Z');
  const ids = { pid: Number(pid), parent: Number(parent), group: Number(group), session: Number(group) };
  return [{ ...ids, startTime, isZombie, isKernelThread: false }];
}

function parseEnvironment(text: string): ReadonlyMap<string, string> {
  const pairs = text.split('\0').flatMap((pair): [string, string][] => {
    const at = pair.indexOf('=');
    return at > 0 ? [[pair.slice(0, at), pair.slice(at + 1)]] : [];
  });
  return new Map(pairs);
}

/** Undefined when the process is gone, or is somebody else's. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** `ps` ends with 1 when nothing matches. */
function runPs(args: string[]): string {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      env: { LC_ALL: 'C', PATH: '/bin:/usr/bin' },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
