import { execa } from 'execa';
import { MainspringError } from '../model/errors.ts';
import { timeoutError } from './deadline.ts';

/** One run of the system's git. */
export interface GitRun {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Operation and subject, for errors: `fetch "https://…"`. */
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly input?: string;
  /** Where standard output goes instead of memory. */
  readonly intoFile?: string;
  readonly maxBytes?: number;
}

/** How a run ended. `stderr` is in English (`LC_ALL=C`). */
export interface GitExit {
  readonly ok: boolean;
  /** Null if it did not end by itself. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

// Long enough for git to remove its lock and temporary files.
const TERM_GRACE_MS = 1_000;

/**
 * Runs git, never through a shell. An exit code other than 0 is a result; the caller's abort, the time limit and a missing
 * git are thrown. When it ends early, its whole process group does.
 */
export async function runGit(run: GitRun): Promise<GitExit> {
  run.signal?.throwIfAborted();
  const result = await execa('git', [...run.args], {
    cwd: run.cwd,
    env: { ...run.env },
    extendEnv: false,
    reject: false,
    timeout: run.timeoutMs,
    killDescendants: true,
    forceKillAfterDelay: TERM_GRACE_MS,
    maxBuffer: run.maxBytes ?? 64 * 1024 ** 2,
    stdout: run.intoFile === undefined ? 'pipe' : { file: run.intoFile },
    ...(run.signal === undefined ? {} : { cancelSignal: run.signal }),
    ...(run.input === undefined ? { stdin: 'ignore' } : { input: run.input }),
  });
  if (run.signal?.aborted === true) throw run.signal.reason;
  if (result.timedOut) throw timeoutError(run.what, run.timeoutMs);
  if (result.code === 'ENOENT') throw missingGit(result.cause);
  return {
    ok: !result.failed,
    exitCode: result.exitCode ?? null,
    stdout: String(result.stdout ?? ''),
    stderr: String(result.stderr ?? ''),
  };
}

/** The error of a machine without git. */
export function missingGit(cause: unknown): MainspringError {
  return new MainspringError('git-missing', 'the program "git" is not there', {
    cause,
    hint: 'Install git (for example `apt-get install git`); see `mainspring doctor`.',
  });
}
