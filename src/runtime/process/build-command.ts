import { type ChildProcess, spawn } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Clock } from '../../model/clock.ts';
import { formatDuration } from '../../model/duration.ts';
import { MainspringError } from '../../model/errors.ts';
import type { ArtifactKey } from '../../model/ids.ts';
import type { LogLine } from '../engine.ts';
import type { LogFiles } from '../log-files.ts';
import type { AppUser } from './app-user.ts';
import type { Families, Family } from './family.ts';
import { describeExit } from './launch.ts';
import type { ProcessTable } from './process-table.ts';

/** One build command to run. */
export interface BuildCommand {
  readonly key: ArtifactKey;
  readonly command: string;
  readonly timeoutMs: number;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: AppUser | null;
  readonly logs: LogFiles;
}

/** What running builds needs of the engine. */
export interface BuildTools {
  readonly clock: Clock;
  readonly table: ProcessTable;
  readonly families: Families;
}

type Stream = LogLine['stream'];

const REASON_LINES = 8;

/** Runs a build command to its end, its output going to the build's log. Whatever the outcome, nothing of it runs when this comes back. */
export async function runBuild(tools: BuildTools, build: BuildCommand, signal: AbortSignal): Promise<void> {
  // Opened before, as Node throws away what is printed while nobody reads.
  const files = { stdout: await build.logs.open('stdout'), stderr: await build.logs.open('stderr') };
  const child = spawn('/bin/sh', ['-c', build.command], {
    cwd: build.cwd,
    env: { ...build.environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(build.user ?? {}),
  });
  const written = keepOutput(child, files, build.logs).catch(() => undefined);
  const family = familyOf(tools.table, child, build.key);
  const cancel = new AbortController();
  const limit = tools.clock.sleep(build.timeoutMs, AbortSignal.any([signal, cancel.signal])).then(() => 'too late');
  let end: string;
  try {
    end = await Promise.race([endOf(child), limit]);
  } finally {
    cancel.abort();
    await tools.families.kill(family, new AbortController().signal);
    await written;
  }
  if (end === 'too late') throw tookTooLong(build);
  if (end !== 'exited with code 0') throw failed(build, end, await build.logs.tail(REASON_LINES));
}

/** All processes of one build, or of any with `key` null. */
export function buildFamily(key: ArtifactKey | null): Family {
  const isMarked: Family['isMarked'] = ({ build }) => build !== undefined && (key === null || build === key);
  return { pid: null, startTime: null, isMarked, cgroups: [] };
}

function familyOf(table: ProcessTable, child: ChildProcess, key: ArtifactKey): Family {
  const pid = child.pid ?? null;
  return { ...buildFamily(key), pid, startTime: pid === null ? null : (table.find(pid)?.startTime ?? null) };
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(describeExit(code, signal)));
  });
}

/** Writes what comes, one piece at a time, so that a build that prints without end waits for the disk and stays within bounds. */
async function keepOutput(child: ChildProcess, files: Record<Stream, FileHandle>, logs: LogFiles): Promise<void> {
  const keep = async (stream: Stream) => {
    const file = files[stream];
    try {
      for await (const chunk of child[stream] ?? []) {
        await file.write(chunk);
        await logs.rotate();
      }
    } finally {
      await file.close();
    }
  };
  await Promise.all([keep('stdout'), keep('stderr')]);
}

function tookTooLong({ command, timeoutMs }: BuildCommand): MainspringError {
  return new MainspringError('build-timeout', `build "${command}": not done after ${formatDuration(timeoutMs)}`, {
    hint: 'Make it faster, or set build_timeout in app_config.',
  });
}

function failed({ command }: BuildCommand, end: string, lines: readonly LogLine[]): MainspringError {
  const last = lines.slice(-REASON_LINES).map(({ text }) => text.slice(0, 300));
  return new MainspringError('build-failed', [`build "${command}": ${end}`, ...last].join('\n'), {
    hint: 'The whole output: mainspring logs APP --build.',
  });
}
