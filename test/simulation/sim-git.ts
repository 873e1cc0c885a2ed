import type { CommitFacts, Git, RepoAccess, TreeEntry } from '../../src/git/git.ts';
import { canonicalJson, hashOf } from '../../src/model/canonical.ts';
import type { Clock } from '../../src/model/clock.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { CommitId, TreeId } from '../../src/model/ids.ts';
import type { RefListing, RepoUrl } from '../../src/model/source.ts';
import type { SourceTree } from '../../src/model/source-tree.ts';
import { mergeBaseOf } from '../support/merge-base.ts';
import { type SimFaults, suffer } from './sim-faults.ts';

/** What a folder of a repo holds: file name → text. */
export type Folder = Readonly<Record<string, string>>;

/** A commit: folders by path (`""` is the root). A repo knows the parents of all that was pushed to it. */
export interface SimCommit {
  readonly folders: Readonly<Record<string, Folder>>;
  readonly parents?: readonly CommitId[];
}

/** What a listing of a repo does until a time. */
export type ListingFault = 'fails' | 'hangs' | 'empty' | 'partial';

/** A repo as it really is: what people pushed. */
export class SimRepo {
  readonly url: RepoUrl;
  readonly branches = new Map<string, CommitId>();
  readonly commits = new Map<CommitId, SimCommit>();
  readonly parentsOf = new Map<CommitId, readonly CommitId[]>();
  /** Every tip that a branch ever had, in order. */
  readonly history: { readonly branch: string; readonly commit: CommitId }[] = [];
  readonly watchers = new Set<() => void>();
  fault: { readonly kind: ListingFault; readonly until: number } | null = null;
  /** Every listing that was given as an answer, and every commit that one of them named. */
  readonly answers = new Set<string>();
  readonly shown = new Set<CommitId>();
  #serial = 0;

  constructor(url: string) {
    this.url = url as RepoUrl;
  }

  /** The tip of a branch. */
  tip(branch = 'main'): SimCommit | undefined {
    const commit = this.branches.get(branch);
    return commit === undefined ? undefined : this.commits.get(commit);
  }

  /** Every tip that main ever had, in order. */
  get mains(): readonly { readonly commit: CommitId }[] {
    return this.history.filter(({ branch }) => branch === 'main');
  }

  /** Pushes a commit to a branch: on top of its tip, or with other parents where they are given. */
  push({ folders }: SimCommit, branch = 'main', parents = this.#tipIds(branch)): CommitId {
    this.#serial += 1;
    const commit: SimCommit = { folders, parents };
    const id = hashOf({ url: this.url, serial: this.#serial, commit: { folders, parents } }).slice(0, 40) as CommitId;
    this.commits.set(id, commit);
    this.parentsOf.set(id, parents);
    this.reset(branch, id);
    return id;
  }

  /** Moves a branch to a commit that there is already: a force push. */
  reset(branch: string, commit: CommitId): void {
    this.branches.set(branch, commit);
    this.history.push({ branch, commit });
  }

  /** Tells those who watch. */
  hint(): void {
    for (const watcher of this.watchers) watcher();
  }

  #tipIds(branch: string): readonly CommitId[] {
    const tip = this.branches.get(branch);
    return tip === undefined ? [] : [tip];
  }
}

/** What git in the simulation is made with. */
export interface SimGitDeps {
  readonly clock: Clock;
  readonly latency: () => number;
  readonly faults: SimFaults;
  readonly count: (what: string) => void;
}

/** Git as one life of the controller sees it: listings with faults, and a mirror that is always whole. */
export class SimGit implements Git {
  readonly #repos: ReadonlyMap<string, SimRepo>;
  readonly #clock: Clock;
  readonly #latency: () => number;
  /** Trees by id, over all repos: content-addressed. */
  readonly #trees = new Map<TreeId, Folder>();
  readonly #blobs = new Map<string, string>();
  readonly #faults: SimFaults;
  readonly #count: (what: string) => void;
  #dead = false;

  constructor(repos: ReadonlyMap<string, SimRepo>, deps: SimGitDeps) {
    this.#repos = repos;
    this.#clock = deps.clock;
    this.#latency = deps.latency;
    this.#faults = deps.faults;
    this.#count = deps.count;
  }

  die(): void {
    this.#dead = true;
  }

  async list(access: RepoAccess, signal: AbortSignal): Promise<RefListing> {
    const repo = this.#repo(access.repo);
    const asOf = this.#clock.now();
    // The answer is what the repo had when it was asked, however long it takes to arrive.
    const branches = Object.fromEntries(repo.branches);
    const fault = repo.fault !== null && repo.fault.until > asOf ? repo.fault.kind : null;
    if (fault !== null) this.#count(`listing: ${fault}`);
    if (fault === 'hangs') {
      await this.#clock.sleep(20_000, signal);
      throw new MainspringError('git-timeout', `list ${access.repo}: no answer within 20s`, {
        retry: 'after-interval',
      });
    }
    await this.#clock.sleep(this.#latency(), signal);
    if (fault === 'fails') {
      throw new MainspringError('git-list-failed', `list ${access.repo}: 502`, { retry: 'after-interval' });
    }
    if (fault === 'empty') return answer(repo, { repo: access.repo, asOf, head: null, branches: {} });
    if (fault === 'partial') delete branches.main;
    return answer(repo, { repo: access.repo, asOf, head: 'main', branches });
  }

  async fetch(access: RepoAccess, commit: CommitId, signal: AbortSignal): Promise<void> {
    await this.#bring('fetch', access.repo, [commit], signal);
  }

  async mergeBase({ repo }: RepoAccess, a: CommitId, b: CommitId, signal: AbortSignal): Promise<CommitId | null> {
    await this.#bring('mergeBase', repo, [a, b], signal);
    return mergeBaseOf(this.#repo(repo).parentsOf, a, b);
  }

  async commitFacts(_repo: RepoUrl, commit: CommitId): Promise<CommitFacts> {
    return { commit, author: 'dev@example.com', subject: 'a change' };
  }

  async treeOf(repo: RepoUrl, commit: CommitId, folder: string): Promise<TreeId> {
    const content = this.#repo(repo).commits.get(commit)?.folders[folder];
    if (content === undefined) {
      throw new MainspringError('git-path-missing', `${repo}: no folder "${folder}" at ${commit.slice(0, 12)}`, {
        retry: 'after-interval',
      });
    }
    const tree = treeIdOf(content);
    this.#trees.set(tree, content);
    return tree;
  }

  async entries(_repo: RepoUrl, tree: TreeId): Promise<readonly TreeEntry[]> {
    return Object.entries(this.#trees.get(tree) ?? {}).map(([path, text]) => {
      const oid = hashOf(text).slice(0, 40);
      this.#blobs.set(oid, text);
      return { path, mode: '100644', oid, size: text.length } as const;
    });
  }

  async blobs(_repo: RepoUrl, oids: readonly string[]): Promise<readonly Uint8Array[]> {
    return oids.map((oid) => new TextEncoder().encode(this.#blobs.get(oid) ?? ''));
  }

  async readTree(): Promise<SourceTree> {
    throw new Error('no engine of the simulation reads a tree');
  }

  async exportTree(_repo: RepoUrl, _tree: TreeId, _into: string, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.#latency(), signal);
  }

  watch(repo: RepoUrl, onChange: () => void): () => void {
    const watcher = () => {
      if (!this.#dead) onChange();
    };
    const { watchers } = this.#repo(repo);
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  }

  async prune(): Promise<void> {}

  async close(): Promise<void> {}

  async #bring(method: string, repo: RepoUrl, commits: readonly CommitId[], signal: AbortSignal): Promise<void> {
    const sleep = (ms: number, until?: AbortSignal) => this.#clock.sleep(ms, until);
    const error = () => new MainspringError('git-fetch-failed', `fetch ${repo}: 502`, { retry: 'after-interval' });
    await suffer(this.#faults.take(method), { sleep, signal, error, gaveUpAfterMs: 20_000 }, async () => {
      await sleep(this.#latency(), signal);
      const gone = commits.find((commit) => !this.#repo(repo).commits.has(commit));
      if (gone === undefined) return;
      throw new MainspringError('git-ref-moved', `fetch ${repo}: ${gone} is gone`, { retry: 'now' });
    });
  }

  #repo(url: string): SimRepo {
    const repo = this.#repos.get(url);
    if (repo === undefined)
      throw new MainspringError('git-list-failed', `list ${url}: not found`, { retry: 'after-interval' });
    return repo;
  }
}

function answer(repo: SimRepo, listing: RefListing): RefListing {
  repo.answers.add(canonicalJson(listing as never));
  for (const commit of Object.values(listing.branches)) repo.shown.add(commit);
  return listing;
}

/** The id of a folder's content. */
export function treeIdOf(folder: Folder): TreeId {
  return hashOf(folder).slice(0, 40) as TreeId;
}
