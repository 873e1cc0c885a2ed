import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceContent, SourceEntry, SourceTree } from '../../../model/source-tree.ts';

/** What lies in a folder that nobody changes meanwhile. */
export async function folderTree(folder: string): Promise<SourceTree> {
  const entries: SourceEntry[] = [];
  await addEntries(entries, folder, '');
  return { entries, read: (wanted, signal) => readEntries(folder, wanted, signal) };
}

async function addEntries(entries: SourceEntry[], folder: string, below: string): Promise<void> {
  for (const name of await readdir(join(folder, below))) {
    const path = below === '' ? name : `${below}/${name}`;
    const found = await lstat(join(folder, path));
    const about = { path, mode: found.mode & 0o7777, size: found.size };
    if (found.isDirectory()) await addEntries(entries, folder, path);
    else if (found.isSymbolicLink()) entries.push({ ...about, kind: 'symlink' });
    else if (found.isFile()) entries.push({ ...about, kind: 'file' });
  }
}

async function* readEntries(
  folder: string,
  entries: readonly SourceEntry[],
  signal: AbortSignal,
): AsyncGenerator<SourceContent> {
  for (const entry of entries) {
    signal.throwIfAborted();
    const path = join(folder, entry.path);
    const isLink = entry.kind === 'symlink';
    yield { entry, content: isLink ? await readlink(path, 'buffer') : createReadStream(path, { signal }) };
  }
}
