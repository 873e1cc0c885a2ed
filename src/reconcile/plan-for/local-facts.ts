import type { Git } from '../../git/git.ts';
import { isAbort, problemOf } from '../../model/errors.ts';
import type { ConfigFacts, GitFacts, Needs } from '../../model/git-facts.ts';
import type { CommitId } from '../../model/ids.ts';
import type { ConfigState, SourceState } from '../../model/snapshot.ts';
import type { RepoUrl } from '../../model/source.ts';
import { FactStore } from '../observe/fact-store.ts';
import { SourceReader } from '../observe/read-source.ts';
import type { Evaluator, Limits } from '../ports.ts';

/** What reading facts for one plan needs. */
export interface LocalFactPorts {
  readonly git: Git;
  readonly evaluator: Evaluator;
  readonly limits: Pick<Limits, 'fileBytes'>;
  readonly repo: RepoUrl;
}

/** Facts of commits for one plan: those that are known, and those that it read by itself. */
export class LocalFacts implements GitFacts {
  readonly #known: GitFacts;
  readonly #main: ConfigState | null;
  readonly #ports: LocalFactPorts;
  readonly #own = new FactStore();
  readonly #reader: SourceReader;

  /** `main`: what is followed now, which needs no second evaluation. */
  constructor(known: GitFacts, main: ConfigState | null, ports: LocalFactPorts) {
    this.#known = known;
    this.#main = main;
    this.#ports = ports;
    this.#reader = new SourceReader(ports.git, ports.limits.fileBytes);
  }

  config(commit: CommitId): ConfigFacts | undefined {
    if (this.#main?.commit !== commit) return this.#own.config(commit) ?? this.#known.config(commit);
    const { cause, declarations } = this.#main;
    const author = cause.kind === 'commit' ? cause.author : null;
    return { author, evaluation: { ok: true, declarations, prints: [] } };
  }

  base(repo: RepoUrl, a: CommitId, b: CommitId): CommitId | null | undefined {
    const own = this.#own.base(repo, a, b);
    return own === undefined ? this.#known.base(repo, a, b) : own;
  }

  folder(repo: RepoUrl, commit: CommitId, folder: string): SourceState | undefined {
    return this.#own.folder(repo, commit, folder) ?? this.#known.folder(repo, commit, folder);
  }

  /** Reads all of what is asked for. What a commit holds that can't be had is known as a problem; without the rest there is no plan. */
  async read(needs: Pick<Needs, 'bases' | 'configs' | 'folders'>, signal: AbortSignal): Promise<void> {
    await Promise.all([
      ...needs.bases.map(async ({ a, b, ...of }) => {
        this.#own.setBase(of.repo, [a, b], await this.#ports.git.mergeBase(of, a, b, signal));
      }),
      ...needs.configs.map((commit) => this.#readConfig(commit, signal)),
      ...needs.folders.map(async ({ commit, folder, ...of }) => {
        const read = this.#reader.read(of, commit, folder, signal);
        this.#own.setFolder(of.repo, commit, folder, await read.catch(asProblem));
      }),
    ]);
  }

  async #readConfig(commit: CommitId, signal: AbortSignal): Promise<void> {
    const { git, evaluator, limits, repo } = this.#ports;
    await git.fetch({ repo, auth: null }, commit, signal);
    const { author } = await git.commitFacts(repo, commit);
    const files = await git.entries(repo, await git.treeOf(repo, commit, ''), { recursive: true });
    const read = (oids: readonly string[]) => git.blobs(repo, oids, { maxBytes: limits.fileBytes });
    this.#own.setConfig(commit, { author, evaluation: await evaluator.evaluate({ files, read }, signal) });
  }
}

/** Why a source can't be had, unless it is given up. */
export function asProblem(error: unknown): { readonly problem: ReturnType<typeof problemOf> } {
  if (isAbort(error)) throw error;
  return { problem: problemOf(error) };
}
