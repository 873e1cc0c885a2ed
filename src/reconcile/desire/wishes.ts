import type { ConfigFacts, GitFacts, Needs, WantedRepo } from '../../model/git-facts.ts';
import type { CommitId } from '../../model/ids.ts';
import type { SourceState } from '../../model/snapshot.ts';
import type { RepoUrl } from '../../model/source.ts';

/** How many repos are watched because branches alone name them: a branch can't have any number of servers asked. */
const MOST_REPOS = 100;

/** Reads facts, and notes what was asked for and is not known. */
export class Wishes {
  readonly #facts: GitFacts;
  readonly #repos = new Map<RepoUrl, WantedRepo>();
  readonly #configs = new Set<CommitId>();
  readonly #bases = new Map<string, Needs['bases'][number]>();
  readonly #folders = new Map<string, Needs['folders'][number]>();
  readonly #commits = new Set<CommitId>();

  constructor(facts: GitFacts) {
    this.#facts = facts;
  }

  /** A repo that only a branch names is to be listed. */
  repo(wanted: WantedRepo): void {
    if (this.#repos.size < MOST_REPOS) this.#repos.set(wanted.repo, wanted);
  }

  /** What is known of this commit is still needed. */
  keep(commit: CommitId): void {
    this.#commits.add(commit);
  }

  config(commit: CommitId): ConfigFacts | undefined {
    this.#commits.add(commit);
    const known = this.#facts.config(commit);
    if (known === undefined) this.#configs.add(commit);
    return known;
  }

  base(wanted: WantedRepo, a: CommitId, b: CommitId): CommitId | null | undefined {
    if (a === b) return a;
    this.#commits.add(a).add(b);
    const known = this.#facts.base(wanted.repo, a, b);
    if (known === undefined) this.#bases.set(`${wanted.repo} ${a} ${b}`, { ...wanted, a, b });
    else if (known !== null) this.#commits.add(known);
    return known;
  }

  folder(wanted: WantedRepo, commit: CommitId, folder: string): SourceState | undefined {
    this.#commits.add(commit);
    const known = this.#facts.folder(wanted.repo, commit, folder);
    if (known === undefined) this.#folders.set(`${wanted.repo} ${commit} ${folder}`, { ...wanted, commit, folder });
    return known;
  }

  /** Takes over what was asked for elsewhere. */
  add({ repos, configs, bases, folders, commits }: Needs): void {
    for (const wanted of repos) this.repo(wanted);
    for (const commit of configs) this.#configs.add(commit);
    for (const base of bases) this.#bases.set(`${base.repo} ${base.a} ${base.b}`, base);
    for (const one of folders) this.#folders.set(`${one.repo} ${one.commit} ${one.folder}`, one);
    for (const commit of commits) this.#commits.add(commit);
  }

  /** Everything that was asked for and is not known. */
  needs(): Needs {
    return {
      repos: [...this.#repos.values()],
      configs: [...this.#configs],
      bases: [...this.#bases.values()],
      folders: [...this.#folders.values()],
      commits: this.#commits,
    };
  }
}
