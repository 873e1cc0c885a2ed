import { MainspringError } from '../model/errors.ts';
import type { CommitId, TreeId } from '../model/ids.ts';
import type { RepoUrl } from '../model/source.ts';
import type { SourceTree } from '../model/source-tree.ts';
import type { Commit } from './commit-object.ts';
import { exportFiles } from './export-tree.ts';
import type { TreeEntry } from './git.ts';
import { gitEnvironment, type HostEnvironment } from './git-environment.ts';
import type { GitLimits } from './limits.ts';
import { ObjectCache, type ObjectSource } from './object-cache.ts';
import { readBlob, treeToRead } from './read-tree.ts';
import { ReaderPool } from './reader-pool.ts';
import { runGit } from './run-git.ts';
import { MissingObject, UnreadableObject } from './unreadable-object.ts';
import { findFolder, listTree } from './walk-tree.ts';

/** What reading needs. */
export interface RepoObjectsOptions {
  readonly env: HostEnvironment;
  readonly limits: GitLimits;
  /** The git folder that holds a repo's objects. */
  readonly gitDirOf: (repo: RepoUrl) => Promise<string>;
  /** What an object that is missing or unreadable means for this repo: the error to throw. */
  readonly explain: (repo: RepoUrl, error: MissingObject | UnreadableObject) => Promise<MainspringError>;
}

const BATCH_BYTES = 16 * 1024 ** 2;

/** Reads commits, trees and files of repos whose objects are on this machine. */
export class RepoObjects {
  readonly #options: RepoObjectsOptions;
  readonly #pool: ReaderPool;
  readonly #caches = new Map<RepoUrl, ObjectCache>();

  constructor(options: RepoObjectsOptions) {
    this.#options = options;
    const env = (gitDir: string) => gitEnvironment(options.env, { config: [['safe.directory', gitDir]] });
    this.#pool = new ReaderPool({ env, stallMs: options.limits.readMs });
  }

  /** The type of an object; null if it is not there. */
  typeOf(repo: RepoUrl, oid: string): Promise<string | null> {
    return this.#read(repo, async (source) => (await source.info(oid))?.type ?? null);
  }

  /** A commit. */
  commit(repo: RepoUrl, commit: CommitId): Promise<Commit> {
    return this.#read(repo, (source) => this.#cacheOf(repo).commit(source, commit));
  }

  /** The tree of a folder of a commit. */
  treeOf(repo: RepoUrl, commit: CommitId, folder: string): Promise<TreeId> {
    return this.#read(repo, async (source) => {
      const tree = await findFolder(this.#walk(repo, source), commit, folder);
      if (tree !== undefined) return tree;
      throw new MainspringError('git-path-missing', `folder "${folder}" of "${repo}": not in commit ${commit}`, {
        hint: 'Check what follows "//" in the source; it must be a folder.',
      });
    });
  }

  /** The entries of a tree. */
  entries(repo: RepoUrl, tree: TreeId, recursive: boolean): Promise<readonly TreeEntry[]> {
    return this.#read(repo, (source) => listTree(this.#walk(repo, source), tree, recursive));
  }

  /** The contents of blobs, a bounded number of bytes at a time. */
  blobs(repo: RepoUrl, oids: readonly string[], maxBytes: number): Promise<readonly Uint8Array[]> {
    return this.#read(repo, async (source) => {
      const sizes = await Promise.all(oids.map((oid) => blobSize(source, oid)));
      for (const [index, size] of sizes.entries()) {
        if (size > maxBytes) throw tooLarge(repo, oids[index] ?? '', size, maxBytes);
      }
      const contents: Uint8Array[] = [];
      for (let from = 0; from < oids.length; ) {
        let to = from;
        for (let bytes = 0; to < oids.length && (to === from || bytes <= BATCH_BYTES); to++) bytes += sizes[to] ?? 0;
        contents.push(...(await Promise.all(oids.slice(from, to).map((oid) => blobContent(source, oid)))));
        from = to;
      }
      return contents;
    });
  }

  /** Writes a tree. */
  exportTree(repo: RepoUrl, tree: TreeId, into: string, signal: AbortSignal): Promise<void> {
    const { limits, env } = this.#options;
    return this.#read(repo, async (source, gitDir) => {
      const files = await listTree(this.#walk(repo, source), tree, true);
      const writeLarge = async (oid: string, path: string) => {
        const args = [`--git-dir=${gitDir}`, 'cat-file', 'blob', oid];
        const what = `export "${path}"`;
        const clean = gitEnvironment(env, { config: [['safe.directory', gitDir]] });
        const run = { args, env: clean, cwd: '/', what, timeoutMs: limits.exportMs, signal, intoFile: path };
        if (!(await runGit(run)).ok) throw new UnreadableObject(`blob ${oid} cannot be read`);
      };
      const { exportFiles: maxFiles, exportBytes: maxBytes } = limits;
      await exportFiles({ tree, files, into, source, signal, maxFiles, maxBytes, writeLarge });
    });
  }

  /** The files of a tree, to be read as they are asked for. */
  readTree(repo: RepoUrl, tree: TreeId): Promise<SourceTree> {
    const { limits, env } = this.#options;
    return this.#read(repo, async (source, gitDir) => {
      const files = await listTree(this.#walk(repo, source), tree, true);
      const clean = gitEnvironment(env, { config: [['safe.directory', gitDir]] });
      const readLarge = (oid: string, signal: AbortSignal) =>
        this.#explained(repo, readBlob({ gitDir, env: clean, oid }, signal));
      const { exportFiles: maxFiles, exportBytes: maxBytes } = limits;
      const found = treeToRead({ tree, files, source, maxFiles, maxBytes, readLarge });
      return { ...found, read: (entries, signal) => this.#explained(repo, found.read(entries, signal)) };
    });
  }

  async *#explained<T>(repo: RepoUrl, items: AsyncIterable<T>): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw await this.#explain(repo, error);
    }
  }

  /** Lets go of a git folder that is about to be replaced. */
  release(gitDir: string): void {
    this.#pool.drop(gitDir);
  }

  /** Ends all processes. */
  close(): void {
    this.#pool.close();
    this.#caches.clear();
  }

  async #read<T>(repo: RepoUrl, work: (source: ObjectSource, gitDir: string) => Promise<T>): Promise<T> {
    const gitDir = await this.#options.gitDirOf(repo);
    // Asked for anew each time: a reader that was idle may be closed in between.
    const source: ObjectSource = {
      info: (oid) => this.#pool.get(gitDir).info(oid),
      read: (oid) => this.#pool.get(gitDir).read(oid),
    };
    try {
      return await work(source, gitDir);
    } catch (error) {
      throw await this.#explain(repo, error);
    }
  }

  async #explain(repo: RepoUrl, error: unknown): Promise<unknown> {
    const isObject = error instanceof MissingObject || error instanceof UnreadableObject;
    return isObject ? this.#options.explain(repo, error) : error;
  }

  #walk(repo: RepoUrl, source: ObjectSource) {
    return { source, cache: this.#cacheOf(repo), maxEntries: this.#options.limits.treeEntries };
  }

  #cacheOf(repo: RepoUrl): ObjectCache {
    const known = this.#caches.get(repo);
    if (known !== undefined) return known;
    const made = new ObjectCache();
    this.#caches.set(repo, made);
    return made;
  }
}

async function blobSize(source: ObjectSource, oid: string): Promise<number> {
  const answer = await source.info(oid);
  if (answer?.type !== 'blob') throw new MissingObject(oid, 'blob');
  return answer.size;
}

async function blobContent(source: ObjectSource, oid: string): Promise<Uint8Array> {
  const answer = await source.read(oid);
  if (answer?.type !== 'blob' || answer.content === null) throw new MissingObject(oid, 'blob');
  return answer.content;
}

function tooLarge(repo: RepoUrl, oid: string, size: number, maxBytes: number): MainspringError {
  return new MainspringError(
    'git-tree-unsupported',
    `blob ${oid} of "${repo}": has ${size} bytes, more than ${maxBytes} are not read`,
  );
}
