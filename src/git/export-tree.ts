import { chmodSync, closeSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { TreeEntry } from './git.ts';
import { leavesTree } from './link-target.ts';
import type { ObjectSource } from './object-cache.ts';
import { MissingObject } from './unreadable-object.ts';

/** Added to the name of the folder while it is being written. Whoever owns the parent folder may remove such a one when nothing writes it. */
export const PARTIAL_SUFFIX = '.partial';

/** What is written where. */
export interface TreeExport {
  /** For errors. */
  readonly tree: string;
  readonly files: readonly TreeEntry[];
  readonly into: string;
  readonly source: ObjectSource;
  readonly signal: AbortSignal;
  readonly maxFiles: number;
  readonly maxBytes: number;
  /** Writes a large blob to a file that does not exist yet. */
  readonly writeLarge: (oid: string, path: string) => Promise<void>;
}

/** The folder being written, and how modes are set in it. */
interface Target {
  readonly root: string;
  readonly makeMode: (path: string, mode: number) => void;
}

const LARGE_BYTES = 8 * 1024 ** 2;
const BATCH_BYTES = 16 * 1024 ** 2;
const BATCH_FILES = 128;
const LFS_LIMIT = 1_024;
const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/v1');
const FOLDER_MODE = 0o755;

/** Writes files into a folder beside `into` and then gives it its name, so that it is whole or not there. */
export async function exportFiles(job: TreeExport): Promise<void> {
  checkBefore(job);
  if ((await lstat(job.into).catch(() => null)) !== null) throw failed(job, 'the folder is there already');
  const partial = job.into + PARTIAL_SUFFIX;
  // Left behind by a crash.
  await rm(partial, { recursive: true, force: true });
  try {
    await mkdir(dirname(job.into), { recursive: true });
    await writeAll(job, partial);
    await rename(partial, job.into);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw isSystemError(error) ? failed(job, error.message, error) : error;
  }
}

function checkBefore(job: TreeExport): void {
  if (job.files.length > job.maxFiles) throw unsupported(job, `more than ${job.maxFiles} files`);
  let bytes = 0;
  for (const file of job.files) {
    if (file.mode === '160000') throw unsupported(job, `"${file.path}" is a submodule`);
    bytes += file.size ?? 0;
    if (file.mode === '120000' && (file.size ?? 0) > 4_095)
      throw unsupported(job, `"${file.path}" is too long a symlink`);
  }
  if (bytes > job.maxBytes) throw unsupported(job, `more than ${job.maxBytes} bytes`);
}

async function writeAll(job: TreeExport, root: string): Promise<void> {
  const makeMode = modeSetter();
  makeFolders(job.files, root, makeMode);
  for (const batch of batchesOf(job.files)) {
    job.signal.throwIfAborted();
    const [first] = batch;
    if (first !== undefined && (first.size ?? 0) > LARGE_BYTES) {
      const path = join(root, first.path);
      await job.writeLarge(first.oid, path);
      makeMode(path, modeOf(first));
      continue;
    }
    const answers = await Promise.all(batch.map((file) => job.source.read(file.oid)));
    // Synchronously, as that takes a third of the time for small files; the batch bounds how long nothing else runs.
    for (const [index, file] of batch.entries()) {
      const content = answers[index]?.content;
      if (content === undefined || content === null) throw new MissingObject(file.oid, 'blob');
      writeEntry(job, { root, makeMode }, file, content);
    }
  }
}

/** Small files go in batches; a large one is a batch of its own. */
function* batchesOf(files: readonly TreeEntry[]): Generator<readonly TreeEntry[]> {
  let batch: TreeEntry[] = [];
  let bytes = 0;
  for (const file of files) {
    const size = file.size ?? 0;
    if (size > LARGE_BYTES) {
      yield [file];
      continue;
    }
    if (batch.length === BATCH_FILES || bytes + size > BATCH_BYTES) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

function makeFolders(files: readonly TreeEntry[], root: string, makeMode: (path: string, mode: number) => void): void {
  const made = new Set<string>();
  const make = (folder: string): void => {
    if (made.has(folder)) return;
    made.add(folder);
    if (folder !== '.') make(dirname(folder));
    const path = join(root, folder);
    mkdirSync(path, { mode: FOLDER_MODE });
    makeMode(path, FOLDER_MODE);
  };
  make('.');
  for (const file of files) make(dirname(file.path));
}

function writeEntry(job: TreeExport, target: Target, file: TreeEntry, content: Buffer): void {
  const path = join(target.root, file.path);
  if (file.mode === '120000') {
    const link = content.toString('utf8');
    if (leavesTree(file.path, link)) throw unsupported(job, `"${file.path}" is a symlink that leaves the tree`);
    symlinkSync(link, path);
    return;
  }
  if (content.length <= LFS_LIMIT && content.subarray(0, LFS_POINTER.length).equals(LFS_POINTER)) {
    throw unsupported(job, `"${file.path}" is a pointer to a file in Git LFS`);
  }
  const mode = modeOf(file);
  const handle = openSync(path, 'wx', mode);
  try {
    for (let at = 0; at < content.length; ) at += writeSync(handle, content, at);
  } finally {
    closeSync(handle);
  }
  target.makeMode(path, mode);
}

function modeOf(file: TreeEntry): number {
  return file.mode === '100755' ? 0o755 : 0o644;
}

/** Instances may run as another user, so the modes hold whatever the umask; where it takes nothing away, that costs nothing. */
function modeSetter(): (path: string, mode: number) => void {
  return (process.umask() & FOLDER_MODE) === 0 ? () => {} : chmodSync;
}

function unsupported(job: TreeExport, why: string): MainspringError {
  return new MainspringError('git-tree-unsupported', `export of tree ${job.tree}: ${why}`, {
    hint: 'Submodules, Git LFS and symlinks out of the folder are not supported: put the files themselves into the repo.',
  });
}

function failed(job: TreeExport, why: string, cause?: unknown): MainspringError {
  return new MainspringError('unexpected', `export of tree ${job.tree} into "${job.into}": ${why}`, {
    cause,
    retry: 'after-interval',
    hint: 'Is there space left, and may the daemon write there?',
  });
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error;
}
