import type { Git, RepoAccess, TreeEntry } from '../../git/git.ts';
import type { CommitId, TreeId } from '../../model/ids.ts';
import type { RepoUrl, ResolvedSource, SourceSurvey } from '../../model/source.ts';
import { EMPTY_SURVEY, SURVEYED_BYTES, SURVEYED_FILES, surveyOf } from '../../specs/survey.ts';

type TreeFacts = Pick<ResolvedSource, 'entries' | 'procfile' | 'survey'>;

/** A commit whose folders can be read. */
export interface CommitFolders {
  /** What `desire` needs to know of a folder (`""`: the root); throws `git-path-missing` if there is none. */
  read(folder: string): Promise<ResolvedSource>;
}

/** How many names are remembered of what trees hold. */
const REMEMBERED = 500_000;

/**
 * Reads what `desire` needs to know of source folders. What it read of a tree once holds for ever, since a tree is named by its
 * content: of a new commit only what differs is read, however many folders of it are wanted.
 */
export class SourceReader {
  readonly #git: Git;
  readonly #maxBytes: number;
  readonly #facts = new Map<TreeId, TreeFacts>();
  readonly #folders = new Map<TreeId, ReadonlyMap<string, TreeId>>();
  #remembered = 0;

  constructor(git: Git, maxBytes: number) {
    this.#git = git;
    this.#maxBytes = maxBytes;
  }

  /** A folder at a commit; fetches the commit if it is not there yet. */
  async read(access: RepoAccess, commit: CommitId, folder: string, signal: AbortSignal): Promise<ResolvedSource> {
    return (await this.open(access, commit, signal)).read(folder);
  }

  /** The folders of a commit; fetches it if it is not there yet. */
  async open(access: RepoAccess, commit: CommitId, signal: AbortSignal): Promise<CommitFolders> {
    const { repo } = access;
    await this.#git.fetch(access, commit, signal);
    // Whatever goes wrong with the short way, the long one below says in git's own words.
    const root = await this.#git.treeOf(repo, commit, '').catch(() => undefined);
    const { author } = await this.#git.commitFacts(repo, commit);
    return {
      read: async (folder) => {
        const tree = (await this.#find(repo, root, folder)) ?? (await this.#git.treeOf(repo, commit, folder));
        return { commit, tree, author, ...(await this.#factsOf(repo, tree)) };
      },
    };
  }

  /** The tree of a folder below `root`; undefined if there is none. */
  async #find(repo: RepoUrl, root: TreeId | undefined, folder: string): Promise<TreeId | undefined> {
    let tree = root;
    for (const name of folder === '' ? [] : folder.split('/')) {
      if (tree === undefined) return undefined;
      tree = (this.#folders.get(tree) ?? (await this.#foldersOf(repo, tree))).get(name);
    }
    return tree;
  }

  async #foldersOf(repo: RepoUrl, tree: TreeId): Promise<ReadonlyMap<string, TreeId>> {
    const entries = await this.#git.entries(repo, tree, { recursive: false });
    const folders = new Map(entries.filter(isFolder).map(({ path, oid }) => [path, oid as TreeId]));
    this.#makeRoom(folders.size);
    this.#folders.set(tree, folders);
    return folders;
  }

  async #factsOf(repo: RepoUrl, tree: TreeId): Promise<TreeFacts> {
    const known = this.#facts.get(tree);
    if (known !== undefined) return known;
    const entries = await this.#git.entries(repo, tree, { recursive: false });
    const facts = {
      entries: entries.map(nameOf),
      procfile: await this.#procfile(repo, entries),
      survey: await this.#survey(repo, entries),
    };
    this.#makeRoom(entries.length + facts.survey.dependencies.length);
    this.#facts.set(tree, facts);
    return facts;
  }

  async #procfile(repo: RepoUrl, entries: readonly TreeEntry[]): Promise<string | null> {
    const file = entries.find((entry) => entry.path === 'Procfile' && entry.mode.startsWith('100'));
    if (file === undefined) return null;
    const [content] = await this.#git.blobs(repo, [file.oid], { maxBytes: this.#maxBytes });
    return new TextDecoder().decode(content);
  }

  async #survey(repo: RepoUrl, entries: readonly TreeEntry[]): Promise<SourceSurvey> {
    const files = entries.filter(isSurveyed);
    if (files.length === 0) return EMPTY_SURVEY;
    const oids = files.map(({ oid }) => oid);
    const contents = await this.#git.blobs(repo, oids, { maxBytes: SURVEYED_BYTES });
    const texts = files.map(({ path }, index) => [path, new TextDecoder().decode(contents[index])]);
    return surveyOf(Object.fromEntries(texts));
  }

  #makeRoom(names: number): void {
    this.#remembered += names + 1;
    if (this.#remembered <= REMEMBERED) return;
    this.#facts.clear();
    this.#folders.clear();
    this.#remembered = names + 1;
  }
}

function isSurveyed({ path, mode, size }: TreeEntry): boolean {
  const isNamed = (SURVEYED_FILES as readonly string[]).includes(path);
  return isNamed && mode.startsWith('100') && (size ?? 0) <= SURVEYED_BYTES;
}

function isFolder(entry: TreeEntry): boolean {
  return entry.mode === '040000';
}

function nameOf(entry: TreeEntry): string {
  return isFolder(entry) ? `${entry.path}/` : entry.path;
}
