import { stat } from 'node:fs/promises';
import pLimit from 'p-limit';
import { MainspringError } from '../model/errors.ts';
import type { CommitId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import { BareRepo, type Fetching, type Remote, type RepoRun } from './bare-repo.ts';
import { mergeBases } from './merge-base.ts';
import { isCluttered, PINS, unneededPins } from './mirror-folder.ts';
import { cutHistory, movedCommit, notACommit } from './repo-errors.ts';
import type { GitExit } from './run-git.ts';

/** What a history is made of. */
export interface HistoryOptions {
  readonly repo: RepoUrl;
  readonly gitDir: string;
  /** For work inside the history, which reaches out to nobody. */
  readonly env: Readonly<Record<string, string>>;
  readonly now: () => number;
}

/** How the server is reached; asked only when something must be fetched. */
export type FindRemote = () => Promise<Remote>;

/**
 * Makes a fetch (and packing what it brought) a partial one. Given to those runs only: for all others the repo has no remote,
 * so none of them can try to fetch what is left out, whatever the version of git.
 */
const PARTIAL = ['remote.origin.promisor=true', 'remote.origin.partialclonefilter=tree:0'];
/** The branches of a server that gives out nothing else; kept, so that the next fetch brings only what is new. */
const BRANCHES = 'refs/branches';
const READS_AT_ONCE = 4;
const ANSWER_BYTES = 1_000_000;
const WANTED_AT_ONCE = 500;

/**
 * A bare repo below the data folder that holds the history of one repo: commits without trees and files, or with them where
 * the server knows no filters. Every commit in it is there with all its ancestors.
 */
export class History {
  readonly #options: HistoryOptions;
  readonly #bare: BareRepo;
  readonly #reads = pLimit(READS_AT_ONCE);
  /** What somebody waits for: whoever's turn it is fetches it for all of them. */
  readonly #wanted = new Set<CommitId>();

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#bare = new BareRepo({ ...options, onReplaced: () => {} });
  }

  /** How often it was made anew. */
  get generation(): number {
    return this.#bare.generation;
  }

  /** Removes the history, unless it was made anew since that generation; the next fetch makes it anew. */
  remove(generation: number): Promise<void> {
    return this.#bare.remove(generation);
  }

  /** The merge base of two commits, which are fetched unless they are there. A history that turns out to be broken is made anew. */
  async mergeBase(a: CommitId, b: CommitId, remote: FindRemote, run: RepoRun): Promise<CommitId | null> {
    const known = await this.#bases(a, b, run);
    if ('bases' in known) return known.bases[0] ?? null;
    let failure = '';
    for (let triesLeft = 2; triesLeft > 0; triesLeft--) {
      await this.#bring([a, b], remote, run);
      const { generation } = this.#bare;
      const found = await this.#bases(a, b, run);
      if ('bases' in found) return found.bases[0] ?? null;
      failure = found.failure;
      await this.remove(generation);
    }
    throw new MainspringError('git-mirror-corrupt', `history of "${this.#options.repo}": ${failure}`, {
      retry: 'now',
      hint: 'It is made anew. If this comes back, is the disk full or failing?',
    });
  }

  /**
   * Unpins what is neither to be kept nor among the newest pins, nor of the last hour, and packs again where that is worth it.
   * What is unpinned stays (it is small); once it is more than the rest, the history is made anew by the next fetch.
   */
  tidy(keep: ReadonlySet<CommitId> | null, run: RepoRun): Promise<void> {
    const { gitDir, now } = this.#options;
    return this.#bare.exclusively(async () => {
      if ((await stat(gitDir).catch(() => null)) === null) return;
      await this.#bare.open(null);
      const old = new Set(await unneededPins(gitDir, null, now()));
      const dropped = (await unneededPins(gitDir, keep, now())).filter((commit) => old.has(commit));
      const input = dropped.map((commit) => `delete ${PINS}/${commit}\n`).join('');
      if (dropped.length > 0) await this.#bare.must(['update-ref', '--stdin'], { ...run, input });
      if (!(await isCluttered(gitDir))) return;
      if (await this.#isMostlyWaste(run)) return this.#bare.replace();
      const partial = { ...run, config: PARTIAL };
      await this.#bare.must(['repack', '-a', '-d', '-q', '--no-write-bitmap-index'], partial);
      await this.#bare.must(['prune', '--expire=now', '--exclude-promisor-objects'], partial);
    });
  }

  async #isMostlyWaste(run: RepoRun): Promise<boolean> {
    const format = '--batch-check=%(objecttype)';
    const types = await this.#bare.must(['cat-file', '--batch-all-objects', '--unordered', format], run);
    const reachable = Number(await this.#bare.must(['rev-list', '--count', '--all'], run));
    return types.split('\n').filter((type) => type === 'commit').length > 2 * reachable;
  }

  #bases(a: CommitId, b: CommitId, run: RepoRun) {
    const git = (args: readonly string[]) => this.#bare.git(args, { ...run, maxBytes: ANSWER_BYTES });
    return this.#reads(() => mergeBases(git, a, b));
  }

  /** Makes sure that commits are there. One writer at a time, which brings along what the others wait for. */
  async #bring(commits: readonly CommitId[], remote: FindRemote, run: RepoRun): Promise<void> {
    for (const commit of commits) this.#wanted.add(commit);
    try {
      await this.#bare.exclusively(async () => {
        run.signal?.throwIfAborted();
        const lacking = await this.#lacking(commits, run);
        if (lacking.length > 0) await this.#fetchAlong(lacking, await remote(), run);
      });
    } finally {
      for (const commit of commits) this.#wanted.delete(commit);
    }
  }

  async #fetchAlong(commits: readonly CommitId[], remote: Remote, run: RepoRun): Promise<void> {
    const how: Fetching = { remote, options: ['--filter=tree:0'], config: PARTIAL };
    const others = [...this.#wanted].filter((commit) => !commits.includes(commit));
    const along = (await this.#lacking(others, run)).slice(0, WANTED_AT_ONCE);
    await this.#fetch([...commits, ...along], how, run).catch((error: unknown) => {
      if (along.length === 0 || run.signal?.aborted === true) throw error;
      // One of the others may be gone. They are not tried together again: each waits for its own turn.
      for (const commit of along) this.#wanted.delete(commit);
      return this.#fetch(commits, how, run);
    });
  }

  async #fetch(commits: readonly CommitId[], how: Fetching, run: RepoRun): Promise<void> {
    const fetched = await this.#bare.fetchPinned(commits, how, run);
    const { stderr } = fetched === 'by-id-refused' ? await this.#fetchBranches(how, run) : fetched;
    if (/shallow roots are not allowed/.test(stderr)) {
      // git keeps such commits without their ancestors: nothing in here can be trusted any more.
      await this.#bare.replace();
      throw cutHistory(this.#options.repo);
    }
    const [lacking] = await this.#lacking(commits, run);
    if (lacking !== undefined && fetched !== 'by-id-refused')
      throw notACommit(this.#options.repo, lacking, 'tag or a tree');
    if (lacking !== undefined) throw movedCommit(this.#options.repo, [lacking], 'no branch holds it');
    if (fetched === 'by-id-refused') await this.#pin(commits, run);
  }

  /** For servers that only give out branches: all of them. */
  async #fetchBranches(how: Fetching, run: RepoRun): Promise<GitExit> {
    const all = { ...how, options: [...how.options, '--prune'] };
    const fetched = await this.#bare.fetch([`+refs/heads/*:${BRANCHES}/*`], all, run);
    if (!fetched.ok) throw this.#bare.failed(fetched, how.remote);
    return fetched;
  }

  async #pin(commits: readonly CommitId[], run: RepoRun): Promise<void> {
    const input = commits.map((commit) => `update ${PINS}/${commit} ${commit}\n`).join('');
    await this.#bare.must(['update-ref', '--stdin'], { ...run, input });
  }

  /** Which of them are not there, as commits. */
  async #lacking(commits: readonly CommitId[], run: RepoRun): Promise<readonly CommitId[]> {
    if (commits.length === 0) return [];
    const input = commits.map((commit) => `${commit}\n`).join('');
    const { stdout } = await this.#bare.git(['cat-file', '--batch-check'], { ...run, input });
    const there = new Set(
      stdout
        .split('\n')
        .filter((line) => / commit \d+$/.test(line))
        .map((line) => line.split(' ')[0]),
    );
    return commits.filter((commit) => !there.has(commit));
  }
}
