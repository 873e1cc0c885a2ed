import { createHash } from 'node:crypto';
import { open, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { BoundedCache } from '../reading/bounded-cache.ts';
import { CODINGS, type Coding } from './content-coding.ts';
import { contentType, isCompressible } from './mime.ts';
import { isNoSuchFile } from './open-files.ts';

/** The bytes of a file in one coding, ready to be sent. */
export interface Representation {
  readonly coding: Coding | 'identity';
  /** Where it lies; empty for what was compressed here, which only is in memory. */
  readonly path: string;
  readonly size: number;
  /** Strong: the tree never changes under its path, so root, name and coding say which bytes they are (RFC 9110, 8.8.3). */
  readonly tag: string;
  /** The content of a small one, and of what was compressed here. */
  readonly content: Buffer | null;
}

/** A file of a tree in all codings that lie there. */
export interface StaticFile {
  readonly type: string;
  /** The same for all of its codings, and for nothing else. */
  readonly identity: string;
  readonly plain: Representation;
  /** Siblings that were compressed beforehand: `app.js.br` beside `app.js`. In our order. */
  readonly stored: readonly Representation[];
  /** Whether compressing it here is worth a try. */
  readonly pays: boolean;
}

/** What a path in a tree leads to. */
export type StaticEntry =
  | { readonly kind: 'file'; readonly file: StaticFile }
  | { readonly kind: 'folder' }
  | { readonly kind: 'missing' };

// Measured with 1 MiB: from memory it takes a third of the CPU time that pieces from disk take.
const MOST_KEPT_BYTES = 1024 * 1024;
const LIMITS = { entries: 5_000, bytes: 16 * 1024 * 1024 };
const MISSING: StaticEntry = { kind: 'missing' };
const SUFFIXES: Readonly<Record<Coding, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' };

/**
 * Finds files in exported trees. Trees are read-only and content-addressed, so what was found stays true; it is kept in
 * memory, small contents too, within bounds.
 */
export class StaticFiles {
  readonly #known = new BoundedCache<StaticEntry>(LIMITS);

  /** What is known of a path already: at once, without asking the file system. */
  known(root: string, name: string): StaticEntry | undefined {
    return this.#known.get(`${root}\0${name}`);
  }

  /** Looks up a path, given as decoded segments that hold no slash and no `..`, below a tree. */
  async find(root: string, segments: readonly string[]): Promise<StaticEntry> {
    const name = segments.join('/');
    const known = this.known(root, name);
    if (known !== undefined) return known;
    const entry = await readEntry(root, segments);
    // Not what is missing: a tree may be asked for just before it is there, and names that don't exist are endless.
    if (entry.kind !== 'missing') this.#known.set(`${root}\0${name}`, entry, bytesOf(entry));
    return entry;
  }
}

function bytesOf(entry: StaticEntry): number {
  if (entry.kind !== 'file') return 0;
  return [entry.file.plain, ...entry.file.stored].reduce((sum, { content }) => sum + (content?.length ?? 0), 0);
}

async function readEntry(root: string, segments: readonly string[]): Promise<StaticEntry> {
  try {
    const top = await realpath(root);
    const path = await pathInside(top, join(root, ...segments));
    if (path === undefined) return MISSING;
    const found = await stat(path);
    if (found.isDirectory()) return { kind: 'folder' };
    if (!found.isFile()) return MISSING;
    return { kind: 'file', file: await readFile({ root, top, segments }, path, found.size) };
  } catch (error) {
    if (isNoSuchFile(error)) return MISSING;
    throw error;
  }
}

/** Where a path really leads; undefined if that is out of the tree. A link may lead elsewhere in the tree. */
async function pathInside(top: string, path: string): Promise<string | undefined> {
  const real = await realpath(path);
  return real === top || real.startsWith(top + sep) ? real : undefined;
}

interface Place {
  readonly root: string;
  /** Where the root really is. */
  readonly top: string;
  readonly segments: readonly string[];
}

async function readFile(place: Place, path: string, size: number): Promise<StaticFile> {
  const { root, segments } = place;
  const name = segments.at(-1) ?? '';
  const identity = createHash('sha256')
    .update(`${root}\0${segments.join('/')}`)
    .digest('base64url')
    .slice(0, 24);
  const isWorthIt = isCompressible(name);
  const stored = isWorthIt ? await Promise.all(CODINGS.map((coding) => readSibling(place, identity, coding))) : [];
  const plain = { coding: 'identity' as const, path, size, tag: `"${identity}"`, content: await readSmall(path, size) };
  return {
    type: contentType(name),
    identity,
    plain,
    // One that is no smaller is no use, and probably something else.
    stored: stored.flatMap((sibling) => (sibling !== undefined && sibling.size < size ? sibling : [])),
    pays: isWorthIt && size >= LEAST_BYTES && size <= MOST_BYTES,
  };
}

/** Below this a head and a packet are most of it; above it takes too long and too much memory. */
const LEAST_BYTES = 1024;
const MOST_BYTES = 4 * 1024 * 1024;

async function readSibling(place: Place, identity: string, coding: Coding): Promise<Representation | undefined> {
  try {
    const path = await pathInside(place.top, join(place.root, ...place.segments) + SUFFIXES[coding]);
    if (path === undefined) return undefined;
    const found = await stat(path);
    if (!found.isFile()) return undefined;
    const content = await readSmall(path, found.size);
    return { coding, path, size: found.size, tag: `"${identity}-${coding}"`, content };
  } catch (error) {
    if (isNoSuchFile(error)) return undefined;
    throw error;
  }
}

async function readSmall(path: string, size: number): Promise<Buffer | null> {
  if (size > MOST_KEPT_BYTES) return null;
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size), position: 0 });
    // One that was cut off meanwhile must not be sent with the length that it had.
    return bytesRead === size ? buffer : null;
  } finally {
    await handle.close();
  }
}
