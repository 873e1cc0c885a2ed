import type { CommitId, TreeId } from '../model/ids.ts';
import type { RefListing, RepoUrl } from '../model/source.ts';
import type { SourceTree } from '../model/source-tree.ts';

/** A repo and the name of the credential to use for it (`[git_auth.NAME]`; null: none, or the one whose prefix fits). */
export interface RepoAccess {
  readonly repo: RepoUrl;
  readonly auth: string | null;
}

/** One file or folder of a tree. */
export interface TreeEntry {
  /** Path relative to the tree that was asked for, with `/`. */
  readonly path: string;
  readonly mode: '100644' | '100755' | '120000' | '040000' | '160000';
  readonly oid: string;
  /** Bytes; null for folders and submodules. */
  readonly size: number | null;
}

/** Facts about a commit. */
export interface CommitFacts {
  readonly commit: CommitId;
  readonly author: string | null;
  readonly subject: string;
}

/**
 * All that Mainspring asks of git. Listing goes to the repo; everything else works on a mirror that `fetch` keeps (a local
 * repo is read in place). Every operation has a time limit of its own and ends soon when its signal aborts.
 */
export interface Git {
  /**
   * All branches, and the one HEAD points to. Asks the repo itself, each time. An empty repo is no error here: no branches, no head.
   * Half an answer never counts as a listing.
   */
  list(access: RepoAccess, signal: AbortSignal): Promise<RefListing>;
  /** Makes sure that the commit, its trees and its files can be read. Costs nothing when it is there already. `git-ref-moved` if the repo no longer gives it out. */
  fetch(access: RepoAccess, commit: CommitId, signal: AbortSignal): Promise<void>;
  /**
   * The best common ancestor of two commits that a listing named (`git merge-base`; the smallest id where there are several, so
   * that the answer is always the same); null if they have none. Fetches no files: only history, and that only where it is not
   * there already. `git-ref-moved` if the repo no longer gives one of them out; `git-fetch-failed` if it is shallow and what it
   * lacks could make another answer.
   */
  mergeBase(access: RepoAccess, a: CommitId, b: CommitId, signal: AbortSignal): Promise<CommitId | null>;
  /** Facts about a commit that was fetched. */
  commitFacts(repo: RepoUrl, commit: CommitId): Promise<CommitFacts>;
  /** The tree of a folder (`""`: the root) at a commit that was fetched; `git-path-missing` if there is none or it is a file. */
  treeOf(repo: RepoUrl, commit: CommitId, folder: string): Promise<TreeId>;
  /** What lies in a tree: its own entries, or with `recursive` all files below (no folders then). Order: git's. */
  entries(repo: RepoUrl, tree: TreeId, options: { readonly recursive: boolean }): Promise<readonly TreeEntry[]>;
  /** The contents of blobs by object id, in the order asked. Refuses blobs over `maxBytes`. */
  blobs(repo: RepoUrl, oids: readonly string[], options: { readonly maxBytes: number }): Promise<readonly Uint8Array[]>;
  /**
   * Writes the files of a tree below `into` (made by this call), modes kept, symlinks that stay inside the tree too.
   * Symlinks that leave it, submodules and LFS pointers are `git-tree-unsupported` and name the path. Nothing is left behind after a failure.
   */
  exportTree(repo: RepoUrl, tree: TreeId, into: string, signal: AbortSignal): Promise<void>;
  /** The files of a tree, read as they are asked for and written nowhere. What `exportTree` refuses is refused, as soon as it is read. */
  readTree(repo: RepoUrl, tree: TreeId, signal: AbortSignal): Promise<SourceTree>;
  /**
   * Calls back, soon, after something in a local repo's refs changed, and once as soon as it is watched (again). A repo that is not
   * local is not watched. Call the result to end it.
   */
  watch(repo: RepoUrl, onChange: () => void): () => void;
  /**
   * Drops mirrors and histories of repos that are not named, and tidies the others: with `commits` only those stay fetched (and what was fetched
   * within the hour), without it the newest. What was dropped can be fetched again.
   */
  prune(keep: readonly RepoUrl[], options?: { readonly commits?: ReadonlySet<CommitId> }): Promise<void>;
  close(): Promise<void>;
}
