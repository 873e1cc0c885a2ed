import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { failureKind, lastWords, redact, remoteFailure } from './failure.ts';
import { PINS, removeLocks } from './mirror-folder.ts';
import { movedCommit } from './repo-errors.ts';
import { type GitExit, runGit } from './run-git.ts';

/** How a fetch reaches the server. */
export interface Remote {
  /** After redirects. */
  readonly url: string;
  /** Holds the credential. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/** What a bare repo of ours is made of. */
export interface BareRepoOptions {
  readonly repo: RepoUrl;
  readonly gitDir: string;
  /** For work inside the repo, which reaches out to nobody. */
  readonly env: Readonly<Record<string, string>>;
  /** Lets go of what reads the repo or is known of it. */
  readonly onReplaced: () => void;
}

/** One operation's limits. */
export interface RepoRun {
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

/** Such a run with more to say: config that holds for it alone, input, another environment, a limit on what it prints. */
interface GitRunOptions extends RepoRun {
  readonly config?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly maxBytes?: number;
}

/** Where a fetch gets things, and how much: options of `git fetch`, and config that holds for it alone. */
export interface Fetching {
  readonly remote: Remote;
  readonly options: readonly string[];
  readonly config?: readonly string[];
}

const INIT_MS = 60_000;
const QUIET = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-gc'];

/**
 * A bare repo below the data folder that is filled from one other repo and can be made anew from it at any time. Commits that
 * were fetched are pinned by `refs/mainspring/COMMIT`. Its config never holds where it is filled from: the URL is given to
 * each fetch, the credential to its environment.
 */
export class BareRepo {
  readonly #options: BareRepoOptions;
  // One writer at a time: git's locks make a second one fail.
  readonly #oneByOne = pLimit(1);
  #isOpen = false;
  #generation = 0;

  constructor(options: BareRepoOptions) {
    this.#options = options;
  }

  /** How often it was made anew. */
  get generation(): number {
    return this.#generation;
  }

  /** Runs work once all work before it is done. Work that changes the repo goes through here. */
  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return this.#oneByOne(work);
  }

  /** Removes the repo, unless it was made anew since that generation; the next fetch makes it anew. */
  remove(generation: number): Promise<void> {
    return this.exclusively(async () => {
      if (generation === this.#generation) await this.replace();
    });
  }

  /** Makes the repo if it is not there; says whether it did. Locks of a git that is gone are removed once. */
  async open(example: CommitId | null): Promise<boolean> {
    const { gitDir, repo } = this.#options;
    const exists = (await stat(join(gitDir, 'HEAD')).catch(() => null)) !== null;
    if (exists && this.#isOpen) return false;
    this.#isOpen = true;
    if (exists) {
      await removeLocks(gitDir);
      return false;
    }
    await rm(gitDir, { recursive: true, force: true });
    const format = example?.length === 64 ? 'sha256' : 'sha1';
    const made = `${gitDir}.new`;
    await rm(made, { recursive: true, force: true });
    const init = ['init', '--bare', '--quiet', '--template=', `--object-format=${format}`, made];
    const ended = await this.git(init, { timeoutMs: INIT_MS });
    if (!ended.ok) throw remoteFailure('git-fetch-failed', repo, ended.stderr);
    await writeFile(join(made, 'description'), `${repo}\n`);
    await rename(made, gitDir);
    return true;
  }

  /** Removes the repo at once; for work that has it to itself. */
  async replace(): Promise<void> {
    const { gitDir } = this.#options;
    this.#generation += 1;
    this.#options.onReplaced();
    this.#isOpen = false;
    const trash = `${gitDir}.trash`;
    await rm(trash, { recursive: true, force: true });
    await rename(gitDir, trash).catch(() => {});
    await rm(trash, { recursive: true, force: true });
  }

  /**
   * Fetches commits by their ids and pins them; a repo that turns out to be broken is made anew. `git-ref-moved` if the server
   * lacks one. That the server gives out none by id is an answer, not an error; else it is how the fetch went.
   */
  async fetchPinned(commits: readonly CommitId[], how: Fetching, run: RepoRun): Promise<GitExit | 'by-id-refused'> {
    const isFresh = await this.open(commits[0] ?? null);
    const first = await this.fetch(pinsOf(commits), how, run);
    if (first.ok) return first;
    const kind = failureKind(first.stderr);
    if (kind === 'gone') throw movedCommit(this.#options.repo, commits, first.stderr);
    if (kind === 'by-id-refused') return kind;
    if (kind !== 'unknown' || isFresh) throw this.failed(first, how.remote);
    await this.replace();
    await this.open(commits[0] ?? null);
    const second = await this.fetch(pinsOf(commits), how, run);
    if (!second.ok) throw this.failed(second, how.remote);
    return second;
  }

  /** Fetches refs; how that went is the result. */
  fetch(refspecs: readonly string[], { remote, options, config = [] }: Fetching, run: RepoRun): Promise<GitExit> {
    const args = ['fetch', ...QUIET, ...options, '--', 'origin', ...refspecs];
    return this.git(args, { ...run, env: remote.env, config: [...config, `remote.origin.url=${remote.url}`] });
  }

  /** The error of a fetch that failed. */
  failed(exit: GitExit, remote: Remote): MainspringError {
    return remoteFailure('git-fetch-failed', this.#options.repo, redact(exit.stderr, remote.secrets));
  }

  /** Runs git in the repo. */
  git(args: readonly string[], { config = [], ...run }: GitRunOptions): Promise<GitExit> {
    const { gitDir, repo, env } = this.#options;
    const inside = args[0] === 'init' ? [] : [`--git-dir=${gitDir}`];
    const settings = config.flatMap((setting) => ['-c', setting]);
    const what = `${args[0] ?? 'git'} "${repo}"`;
    return runGit({ cwd: '/', what, env, ...run, args: [...settings, ...inside, ...args] });
  }

  /** Runs git where it can only fail if the repo is damaged; gives back what it printed. */
  async must(args: readonly string[], run: GitRunOptions): Promise<string> {
    const ended = await this.git(args, run);
    if (ended.ok) return ended.stdout;
    throw new MainspringError('git-mirror-corrupt', `mirror of "${this.#options.repo}": ${lastWords(ended.stderr)}`, {
      retry: 'now',
      hint: 'The mirror is made anew. If this comes back, is the disk full or failing?',
    });
  }
}

function pinsOf(commits: readonly CommitId[]): readonly string[] {
  return commits.map((commit) => `+${commit}:${PINS}/${commit}`);
}
