import { createHash } from 'node:crypto';
import { type FileHandle, open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { contentType } from './mime.ts';

/** A file of a tree, ready to be sent. */
export interface StaticFile {
  readonly path: string;
  readonly size: number;
  readonly type: string;
  /** Strong: the tree never changes under its path, so root and name say which bytes they are. */
  readonly tag: string;
  /** The content of a small file. */
  readonly content: Buffer | null;
}

/** What a path in a tree leads to. */
export type StaticEntry =
  | { readonly kind: 'file'; readonly file: StaticFile }
  | { readonly kind: 'folder' }
  | { readonly kind: 'missing' };

const SMALL = 64 * 1024;
const CACHE_BYTES = 8 * 1024 * 1024;
const CACHE_ENTRIES = 5_000;
const MISSING: StaticEntry = { kind: 'missing' };

/**
 * Finds files in exported trees. Trees are read-only and content-addressed, so what was found stays true; it is kept in
 * memory, small contents too, within bounds.
 */
export class StaticFiles {
  readonly #known = new Map<string, StaticEntry>();
  #bytes = 0;

  /** Looks up a path, given as decoded segments that hold no slash and no `..`, below a tree. */
  async find(root: string, segments: readonly string[]): Promise<StaticEntry> {
    const key = `${root}\0${segments.join('/')}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const entry = await readEntry(root, segments);
    // Not what is missing: a tree may be asked for just before it is there, and names that don't exist are endless.
    if (entry.kind !== 'missing') this.#keep(key, entry);
    return entry;
  }

  #keep(key: string, entry: StaticEntry): void {
    const size = entry.kind === 'file' ? (entry.file.content?.length ?? 0) : 0;
    if (this.#known.size >= CACHE_ENTRIES || this.#bytes + size > CACHE_BYTES) {
      this.#known.clear();
      this.#bytes = 0;
    }
    this.#bytes += size;
    this.#known.set(key, entry);
  }
}

async function readEntry(root: string, segments: readonly string[]): Promise<StaticEntry> {
  try {
    const top = await realpath(root);
    const path = await realpath(join(root, ...segments));
    // A link may lead elsewhere in the tree, never out of it.
    if (path !== top && !path.startsWith(top + sep)) return MISSING;
    const { size, isFile } = await kindOf(path);
    if (!isFile) return (await stat(path)).isDirectory() ? { kind: 'folder' } : MISSING;
    const content = size <= SMALL ? await readSmall(path, size) : null;
    const type = contentType(segments.at(-1) ?? '');
    return { kind: 'file', file: { path, size, type, tag: tagOf(root, segments), content } };
  } catch (error) {
    if (isNoSuchFile(error)) return MISSING;
    throw error;
  }
}

async function kindOf(path: string): Promise<{ size: number; isFile: boolean }> {
  const found = await stat(path);
  return { size: found.size, isFile: found.isFile() };
}

async function readSmall(path: string, size: number): Promise<Buffer> {
  const handle: FileHandle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size), position: 0 });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function tagOf(root: string, segments: readonly string[]): string {
  return `"${createHash('sha256')
    .update(`${root}\0${segments.join('/')}`)
    .digest('base64url')
    .slice(0, 24)}"`;
}

function isNoSuchFile(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
}
