import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import { entryFile } from '../roles/places.ts';
import type { Installation } from './installation.ts';

/** `serve` as a child of the demo. */
export interface Daemon {
  /** Resolves when it has ended, whatever the reason. */
  readonly ended: Promise<void>;
  /** Asks it to end, in order, and waits. Called again, it hurries. */
  stop(): Promise<void>;
}

/** Where `serve` and its processes write. */
export function logFile(folder: string): string {
  return join(folder, 'serve.log');
}

/** The last lines of that log. */
export async function logTail(folder: string, lines: number): Promise<string> {
  const text = await readFile(logFile(folder), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/** Starts `mainspring serve` and waits until it says that it is up. Throws with what it said when it ends before. */
export async function startDaemon({ folder, config, env }: Installation, signal: AbortSignal): Promise<Daemon> {
  signal.throwIfAborted();
  const child = spawnServe(folder, config, env);
  const ended = once(child, 'exit').then(() => undefined);
  const daemon: Daemon = {
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
  const outcome = await Promise.race([
    saysReady(child).then(() => 'ready' as const),
    ended.then(() => 'ended' as const),
    aborted(signal).then(() => 'interrupted' as const),
  ]);
  if (outcome === 'ready') return daemon;
  await daemon.stop();
  signal.throwIfAborted();
  throw new MainspringError('unexpected', `demo: "mainspring serve" ended at once:\n${await logTail(folder, 10)}`);
}

// A session of its own: Ctrl-C in the terminal is for the demo, which then stops this in order.
function spawnServe(folder: string, config: string, env: Installation['env']): ChildProcess {
  const log = openSync(logFile(folder), 'w', 0o600);
  try {
    const args = [...process.execArgv, entryFile(), 'serve', '--config', config];
    return spawn(process.execPath, args, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', log] });
  } finally {
    closeSync(log);
  }
}

/** All that `serve` says on standard output is that it is ready, and where. */
async function saysReady({ stdout }: ChildProcess): Promise<void> {
  if (stdout === null) return;
  await once(stdout, 'data');
  stdout.resume();
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
