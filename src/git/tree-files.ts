import { MainspringError } from '../model/errors.ts';
import type { TreeEntry } from './git.ts';
import { leavesTree } from './link-target.ts';

/** The files of a tree, and how many there may be. */
export interface TreeFiles {
  /** For errors. */
  readonly tree: string;
  readonly files: readonly TreeEntry[];
  readonly maxFiles: number;
  readonly maxBytes: number;
}

/** What is larger is not read into memory. */
export const LARGE_BYTES = 8 * 1024 ** 2;
const BATCH_BYTES = 16 * 1024 ** 2;
const BATCH_FILES = 128;
const LFS_LIMIT = 1_024;
const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/v1');

/** Throws `git-tree-unsupported` for what can be seen without reading any file. */
export function checkFiles(of: TreeFiles): void {
  if (of.files.length > of.maxFiles) throw unsupported(of, `more than ${of.maxFiles} files`);
  let bytes = 0;
  for (const file of of.files) {
    if (file.mode === '160000') throw unsupported(of, `"${file.path}" is a submodule`);
    bytes += file.size ?? 0;
    if (file.mode === '120000' && (file.size ?? 0) > 4_095)
      throw unsupported(of, `"${file.path}" is too long a symlink`);
  }
  if (bytes > of.maxBytes) throw unsupported(of, `more than ${of.maxBytes} bytes`);
}

/** Throws `git-tree-unsupported` for a symlink that leaves the tree, and for an LFS pointer. */
export function checkContent(of: Pick<TreeFiles, 'tree'>, file: TreeEntry, content: Buffer): void {
  if (file.mode === '120000') {
    if (leavesTree(file.path, content.toString('utf8')))
      throw unsupported(of, `"${file.path}" is a symlink that leaves the tree`);
  } else if (content.length <= LFS_LIMIT && content.subarray(0, LFS_POINTER.length).equals(LFS_POINTER)) {
    throw unsupported(of, `"${file.path}" is a pointer to a file in Git LFS`);
  }
}

/** Small files go in batches; a large one is a batch of its own. */
export function* batchesOf(files: readonly TreeEntry[]): Generator<readonly TreeEntry[]> {
  let batch: TreeEntry[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = file.size ?? 0;
    const isLarge = size > LARGE_BYTES;
    if (batch.length > 0 && (isLarge || batch.length === BATCH_FILES || bytes + size > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    if (isLarge) {
      yield [file];
      continue;
    }
    batch.push(file);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** The mode of a file: git keeps no more than whether it can be run. */
export function modeOf(file: TreeEntry): number {
  return file.mode === '100755' ? 0o755 : 0o644;
}

function unsupported({ tree }: Pick<TreeFiles, 'tree'>, why: string): MainspringError {
  return new MainspringError('git-tree-unsupported', `export of tree ${tree}: ${why}`, {
    hint: 'Submodules, Git LFS and symlinks out of the folder are not supported: put the files themselves into the repo.',
  });
}
