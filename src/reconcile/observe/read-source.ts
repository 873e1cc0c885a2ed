import type { Git, RepoAccess, TreeEntry } from '../../git/git.ts';
import type { CommitId, TreeId } from '../../model/ids.ts';
import type { RepoUrl, ResolvedSource } from '../../model/source.ts';

type TreeFacts = Pick<ResolvedSource, 'entries' | 'procfile'>;

const REMEMBERED = 20_000;

/** Reads what `desire` needs to know of source folders. What it read of a tree once holds for ever: a tree is named by its content. */
export class SourceReader {
  readonly #git: Git;
  readonly #maxBytes: number;
  readonly #facts = new Map<TreeId, TreeFacts>();

  constructor(git: Git, maxBytes: number) {
    this.#git = git;
    this.#maxBytes = maxBytes;
  }

  /** A folder at a commit; fetches the commit if it is not there yet. */
  async read(access: RepoAccess, commit: CommitId, folder: string, signal: AbortSignal): Promise<ResolvedSource> {
    await this.#git.fetch(access, commit, signal);
    const tree = await this.#git.treeOf(access.repo, commit, folder);
    const { author } = await this.#git.commitFacts(access.repo, commit);
    return { commit, tree, author, ...(await this.#factsOf(access.repo, tree)) };
  }

  async #factsOf(repo: RepoUrl, tree: TreeId): Promise<TreeFacts> {
    const known = this.#facts.get(tree);
    if (known !== undefined) return known;
    const entries = await this.#git.entries(repo, tree, { recursive: false });
    const facts = { entries: entries.map(nameOf), procfile: await this.#procfile(repo, entries) };
    if (this.#facts.size >= REMEMBERED) this.#facts.clear();
    this.#facts.set(tree, facts);
    return facts;
  }

  async #procfile(repo: RepoUrl, entries: readonly TreeEntry[]): Promise<string | null> {
    const file = entries.find((entry) => entry.path === 'Procfile' && entry.mode.startsWith('100'));
    if (file === undefined) return null;
    const [content] = await this.#git.blobs(repo, [file.oid], { maxBytes: this.#maxBytes });
    return new TextDecoder().decode(content);
  }
}

function nameOf(entry: TreeEntry): string {
  return entry.mode === '040000' ? `${entry.path}/` : entry.path;
}
