import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { MainspringError } from '../../model/errors.ts';
import type { AppUser } from './app-user.ts';
import type { LogFiles } from './log-files.ts';
import { shellLine } from './procfile.ts';

// A gate: the shell reads a line before it becomes the app. So the pid is on record and the cgroups are entered before any of
// the app's code runs; and if the controller dies in between, the line never comes and the shell ends.
const GATE = `read -r go || exit 125
exec </dev/null
umask 022
[ -z "$1" ] || ulimit -n "$1" || exit 125
exec /bin/sh -c "$2"`;

/** What to launch, as whom and where. */
export interface LaunchRequest {
  readonly command: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: AppUser | null;
  readonly nofile: number | null;
  readonly logs: LogFiles;
}

/** A process that waits at the gate. */
export interface Launched {
  readonly pid: number;
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
    const args = ['-c', GATE, 'mainspring', String(request.nofile ?? ''), shellLine(request.command)];
    const options: SpawnOptions = {
      cwd: request.cwd,
      env: { ...request.environment },
      detached: true,
      stdio: ['pipe', files[0].fd, files[1].fd],
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

/** Some refusals of the system are thrown, others told. */
async function launched(make: () => ChildProcess): Promise<Launched> {
  try {
    const child = make();
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => resolve(describeExit(code, signal)));
    });
    // If it ends at the gate, writing to it fails: its exit says more.
    child.stdin?.on('error', () => undefined);
    await once(child, 'spawn');
    child.unref();
    return { pid: child.pid ?? 0, exited, release: () => child.stdin?.end('go\n') };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new MainspringError('start-failed', `start: the system refused to make a process: ${why}`, {
      cause: error,
      retry: 'after-interval',
    });
  }
}
