import type { CommitFacts, Git, RepoAccess, TreeEntry } from '../../src/git/git.ts';
import { hashOf } from '../../src/model/canonical.ts';
import { MainspringError } from '../../src/model/errors.ts';
import type { CommitId, TreeId } from '../../src/model/ids.ts';
import type { RefListing, RepoUrl } from '../../src/model/source.ts';
import type { SourceTree } from '../../src/model/source-tree.ts';
import { mergeBaseOf } from './merge-base.ts';

/** Files by path. */
export type Files = Readonly<Record<string, string>>;

/** A repo of `FakeGit`. */
export class FakeRepo {
  head: string | null = 'main';
  readonly branches = new Map<string, CommitId>();
  readonly commits = new Map<CommitId, Files>();
  readonly parentsOf = new Map<CommitId, readonly CommitId[]>();

  /** Pushes a commit, without parents unless they are given. The same files (and parents) are the same commit. */
  push(files: Files, branch = 'main', parents: readonly CommitId[] = []): CommitId {
    const content = parents.length === 0 ? { files } : { files, parents };
    const commit = hashOf(content).slice(0, 40) as CommitId;
    this.commits.set(commit, files);
    this.parentsOf.set(commit, parents);
    this.branches.set(branch, commit);
    return commit;
  }
}

/** Git in memory, with every call written down. `before` may hold a call up or let it fail. */
export class FakeGit implements Git {
  readonly calls: string[] = [];
  before: (method: string, subject: string, signal?: AbortSignal) => Promise<void> | void = () => {};
  now: () => number = () => 0;
  readonly #repos = new Map<string, FakeRepo>();
  readonly #trees = new Map<string, Files>();
  readonly #blobs = new Map<string, string>();

  /** A repo, made when it is first named. */
  repo(url: string): FakeRepo {
    const known = this.#repos.get(url);
    if (known !== undefined) return known;
    const repo = new FakeRepo();
    this.#repos.set(url, repo);
    return repo;
  }

  async list({ repo }: RepoAccess, signal: AbortSignal): Promise<RefListing> {
    await this.#call('list', repo, signal);
    const { head, branches } = this.repo(repo);
    return { repo, asOf: this.now(), head, branches: Object.fromEntries(branches) };
  }

  async fetch({ repo }: RepoAccess, commit: CommitId, signal: AbortSignal): Promise<void> {
    await this.#call('fetch', commit, signal);
    if (!this.repo(repo).commits.has(commit))
      throw new MainspringError('git-ref-moved', `fetch "${repo}": no ${commit}`, { retry: 'now' });
  }

  async mergeBase({ repo }: RepoAccess, a: CommitId, b: CommitId, signal: AbortSignal): Promise<CommitId | null> {
    await this.#call('mergeBase', `${a} ${b}`, signal);
    const { commits, parentsOf } = this.repo(repo);
    const gone = [a, b].find((commit) => !commits.has(commit));
    if (gone === undefined) return mergeBaseOf(parentsOf, a, b);
    throw new MainspringError('git-ref-moved', `fetch "${repo}": no ${gone}`, { retry: 'now' });
  }

  async commitFacts(_repo: RepoUrl, commit: CommitId): Promise<CommitFacts> {
    await this.#call('commitFacts', commit);
    return { commit, author: 'dev@example.com', subject: 'a change' };
  }

  async treeOf(repo: RepoUrl, commit: CommitId, folder: string): Promise<TreeId> {
    await this.#call('treeOf', folder);
    const files = below(this.repo(repo).commits.get(commit) ?? {}, folder);
    if (folder !== '' && Object.keys(files).length === 0)
      throw new MainspringError('git-path-missing', `"${repo}": no folder "${folder}"`);
    return this.#treeId(files);
  }

  async entries(
    _repo: RepoUrl,
    tree: TreeId,
    { recursive }: { readonly recursive: boolean },
  ): Promise<readonly TreeEntry[]> {
    await this.#call('entries', tree);
    const files = this.#trees.get(tree) ?? {};
    const paths = recursive
      ? Object.keys(files)
      : [...new Set(Object.keys(files).map((path) => path.split('/')[0] ?? ''))];
    return paths.sort().map((path) => this.#entry(path, files));
  }

  async blobs(_repo: RepoUrl, oids: readonly string[]): Promise<readonly Uint8Array[]> {
    await this.#call('blobs', String(oids.length));
    return oids.map((oid) => new TextEncoder().encode(this.#blobs.get(oid) ?? ''));
  }

  async exportTree(_repo: RepoUrl, tree: TreeId): Promise<void> {
    await this.#call('exportTree', tree);
  }

  async readTree(_repo: RepoUrl, tree: TreeId): Promise<SourceTree> {
    await this.#call('readTree', tree);
    throw new Error('no engine of these tests reads a tree');
  }

  watch(): () => void {
    return () => {};
  }

  async prune(): Promise<void> {}

  async close(): Promise<void> {}

  async #call(method: string, subject: string, signal?: AbortSignal): Promise<void> {
    this.calls.push(`${method} ${subject}`);
    await this.before(method, subject, signal);
    signal?.throwIfAborted();
  }

  #entry(path: string, files: Files): TreeEntry {
    const text = files[path];
    if (text === undefined) return { path, mode: '040000', oid: this.#treeId(below(files, path)), size: null };
    const oid = hashOf({ text }).slice(0, 40);
    this.#blobs.set(oid, text);
    return { path, mode: '100644', oid, size: text.length };
  }

  #treeId(files: Files): TreeId {
    const id = hashOf(files).slice(0, 40) as TreeId;
    this.#trees.set(id, files);
    return id;
  }
}

function below(files: Files, folder: string): Files {
  if (folder === '') return files;
  const prefix = `${folder}/`;
  const inside = Object.entries(files).filter(([path]) => path.startsWith(prefix));
  return Object.fromEntries(inside.map(([path, text]) => [path.slice(prefix.length), text]));
}
