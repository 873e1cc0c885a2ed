import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { BareRepo, type Remote, type RepoRun } from './bare-repo.ts';
import { isCluttered, isPinned, PINS, unneededPins } from './mirror-folder.ts';
import { movedCommit } from './repo-errors.ts';

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

const SCRATCH = 'refs/scratch';

/**
 * A bare repo below the data folder that holds single commits of one repo, each with all its files and without its history
 * (shallow), pinned by `refs/mainspring/COMMIT`. A pin is written last, so what is pinned is whole. Histories without files
 * are in a repo of their own beside it (`History`), as a partial one could not be checked for what it lacks.
 */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #bare: BareRepo;
  readonly #pinned = new Set<CommitId>();

  constructor(options: MirrorOptions) {
    this.#options = options;
    const onReplaced = () => {
      this.#pinned.clear();
      options.onReplaced();
    };
    this.#bare = new BareRepo({ ...options, onReplaced });
  }

  /** Whether a commit is pinned. */
  async has(commit: CommitId): Promise<boolean> {
    if (this.#pinned.has(commit)) return true;
    if (!(await isPinned(this.#options.gitDir, commit))) return false;
    this.#pinned.add(commit);
    return true;
  }

  /** Fetches a commit, unless it is pinned. A mirror that turns out to be broken is made anew. */
  fetch(commit: CommitId, remote: Remote, run: RepoRun): Promise<void> {
    return this.#bare.exclusively(async () => {
      run.signal?.throwIfAborted();
      if (await this.has(commit)) return;
      const fetched = await this.#bare.fetchPinned([commit], { remote, options: ['--depth=1'] }, run);
      if (fetched === 'by-id-refused') await this.#fetchByBranches(commit, remote, run);
      await this.#confirm(commit);
    });
  }

  /** Whether everything pinned is there; a read that misses something asks this before the mirror is given up. */
  async isWhole(run: RepoRun): Promise<boolean> {
    const checked = await this.#bare.git(['fsck', '--connectivity-only', '--no-dangling', '--no-progress'], run);
    return checked.ok;
  }

  /** How often it was made anew. */
  get generation(): number {
    return this.#bare.generation;
  }

  /** Removes the mirror, unless it was made anew since that generation; the next fetch makes it anew. */
  remove(generation: number): Promise<void> {
    return this.#bare.remove(generation);
  }

  /** Unpins what is not to be kept and frees its space. Without `keep`, the newest pins stay. Pins of the last hour always do. */
  tidy(keep: ReadonlySet<CommitId> | null, run: RepoRun): Promise<void> {
    const { gitDir, now } = this.#options;
    return this.#bare.exclusively(async () => {
      if ((await stat(gitDir).catch(() => null)) === null) return;
      await this.#bare.open(null);
      const dropped = await unneededPins(gitDir, keep, now());
      if (dropped.length === 0 && !(await isCluttered(gitDir))) return;
      for (const commit of dropped) this.#pinned.delete(commit);
      const input = dropped.map((commit) => `delete ${PINS}/${commit}\n`).join('');
      await this.#bare.must(['update-ref', '--stdin'], { ...run, input });
      await this.#bare.must(['repack', '-a', '-d', '-q'], run);
      await this.#bare.must(['prune', '--expire=now'], run);
      this.#options.onReplaced();
    });
  }

  /** For servers that only give out branches: their tips first, then, for a commit further down, everything. */
  async #fetchByBranches(commit: CommitId, remote: Remote, run: RepoRun): Promise<void> {
    try {
      for (const depth of ['1', '2147483647']) {
        const how = { remote, options: [`--depth=${depth}`] };
        const fetched = await this.#bare.fetch([`+refs/heads/*:${SCRATCH}/*`], how, run);
        if (!fetched.ok) throw this.#bare.failed(fetched, remote);
        if (!(await this.#bare.git(['cat-file', '-e', `${commit}^{commit}`], run)).ok) continue;
        await this.#bare.must(['update-ref', `${PINS}/${commit}`, commit], run);
        return;
      }
      throw movedCommit(this.#options.repo, [commit], 'no branch holds it');
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
}
