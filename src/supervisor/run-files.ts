import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { GatewayRunFile } from '../model/processes.ts';

/** The gateways that wrote down where they are; some may be dead. */
export function readGatewayFiles(runDir: string): readonly GatewayRunFile[] {
  const folder = join(runDir, 'gateways');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => readGatewayFile(join(folder, name)) ?? []);
}

/** The run file of one process, if it is there and whole. */
export function findGatewayFile(runDir: string, pid: number): GatewayRunFile | undefined {
  return readGatewayFile(join(runDir, 'gateways', `${pid}.json`));
}

/** Removes what a dead gateway left: its run file, its socket, and what it had only begun to write. */
export function removeGatewayFiles(runDir: string, pid: number): void {
  const file = findGatewayFile(runDir, pid);
  if (file !== undefined) rmSync(file.socket, { force: true });
  const folder = join(runDir, 'gateways');
  for (const name of namesIn(folder)) if (pidOf(name) === pid) rmSync(join(folder, name), { force: true });
}

/** Removes what gateways left that are dead, whoever was there to see them die. */
export function sweepGatewayFiles(runDir: string): void {
  const pids = new Set(namesIn(join(runDir, 'gateways')).map(pidOf));
  for (const pid of pids) if (pid !== undefined && !isAlive(pid)) removeGatewayFiles(runDir, pid);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** All files of a gateway begin with its pid. */
function pidOf(name: string): number | undefined {
  const [, pid] = /^(\d+)\./.exec(name) ?? [];
  return pid === undefined ? undefined : Number(pid);
}

function readGatewayFile(path: string): GatewayRunFile | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<GatewayRunFile>;
    return typeof value.pid === 'number' && typeof value.socket === 'string'
      ? { pid: value.pid, socket: value.socket }
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes this process the supervisor of the run folder, or throws `store-locked` with the pid of the one that lives. Gives
 * what takes the mark away again.
 */
export function claimSupervision(runDir: string): () => void {
  const path = join(runDir, 'supervisor.json');
  mkdirSync(runDir, { recursive: true, mode: 0o700 });
  const other = livingSupervisor(path);
  if (other !== undefined) {
    throw new MainspringError('store-locked', `serve: process ${other} already serves this data folder`, {
      hint: `Stop process ${other} first, or use another data_dir.`,
    });
  }
  writeFileSync(path, JSON.stringify({ pid: process.pid, startedAt: processStart(process.pid) }), { mode: 0o600 });
  return () => rmSync(path, { force: true });
}

function livingSupervisor(path: string): number | undefined {
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; startedAt: string | null };
    // A pid may have been given to another process since.
    return pid !== process.pid && isAlive(pid) && processStart(pid) === startedAt ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a process of this id runs. One that was killed and that nobody has reaped yet (a zombie) does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = statOf(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/** When a process started, in the kernel's own count; null where there is no /proc. */
function processStart(pid: number): string | null {
  return statOf(pid)?.[19] ?? null;
}

/** The fields of `/proc/PID/stat` behind the name, the state first; undefined where there is no /proc. See proc(5). */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
