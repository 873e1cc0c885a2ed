import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { CommitId } from '../../src/model/ids.ts';
import type { Cleanup } from './cleanup.ts';

const run = promisify(execFile);

/** A file to commit: its content, an executable, a symlink's target, or null to delete it. */
export type TestFile = string | Uint8Array | { readonly exec: string } | { readonly link: string } | null;

/** What `tempRepo` can be told. */
export interface TempRepoOptions {
  /** The folder in which the bare repo is made (default: a temporary one); removed after the test only if made here. */
  readonly root?: string;
  /** The bare repo's folder name; `.git` is added. */
  readonly name?: string;
  /** The default branch. */
  readonly branch?: string;
}

/** A bare repo and a work tree that pushes to it, driven by the system's git with a clean environment. */
export interface TempRepo {
  /** The bare repo: what a daemon would be given. */
  readonly bare: string;
  /** The work tree. */
  readonly work: string;
  /** Runs git in the work tree and gives back what it printed, trimmed. */
  git(...args: readonly string[]): Promise<string>;
  /** Runs git in the bare repo. */
  gitBare(...args: readonly string[]): Promise<string>;
  /** Writes files and commits them on the branch that is checked out. Nothing is pushed. */
  commit(files: Readonly<Record<string, TestFile>>, message?: string): Promise<CommitId>;
  /** Pushes what is checked out to the branch (default: of the same name); gives its commit. */
  push(options?: { readonly to?: string; readonly force?: boolean }): Promise<CommitId>;
  /** `commit`, then `push`. */
  commitAndPush(files: Readonly<Record<string, TestFile>>, message?: string): Promise<CommitId>;
  /** Checks out a branch, made from what is checked out if it is new. */
  switchTo(branch: string): Promise<void>;
}

/** The environment of every git that a test runs: nothing of the machine's own configuration. */
export const CLEAN_GIT_ENV: Readonly<Record<string, string>> = {
  PATH: process.env.PATH ?? '/usr/bin:/bin',
  HOME: '/nonexistent',
  LC_ALL: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
};

/** Runs git in a folder with the clean environment; gives back what it printed, trimmed. */
export async function runTestGit(
  cwd: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { stdout } = await run('git', [...args], {
    cwd,
    env: { ...CLEAN_GIT_ENV, ...env },
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.trimEnd();
}

/** Runs several gits as one shell script: starting a program from a test costs more than what such a git does. */
export async function runTestScript(cwd: string, lines: readonly string[], args: readonly string[]): Promise<string> {
  const { stdout } = await run('sh', ['-ec', lines.join('\n'), 'sh', ...args], { cwd, env: CLEAN_GIT_ENV });
  return stdout.trimEnd();
}

const INIT = [
  'git init -q --bare --initial-branch="$1" "$2"',
  'git init -q --initial-branch="$1" work',
  'git -C work remote add origin "$2"',
  // Nothing of what tests make is worth tidying.
  'for config in "$2/config" work/.git/config; do',
  `  printf '[receive]\\n\\tautogc = false\\n[maintenance]\\n\\tauto = false\\n' >> "$config"`,
  'done',
];
const COMMIT = ['git add --all', 'git commit -q --allow-empty -m "$1"', 'shift'];
const PUSH = [
  'branch=$1',
  'test -n "$branch" || branch=$(git symbolic-ref --short HEAD)',
  'git push -q $2 origin "HEAD:refs/heads/$branch"',
];
const SHOW = ['git rev-parse HEAD'];
const SWITCH = [
  'if git rev-parse -q --verify "refs/heads/$1" > /dev/null; then git switch -q "$1"; else git switch -q --create "$1"; fi',
];

/** A temporary folder that is removed after the test. */
export async function tempDir(t: Cleanup, prefix = 'mainspring-test-'): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), prefix));
  t.after(() => rm(dir, { recursive: true, force: true, maxRetries: 3 }));
  return dir;
}

/** Makes an empty bare repo with a work tree beside it, both removed after the test. */
export async function tempRepo(t: Cleanup, options: TempRepoOptions = {}): Promise<TempRepo> {
  const home = await tempDir(t);
  const branch = options.branch ?? 'main';
  const bare = join(options.root ?? home, `${options.name ?? 'repo'}.git`);
  const work = join(home, 'work');
  await runTestScript(home, INIT, [branch, bare]);
  return repoAt(bare, work);
}

function repoAt(bare: string, work: string): TempRepo {
  const git = (...args: readonly string[]) => runTestGit(work, args);
  const script = async (lines: readonly string[], ...args: readonly string[]) =>
    (await runTestScript(work, lines, args)) as CommitId;
  const write = async (files: Readonly<Record<string, TestFile>>) => {
    for (const [path, file] of Object.entries(files)) await writeTestFile(join(work, path), file);
  };
  return {
    bare,
    work,
    git,
    gitBare: (...args) => runTestGit(bare, args),
    commit: async (files, message = 'change') => {
      await write(files);
      return script([...COMMIT, ...SHOW], message);
    },
    push: ({ to = '', force = false } = {}) => script([...PUSH, ...SHOW], to, force ? '--force' : ''),
    commitAndPush: async (files, message = 'change') => {
      await write(files);
      return script([...COMMIT, ...PUSH, ...SHOW], message, '', '');
    },
    switchTo: async (branch) => {
      await script(SWITCH, branch);
    },
  };
}

/** Writes one test file, with its folders. */
export async function writeTestFile(path: string, file: TestFile): Promise<void> {
  await rm(path, { recursive: true, force: true });
  if (file === null) return;
  await mkdir(dirname(path), { recursive: true });
  if (typeof file === 'string' || file instanceof Uint8Array) return writeFile(path, file);
  if ('link' in file) return symlink(file.link, path);
  await writeFile(path, file.exec);
  await chmod(path, 0o755);
}
