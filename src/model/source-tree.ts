/** A file or symlink of a source tree. */
export interface SourceEntry {
  /** Below the tree, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'symlink';
  /** What may be done with it, as Unix says. */
  readonly mode: number;
  /** Bytes. */
  readonly size: number;
}

/** What an entry holds: a file's bytes, or where a symlink leads. What is large comes in pieces, as they are asked for. */
export interface SourceContent {
  readonly entry: SourceEntry;
  readonly content: Uint8Array | AsyncIterable<Uint8Array>;
}

/** A source tree, read where it lies. */
export interface SourceTree {
  /** All files and symlinks, in no order. A folder is there by what is in it. */
  readonly entries: readonly SourceEntry[];
  /**
   * Reads these entries, in this order, no faster than they are taken: of each the content has to be taken before the next is asked for. Ends soon
   * when the signal aborts. May be called again. Throws `git-tree-unsupported` for symlinks out of the tree and LFS pointers.
   */
  read(entries: readonly SourceEntry[], signal: AbortSignal): AsyncIterable<SourceContent>;
}
