import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What a look over all files of a tree gives. */
export interface Survey {
  /** Files and links, without folders. */
  readonly files: number;
  /** SHA-256 over path, mode and size of every file and the target of every link; with `content`, over the bytes as well. */
  readonly digest: string;
}

interface Entry {
  readonly path: string;
  /** One line that says all but the bytes. */
  readonly line: string;
  readonly isFile: boolean;
}

/** Looks over all files below a folder. Follows no links. The result does not depend on the order in which the disk lists them. */
export async function surveyTree(root: string, options: { readonly content: boolean }): Promise<Survey> {
  const entries = (await entriesBelow(root, '')).sort((a, b) => (a.path < b.path ? -1 : 1));
  const hash = createHash('sha256');
  for (const entry of entries) {
    hash.update(entry.line);
    if (options.content && entry.isFile) await hashFile(join(root, entry.path), hash);
  }
  return { files: entries.length, digest: hash.digest('hex') };
}

async function entriesBelow(root: string, folder: string): Promise<Entry[]> {
  const found = await readdir(join(root, folder), { withFileTypes: true });
  const entries = await Promise.all(
    found.map((item) => {
      const path = folder === '' ? item.name : `${folder}/${item.name}`;
      return item.isDirectory() ? entriesBelow(root, path) : entryOf(root, path);
    }),
  );
  return entries.flat();
}

async function entryOf(root: string, path: string): Promise<Entry> {
  const { mode, size } = await lstat(join(root, path));
  const isLink = (mode & 0o170000) === 0o120000;
  const isFile = (mode & 0o170000) === 0o100000;
  // The bits of group and others depend on the umask of whoever wrote the file; whether it can be run does not.
  const kind = isLink ? `link ${await readlink(join(root, path))}` : `${mode & 0o100 ? 'run' : 'file'} ${size}`;
  return { path, line: `${path}\0${kind}\0`, isFile };
}

async function hashFile(path: string, hash: Hash): Promise<void> {
  await pipeline(createReadStream(path), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) hash.update(chunk);
  });
}
