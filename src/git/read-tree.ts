import { spawn } from 'node:child_process';
import type { SourceContent, SourceEntry, SourceTree } from '../model/source-tree.ts';
import type { TreeEntry } from './git.ts';
import type { ObjectSource } from './object-cache.ts';
import { missingGit } from './run-git.ts';
import { batchesOf, checkContent, checkFiles, LARGE_BYTES, modeOf, type TreeFiles } from './tree-files.ts';
import { MissingObject, UnreadableObject } from './unreadable-object.ts';

/** What is read from where. */
export interface TreeReading extends TreeFiles {
  readonly source: ObjectSource;
  readonly readLarge: (oid: string, signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

/** The files of a tree, to be read without a copy in a folder: small ones in batches, large ones in pieces. */
export function treeToRead(reading: TreeReading): SourceTree {
  checkFiles(reading);
  const files = new Map(reading.files.map((file) => [file.path, file]));
  return {
    entries: reading.files.map(entryOf),
    read: (entries, signal) =>
      readFiles(
        reading,
        entries.map(({ path }) => fileAt(files, path)),
        signal,
      ),
  };
}

async function* readFiles(
  reading: TreeReading,
  files: readonly TreeEntry[],
  signal: AbortSignal,
): AsyncGenerator<SourceContent> {
  for (const batch of batchesOf(files)) {
    signal.throwIfAborted();
    const [first] = batch;
    if (first !== undefined && (first.size ?? 0) > LARGE_BYTES) {
      yield { entry: entryOf(first), content: reading.readLarge(first.oid, signal) };
      continue;
    }
    const answers = await Promise.all(batch.map((file) => reading.source.read(file.oid)));
    for (const [index, file] of batch.entries()) {
      signal.throwIfAborted();
      const content = answers[index]?.content;
      if (content === undefined || content === null) throw new MissingObject(file.oid, 'blob');
      checkContent(reading, file, content);
      yield { entry: entryOf(file), content };
    }
  }
}

function entryOf(file: TreeEntry): SourceEntry {
  const kind = file.mode === '120000' ? 'symlink' : 'file';
  return { path: file.path, kind, mode: modeOf(file), size: file.size ?? 0 };
}

function fileAt(files: ReadonlyMap<string, TreeEntry>, path: string): TreeEntry {
  const file = files.get(path);
  if (file === undefined) throw new TypeError(`no file of this tree: ${JSON.stringify(path)}`);
  return file;
}

/** Where a blob is. */
export interface BlobPlace {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly oid: string;
}

/** A blob in pieces: git waits while nobody takes them, and is ended when the signal aborts or nobody wants the rest. */
export async function* readBlob({ gitDir, env, oid }: BlobPlace, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  signal.throwIfAborted();
  // Not through execa: nothing is collected.
  const child = spawn('git', [`--git-dir=${gitDir}`, 'cat-file', 'blob', oid], {
    cwd: '/',
    env: { ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<{ code: number | null; error: Error | null }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, error }));
    child.once('close', (code) => resolve({ code, error: null }));
  });
  const end = () => child.kill('SIGKILL');
  signal.addEventListener('abort', end, { once: true });
  try {
    for await (const piece of child.stdout) yield piece as Uint8Array;
    const { code, error } = await ended;
    signal.throwIfAborted();
    if (error !== null) throw missingGit(error);
    if (code !== 0) throw new UnreadableObject(`blob ${oid} cannot be read`);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
