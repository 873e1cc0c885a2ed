import { rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { failureKind, lastWords, redact, remoteFailure } from './failure.ts';
import { isCluttered, isPinned, PINS, removeLocks, unneededPins } from './mirror-folder.ts';
import { type GitExit, runGit } from './run-git.ts';

/** How a fetch reaches the server. */
export interface Remote {
  /** After redirects. */
  readonly url: string;
  /** Holds the credential. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/** What a mirror is made of. */
export interface MirrorOptions {
  readonly repo: RepoUrl;
  readonly gitDir: string;
  /** For work inside the mirror, which reaches out to nobody. */
  readonly env: Readonly<Record<string, string>>;
  readonly now: () => number;
  /** Lets go of processes that read the mirror. */
  readonly onReplaced: () => void;
}

/** One operation's limits. */
export interface MirrorRun {
  readonly signal?: AbortSignal;
  readonly timeoutMs: number;
}

const SCRATCH = 'refs/scratch';
const INIT_MS = 60_000;

/**
 * A bare repo below the data folder that holds single commits of one repo, each with all its files and without its history
 * (shallow), pinned by `refs/mainspring/COMMIT`. A pin is written last, so what is pinned is whole. Commits for merge bases
 * (`--filter=tree:0`) would go into a repo of their own beside it, as a partial one could not be checked for what it lacks.
 */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #pinned = new Set<CommitId>();
  // One writer at a time: git's lock on `shallow` makes a second one fail.
  readonly #oneByOne = pLimit(1);
  #isOpen = false;
  #generation = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
  }

  /** Whether a commit is pinned. */
  async has(commit: CommitId): Promise<boolean> {
    if (this.#pinned.has(commit)) return true;
    if (!(await isPinned(this.#options.gitDir, commit))) return false;
    this.#pinned.add(commit);
    return true;
  }

  /** Fetches a commit, unless it is pinned. A mirror that turns out to be broken is made anew. */
  fetch(commit: CommitId, remote: Remote, run: MirrorRun): Promise<void> {
    return this.#oneByOne(async () => {
      run.signal?.throwIfAborted();
      if (await this.has(commit)) return;
      const isFresh = await this.#open(commit);
      const first = await this.#fetchPinned(commit, remote, run);
      if (first.ok) return this.#confirm(commit);
      const kind = failureKind(first.stderr);
      if (kind === 'gone') throw this.#moved(commit, first.stderr);
      if (kind === 'by-id-refused') return this.#fetchByBranches(commit, remote, run);
      if (kind !== 'unknown' || isFresh) throw this.#failed(first, remote);
      await this.#replace();
      await this.#open(commit);
      const second = await this.#fetchPinned(commit, remote, run);
      if (!second.ok) throw this.#failed(second, remote);
      return this.#confirm(commit);
    });
  }

  /** Whether everything pinned is there; a read that misses something asks this before the mirror is given up. */
  async isWhole(run: MirrorRun): Promise<boolean> {
    const checked = await this.#git(['fsck', '--connectivity-only', '--no-dangling', '--no-progress'], run);
    return checked.ok;
  }

  /** How often it was made anew. */
  get generation(): number {
    return this.#generation;
  }

  /** Removes the mirror, unless it was made anew since that generation; the next fetch makes it anew. */
  remove(generation: number): Promise<void> {
    return this.#oneByOne(async () => {
      if (generation === this.#generation) await this.#replace();
    });
  }

  /** Unpins what is not to be kept and frees its space. Without `keep`, the newest pins stay. Pins of the last hour always do. */
  tidy(keep: ReadonlySet<CommitId> | null, run: MirrorRun): Promise<void> {
    return this.#oneByOne(async () => {
      if ((await stat(this.#options.gitDir).catch(() => null)) === null) return;
      await this.#open(null);
      const dropped = await unneededPins(this.#options.gitDir, keep, this.#options.now());
      if (dropped.length === 0 && !(await isCluttered(this.#options.gitDir))) return;
      for (const commit of dropped) this.#pinned.delete(commit);
      const input = dropped.map((commit) => `delete ${PINS}/${commit}\n`).join('');
      await this.#must(['update-ref', '--stdin'], run, input);
      await this.#must(['repack', '-a', '-d', '-q'], run);
      await this.#must(['prune', '--expire=now'], run);
      this.#options.onReplaced();
    });
  }

  /** Makes the mirror if it is not there; says whether it did. Locks of a git that is gone are removed once. */
  async #open(example: CommitId | null): Promise<boolean> {
    const { gitDir } = this.#options;
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
    const ended = await this.#git(init, { timeoutMs: INIT_MS });
    if (!ended.ok) throw remoteFailure('git-fetch-failed', this.#options.repo, ended.stderr);
    await writeFile(join(made, 'description'), `${this.#options.repo}\n`);
    await rename(made, gitDir);
    return true;
  }

  async #replace(): Promise<void> {
    const { gitDir } = this.#options;
    this.#generation += 1;
    this.#options.onReplaced();
    this.#pinned.clear();
    this.#isOpen = false;
    const trash = `${gitDir}.trash`;
    await rm(trash, { recursive: true, force: true });
    await rename(gitDir, trash).catch(() => {});
    await rm(trash, { recursive: true, force: true });
  }

  #fetchPinned(commit: CommitId, remote: Remote, run: MirrorRun): Promise<GitExit> {
    return this.#fetchRefs(remote, run, ['--depth=1'], `+${commit}:${PINS}/${commit}`);
  }

  #fetchRefs(remote: Remote, run: MirrorRun, options: readonly string[], refspec: string): Promise<GitExit> {
    const quiet = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-gc'];
    return this.#git(['fetch', ...quiet, ...options, '--', remote.url, refspec], { ...run, env: remote.env });
  }

  /** For servers that only give out branches: their tips first, then, for a commit further down, everything. */
  async #fetchByBranches(commit: CommitId, remote: Remote, run: MirrorRun): Promise<void> {
    try {
      for (const depth of ['1', '2147483647']) {
        const fetched = await this.#fetchRefs(remote, run, [`--depth=${depth}`], `+refs/heads/*:${SCRATCH}/*`);
        if (!fetched.ok) throw this.#failed(fetched, remote);
        if (!(await this.#git(['cat-file', '-e', `${commit}^{commit}`], run)).ok) continue;
        await this.#must(['update-ref', `${PINS}/${commit}`, commit], run);
        return await this.#confirm(commit);
      }
      throw this.#moved(commit, 'no branch holds it');
    } finally {
      await rm(join(this.#options.gitDir, SCRATCH), { recursive: true, force: true });
    }
  }

  async #confirm(commit: CommitId): Promise<void> {
    if (await this.has(commit)) return;
    throw new MainspringError('git-fetch-failed', `fetch "${this.#options.repo}": ${commit} is not a commit`, {
      hint: 'Check git_commit: it should be the id of a commit, not of a tag or a tree.',
    });
  }

  async #must(args: readonly string[], run: MirrorRun, input?: string): Promise<void> {
    const ended = await this.#git(args, { ...run, ...(input === undefined ? {} : { input }) });
    if (ended.ok) return;
    throw new MainspringError('git-mirror-corrupt', `mirror of "${this.#options.repo}": ${lastWords(ended.stderr)}`, {
      retry: 'now',
      hint: 'The mirror is made anew. If this comes back, is the disk full or failing?',
    });
  }

  #git(
    args: readonly string[],
    run: MirrorRun & { readonly input?: string; readonly env?: Readonly<Record<string, string>> },
  ): Promise<GitExit> {
    const { gitDir, repo, env } = this.#options;
    const inside = args[0] === 'init' ? [] : [`--git-dir=${gitDir}`];
    const what = `${args[0] ?? 'git'} "${repo}"`;
    return runGit({ cwd: '/', what, env, ...run, args: [...inside, ...args] });
  }

  #moved(commit: CommitId, stderr: string): MainspringError {
    return new MainspringError(
      'git-ref-moved',
      `fetch "${this.#options.repo}": the server does not have ${commit} (any more): ${lastWords(stderr)}`,
      { retry: 'now', hint: 'The ref has moved meanwhile, or git_commit names a commit that is not in this repo.' },
    );
  }

  #failed(exit: GitExit, remote: Remote): MainspringError {
    return remoteFailure('git-fetch-failed', this.#options.repo, redact(exit.stderr, remote.secrets));
  }
}
