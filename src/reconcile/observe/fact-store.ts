import type { ConfigFacts, GitFacts } from '../../model/git-facts.ts';
import type { CommitId } from '../../model/ids.ts';
import type { SourceState } from '../../model/snapshot.ts';
import type { RepoUrl } from '../../model/source.ts';

/** What was read of commits, in memory: all of it can be read again. */
export class FactStore implements GitFacts {
  readonly #configs = new Map<CommitId, ConfigFacts>();
  readonly #bases = new Map<string, { readonly of: readonly [CommitId, CommitId]; readonly base: CommitId | null }>();
  readonly #folders = new Map<CommitId, Map<string, SourceState>>();

  config(commit: CommitId): ConfigFacts | undefined {
    return this.#configs.get(commit);
  }

  base(repo: RepoUrl, a: CommitId, b: CommitId): CommitId | null | undefined {
    return this.#bases.get(`${repo} ${a} ${b}`)?.base;
  }

  folder(repo: RepoUrl, commit: CommitId, folder: string): SourceState | undefined {
    return this.#folders.get(commit)?.get(`${repo} ${folder}`);
  }

  setConfig(commit: CommitId, facts: ConfigFacts): void {
    this.#configs.set(commit, facts);
  }

  setBase(repo: RepoUrl, [a, b]: readonly [CommitId, CommitId], base: CommitId | null): void {
    this.#bases.set(`${repo} ${a} ${b}`, { of: [a, b], base });
  }

  setFolder(repo: RepoUrl, commit: CommitId, folder: string, state: SourceState): void {
    const known = this.#folders.get(commit) ?? new Map<string, SourceState>();
    this.#folders.set(commit, known.set(`${repo} ${folder}`, state));
  }

  /** Forgets what is known of all other commits. */
  keepOnly(commits: ReadonlySet<CommitId>): void {
    for (const commit of this.#configs.keys()) if (!commits.has(commit)) this.#configs.delete(commit);
    for (const commit of this.#folders.keys()) if (!commits.has(commit)) this.#folders.delete(commit);
    for (const [key, { of }] of this.#bases) if (!of.every((commit) => commits.has(commit))) this.#bases.delete(key);
  }
}
