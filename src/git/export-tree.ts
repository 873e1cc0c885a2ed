import { chmodSync, closeSync, mkdirSync, openSync, symlinkSync, writeSync } from 'node:fs';
import { lstat, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import type { TreeEntry } from './git.ts';
import type { ObjectSource } from './object-cache.ts';
import { batchesOf, checkContent, checkFiles, LARGE_BYTES, modeOf, type TreeFiles } from './tree-files.ts';
import { MissingObject } from './unreadable-object.ts';

/** Added to the name of the folder while it is being written. Whoever owns the parent folder may remove such a one when nothing writes it. */
export const PARTIAL_SUFFIX = '.partial';

/** What is written where. */
export interface TreeExport extends TreeFiles {
  readonly into: string;
  readonly source: ObjectSource;
  readonly signal: AbortSignal;
  /** Writes a large blob to a file that does not exist yet. */
  readonly writeLarge: (oid: string, path: string) => Promise<void>;
}

/** The folder being written, and how modes are set in it. */
interface Target {
  readonly root: string;
  readonly makeMode: (path: string, mode: number) => void;
}

const FOLDER_MODE = 0o755;

/** Writes files into a folder beside `into` and then gives it its name, so that it is whole or not there. */
export async function exportFiles(job: TreeExport): Promise<void> {
  checkFiles(job);
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
  checkContent(job, file, content);
  if (file.mode === '120000') {
    symlinkSync(content.toString('utf8'), path);
    return;
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

/** Instances may run as another user, so the modes hold whatever the umask; where it takes nothing away, that costs nothing. */
function modeSetter(): (path: string, mode: number) => void {
  return (process.umask() & FOLDER_MODE) === 0 ? () => {} : chmodSync;
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
