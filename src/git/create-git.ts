import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { CommitId, TreeId } from '../model/ids.ts';
import type { GitCredential, Settings } from '../model/settings.ts';
import type { RefListing, RepoUrl } from '../model/source.ts';
import type { SourceTree } from '../model/source-tree.ts';
import { transportOf } from '../model/source-url.ts';
import type { Remote } from './bare-repo.ts';
import { chooseCredential } from './credentials.ts';
import { abandonable, deadline } from './deadline.ts';
import type { CommitFacts, Git, RepoAccess, TreeEntry } from './git.ts';
import type { HostEnvironment } from './git-environment.ts';
import { DEFAULT_LIMITS, type GitLimits } from './limits.ts';
import { RefLister } from './list-refs.ts';
import { locateLocal } from './local-repo.ts';
import { localMergeBase } from './merge-base.ts';
import { Mirrors } from './mirrors.ts';
import { httpRemote, sshRemote } from './remotes.ts';
import { checkCommit, checkUrl, goneCommit, localDamage, notACommit } from './repo-errors.ts';
import { RepoObjects } from './repo-objects.ts';
import { type MissingObject, UnreadableObject } from './unreadable-object.ts';
import { RefWatch } from './watch-refs.ts';

/** What git needs to know. */
export interface GitOptions {
  readonly settings: Pick<Settings, 'git' | 'gitAuth'>;
  /** Mirrors are kept below `mirrors/` in it. */
  readonly dataDir: string;
  /** The program's environment; only a few variables of it reach git. */
  readonly env: HostEnvironment;
  readonly now?: () => number;
  readonly limits?: Partial<GitLimits>;
}

/** Git by isomorphic-git (listing over HTTP) and the system's git (everything else). One for each data folder. */
export function createGit(options: GitOptions): Git {
  return new SystemGit(options);
}

class SystemGit implements Git {
  readonly #options: GitOptions;
  readonly #limits: GitLimits;
  readonly #now: () => number;
  readonly #lister: RefLister;
  readonly #mirrors: Mirrors;
  readonly #objects: RepoObjects;
  readonly #closing = new AbortController();
  readonly #watches = new Set<RefWatch>();

  constructor(options: GitOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#now = options.now ?? Date.now;
    const mirrorsDir = join(options.dataDir, 'mirrors');
    this.#lister = new RefLister({
      localRoots: options.settings.git.localRoots,
      env: options.env,
      limits: this.#limits,
      workDir: mirrorsDir,
    });
    this.#mirrors = new Mirrors({
      dir: mirrorsDir,
      env: options.env,
      now: this.#now,
      onReplaced: (gitDir) => this.#objects.release(gitDir),
    });
    this.#objects = new RepoObjects({
      env: options.env,
      limits: this.#limits,
      gitDirOf: async (repo) =>
        transportOf(repo) === 'local' ? (await this.#lister.located(repo)).commonDir : this.#mirrors.gitDir(repo),
      explain: (repo, error) => this.#explain(repo, error),
    });
  }

  async list(access: RepoAccess, signal: AbortSignal): Promise<RefListing> {
    checkUrl(access.repo);
    const credential = chooseCredential(access, this.#options.settings.gitAuth);
    const asOf = this.#now();
    return this.#within(this.#limits.listMs, `list "${access.repo}"`, signal, async (limited) => {
      const { head, branches } = await abandonable(limited, this.#lister.list(access.repo, credential, limited));
      return { repo: access.repo, asOf, head, branches };
    });
  }

  async fetch(access: RepoAccess, commit: CommitId, signal: AbortSignal): Promise<void> {
    checkUrl(access.repo);
    checkCommit(commit);
    const credential = chooseCredential(access, this.#options.settings.gitAuth);
    await this.#within(this.#limits.fetchMs, `fetch "${access.repo}"`, signal, (limited) =>
      abandonable(limited, this.#bringCommit(access.repo, credential, commit, limited)),
    );
  }

  async mergeBase(access: RepoAccess, a: CommitId, b: CommitId, signal: AbortSignal): Promise<CommitId | null> {
    const { repo } = access;
    checkUrl(repo);
    for (const commit of [a, b]) checkCommit(commit);
    const credential = chooseCredential(access, this.#options.settings.gitAuth);
    return this.#within(this.#limits.fetchMs, `merge base in "${repo}"`, signal, (limited) => {
      const isLocal = transportOf(repo) === 'local';
      const base = isLocal
        ? this.#localBase(repo, [a, b], limited)
        : this.#remoteBase(repo, credential, [a, b], limited);
      return abandonable(limited, base);
    });
  }

  async commitFacts(repo: RepoUrl, commit: CommitId): Promise<CommitFacts> {
    const { author, subject } = await this.#objects.commit(repo, commit);
    return { commit, author, subject };
  }

  treeOf(repo: RepoUrl, commit: CommitId, folder: string): Promise<TreeId> {
    return this.#objects.treeOf(repo, commit, folder);
  }

  entries(repo: RepoUrl, tree: TreeId, options: { readonly recursive: boolean }): Promise<readonly TreeEntry[]> {
    return this.#objects.entries(repo, tree, options.recursive);
  }

  blobs(
    repo: RepoUrl,
    oids: readonly string[],
    options: { readonly maxBytes: number },
  ): Promise<readonly Uint8Array[]> {
    return this.#objects.blobs(repo, oids, options.maxBytes);
  }

  exportTree(repo: RepoUrl, tree: TreeId, into: string, signal: AbortSignal): Promise<void> {
    return this.#within(this.#limits.exportMs, `export of tree ${tree}`, signal, (limited) =>
      this.#objects.exportTree(repo, tree, into, limited),
    );
  }

  readTree(repo: RepoUrl, tree: TreeId, signal: AbortSignal): Promise<SourceTree> {
    return this.#within(this.#limits.readMs, `reading of tree ${tree}`, signal, () =>
      this.#objects.readTree(repo, tree),
    );
  }

  watch(repo: RepoUrl, onChange: () => void): () => void {
    if (transportOf(repo) !== 'local') return () => {};
    const { localRoots } = this.#options.settings.git;
    const watch = new RefWatch({ locate: () => locateLocal(repo, localRoots, 'git-list-failed'), onChange });
    this.#watches.add(watch);
    return () => {
      watch.close();
      this.#watches.delete(watch);
    };
  }

  async prune(keep: readonly RepoUrl[], options: { readonly commits?: ReadonlySet<CommitId> } = {}): Promise<void> {
    const remote = keep.filter((repo) => transportOf(repo) !== 'local');
    const run = { timeoutMs: this.#limits.tidyMs, signal: this.#closing.signal };
    await this.#mirrors.prune(remote, options.commits ?? null, run);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    for (const watch of this.#watches) watch.close();
    this.#watches.clear();
    this.#objects.close();
    await this.#lister.close();
  }

  async #bringCommit(
    repo: RepoUrl,
    credential: GitCredential | null,
    commit: CommitId,
    signal: AbortSignal,
  ): Promise<void> {
    if (transportOf(repo) === 'local') await this.#lister.locate(repo, 'git-fetch-failed');
    else if (await this.#isMirrored(repo, credential, commit, signal)) return;
    const type = await this.#objects.typeOf(repo, commit);
    if (type === null) throw goneCommit(repo, commit);
    if (type !== 'commit') throw notACommit(repo, commit, type);
  }

  /** Fetches the commit unless it was fetched before, which it says. */
  async #isMirrored(
    repo: RepoUrl,
    credential: GitCredential | null,
    commit: CommitId,
    signal: AbortSignal,
  ): Promise<boolean> {
    const mirror = await this.#mirrors.get(repo);
    if (await mirror.has(commit)) return true;
    const remote = await this.#remote(repo, credential, signal);
    try {
      await mirror.fetch(commit, remote, { signal, timeoutMs: this.#limits.fetchMs });
    } catch (error) {
      // The next attempt looks where the repo is by now.
      this.#lister.forget(repo);
      throw error;
    }
    return false;
  }

  async #localBase(
    repo: RepoUrl,
    commits: readonly [CommitId, CommitId],
    signal: AbortSignal,
  ): Promise<CommitId | null> {
    for (const commit of commits) await this.#bringCommit(repo, null, commit, signal);
    const run = { env: this.#options.env, timeoutMs: this.#limits.fetchMs, signal };
    return localMergeBase(repo, await this.#lister.located(repo), commits, run);
  }

  async #remoteBase(
    repo: RepoUrl,
    credential: GitCredential | null,
    [a, b]: readonly [CommitId, CommitId],
    signal: AbortSignal,
  ): Promise<CommitId | null> {
    const history = await this.#mirrors.history(repo);
    const remote = () => this.#remote(repo, credential, signal);
    return history.mergeBase(a, b, remote, { signal, timeoutMs: this.#limits.fetchMs }).catch((error: unknown) => {
      // The next attempt looks where the repo is by now.
      this.#lister.forget(repo);
      throw error;
    });
  }

  async #remote(repo: RepoUrl, credential: GitCredential | null, signal: AbortSignal): Promise<Remote> {
    const marker = await this.#mirrors.marker();
    if (transportOf(repo) === 'ssh') return sshRemote(repo, credential, this.#options.env, marker);
    if (this.#lister.baseOf(repo) === undefined) {
      await this.#lister.list(repo, credential, signal);
    }
    return httpRemote(this.#lister.baseOf(repo) ?? repo, credential, this.#options.env, marker);
  }

  /** Runs work under a time limit, which also ends when git is closed. */
  async #within<T>(
    ms: number,
    what: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limit = deadline(ms, what, AbortSignal.any([signal, this.#closing.signal]));
    limit.signal.throwIfAborted();
    return work(limit.signal).catch((error: unknown) => {
      throw limit.explain(error);
    });
  }

  async #explain(repo: RepoUrl, error: MissingObject | UnreadableObject): Promise<MainspringError> {
    if (transportOf(repo) === 'local') return localDamage(repo, error);
    const mirror = await this.#mirrors.get(repo);
    const { generation } = mirror;
    const run = { timeoutMs: this.#limits.readMs, signal: this.#closing.signal };
    if (!(error instanceof UnreadableObject) && (await mirror.isWhole(run))) {
      return new MainspringError(
        'git-ref-missing',
        `read "${repo}": ${error.message} (not fetched, or dropped since)`,
        {
          cause: error,
          retry: 'now',
        },
      );
    }
    await mirror.remove(generation);
    return new MainspringError('git-mirror-corrupt', `mirror of "${repo}": ${error.message}`, {
      cause: error,
      retry: 'now',
      hint: 'It is made anew by the next fetch. If this comes back, the disk may be failing.',
    });
  }
}
