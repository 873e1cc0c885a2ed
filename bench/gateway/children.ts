import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { Workplace } from '../workplace.ts';

const END_MS = 3_000;

/** Starts a program that ends with the bench. */
export function startChild(
  at: Workplace,
  [command = '', ...args]: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly stdio?: StdioOptions } = {},
): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'ignore'], ...options });
  child.on('error', () => {});
  at.atEnd(() => endChild(child));
  return child;
}

/** Ends a program. It is asked first: one that has processes of its own, as nginx has, would leave them behind if it were killed. */
export async function endChild(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await ended;
  clearTimeout(timer);
}

/** Whether a program is there. */
export async function isInstalled(program: string, argument: string): Promise<boolean> {
  const child = spawn(program, [argument], { stdio: 'ignore' });
  return Promise.race([once(child, 'exit').then(() => true), once(child, 'error').then(() => false)]).catch(
    () => false,
  );
}

/** Waits until somebody accepts connections there. */
export async function untilListening(port: number, withinMs = 20_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isUp) return;
    if (performance.now() > deadline) throw new Error(`nothing listens on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The processor time in seconds that these processes and all below them have used so far (Linux; 0 elsewhere). */
export function cpuSeconds(pids: readonly number[]): number {
  const stats = allStats();
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pids.includes(pid) || isOurs(stats.get(pid)?.parent));
  let sum = 0;
  for (const [pid, { seconds }] of stats) if (isOurs(pid)) sum += seconds;
  return sum;
}

function allStats(): Map<number, { readonly parent: number; readonly seconds: number }> {
  const stats = new Map<number, { parent: number; seconds: number }>();
  for (const name of namesInProc()) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // utime and stime in ticks of 10 ms: proc(5).
      stats.set(Number(name), { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / 100 });
    } catch {
      // It has ended.
    }
  }
  return stats;
}

function namesInProc(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}
