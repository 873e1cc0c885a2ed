import type { CommitId } from '../model/ids.ts';
import type { CatFileAnswer } from './cat-file-answer.ts';
import { type Commit, parseCommit } from './commit-object.ts';
import { parseTree, type RawEntry } from './tree-object.ts';
import { MissingObject } from './unreadable-object.ts';

/** What the cache reads from: a repo's objects. */
export interface ObjectSource {
  info(oid: string): Promise<CatFileAnswer>;
  read(oid: string): Promise<CatFileAnswer>;
}

/** A parsed tree, with its entries by name too. */
export interface Tree {
  readonly entries: readonly RawEntry[];
  readonly byName: ReadonlyMap<string, RawEntry>;
}

// About 150 bytes an entry.
const MAX_ENTRIES = 250_000;
const MAX_COMMITS = 2_000;
const MAX_TREE_BYTES = 64 * 1024 ** 2;

/**
 * Commits and trees of one repo, parsed once and kept (they are content-addressed and never change), so that the folders of
 * ten thousand apps of one commit cost a look-up each.
 */
export class ObjectCache {
  readonly #trees = new Map<string, Promise<Tree>>();
  readonly #commits = new Map<CommitId, Promise<Commit>>();
  #entries = 0;

  /** A commit. Throws `MissingObject`. */
  async commit(source: ObjectSource, commit: CommitId): Promise<Commit> {
    return this.#remember(this.#commits, commit, async () => {
      const answer = await source.read(commit);
      if (answer?.type !== 'commit' || answer.content === null) throw new MissingObject(commit, 'commit');
      if (this.#commits.size > MAX_COMMITS) this.#commits.clear();
      return parseCommit(commit, answer.content);
    });
  }

  /** A tree. Throws `MissingObject`. */
  async tree(source: ObjectSource, oid: string): Promise<Tree> {
    return this.#remember(this.#trees, oid, async () => {
      const info = await source.info(oid);
      if (info?.type !== 'tree' || info.size > MAX_TREE_BYTES) throw new MissingObject(oid, 'tree');
      const answer = await source.read(oid);
      if (answer === null || answer.content === null) throw new MissingObject(oid, 'tree');
      const entries = parseTree(oid, answer.content);
      this.#makeRoom(entries.length);
      return { entries, byName: new Map(entries.map((entry) => [entry.name, entry])) };
    });
  }

  #makeRoom(entries: number): void {
    this.#entries += entries;
    if (this.#entries <= MAX_ENTRIES) return;
    // All at once: a walk over more than fits would push out one by one just what it needs next.
    this.#trees.clear();
    this.#entries = entries;
  }

  /** What failed is not remembered. */
  #remember<Key, Value>(kept: Map<Key, Promise<Value>>, key: Key, make: () => Promise<Value>): Promise<Value> {
    const known = kept.get(key);
    if (known !== undefined) return known;
    const made = make();
    kept.set(key, made);
    made.catch(() => {
      if (kept.get(key) === made) kept.delete(key);
    });
    return made;
  }
}
