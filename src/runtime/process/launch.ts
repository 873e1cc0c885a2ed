import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { MainspringError } from '../../model/errors.ts';
import { shellLine } from '../../specs/procfile.ts';
import type { LogFiles } from '../log-files.ts';
import type { AppUser } from './app-user.ts';

// A gate: the shell reads a line before it becomes the app. So the pid is on record and the cgroups are entered before any of
// the app's code runs; and if the controller dies in between, the line never comes and the shell ends. No name is set that
// could be one of the app's variables.
const GATE = `echo waiting >&3
read -r MAINSPRING_GO <&3 || exit 125
exec 3>&-
umask 022
[ -z "$1" ] || ulimit -n "$1" || exit 125`;
const GATE_FD = 3;

/** What to launch, as whom and where. */
export interface LaunchRequest {
  readonly command: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: AppUser | null;
  readonly nofile: number | null;
  readonly logs: LogFiles;
  /** Files into which it writes that it belongs there, before it waits. What comes of it is to be seen there. */
  readonly entries: readonly string[];
}

/** A process that waits at the gate. */
export interface Launched {
  readonly pid: number;
  /** Resolves once it waits, with its entries tried, or has ended before. */
  readonly waiting: Promise<void>;
  /** Why it ended, in words, when it has. */
  readonly exited: Promise<string>;
  /** Lets it run. */
  release(): void;
}

/** Starts a command in a session of its own, with its output going to files, held at the gate until it is released. */
export async function launch(request: LaunchRequest): Promise<Launched> {
  const files = [await request.logs.open('stdout'), await request.logs.open('stderr')] as const;
  try {
    // Theirs, so that opening /dev/stdout works.
    if (request.user !== null) for (const file of files) await file.chown(request.user.uid, request.user.gid);
    const line = shellLine(request.command);
    const args = [
      '-c',
      gateOf(line, request.entries),
      '/bin/sh',
      String(request.nofile ?? ''),
      line,
      ...request.entries,
    ];
    const options: SpawnOptions = {
      cwd: request.cwd,
      env: { ...request.environment },
      detached: true,
      stdio: ['ignore', files[0].fd, files[1].fd, 'pipe'],
      ...(request.user ?? {}),
    };
    return await launched(() => spawn('/bin/sh', args, options));
  } finally {
    for (const file of files) await file.close();
  }
}

/** How a process ended, for people. */
export function describeExit(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with code ${code}` : `ended by ${signal}`;
}

/** What the shell is told that stands at the gate. Its arguments: the number of open files, the line, the entries. */
function gateOf(line: string, entries: readonly string[]): string {
  const entering = entries.map((_, at) => `echo 0 2>/dev/null >"$${at + 3}"`);
  // What replaces the shell needs no second one; what stays is to be seen as the line that it is.
  const running = line.startsWith('exec ') ? 'eval "set --; $2"' : 'exec /bin/sh -c "$2"';
  return [...entering, GATE, running].join('\n');
}

/** Some refusals of the system are thrown, others told. */
async function launched(make: () => ChildProcess): Promise<Launched> {
  try {
    const child = make();
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(describeExit(code, signal)));
    });
    const gate = child.stdio[GATE_FD] as Socket;
    // If it ends at the gate, writing to it fails: its exit says more.
    gate.on('error', () => undefined);
    const waiting = new Promise<void>((resolve) => gate.once('data', resolve).once('close', resolve));
    await once(child, 'spawn');
    child.unref();
    return { pid: child.pid ?? 0, waiting, exited, release: () => gate.end('go\n') };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MainspringError('start-failed', `start: the system refused to make a process: ${why}`, {
      cause: error,
      retry: 'after-interval',
    });
  }
}
