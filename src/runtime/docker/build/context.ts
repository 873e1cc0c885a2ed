import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import type { Ignore } from '@balena/dockerignore';
import { type Pack, pack } from 'tar-stream';
import type { SourceContent, SourceEntry, SourceTree } from '../../../model/source-tree.ts';

/**
 * The name under which the Containerfile of a spec is sent, beside the files of the source: builders take it from among them. One of the
 * source is sent under its own name, its images pinned.
 */
export const SENT_FILE = '.mainspring.Containerfile';
/** The name of the certificates that a build is to trust. */
export const SENT_CERTIFICATES = '.mainspring.ca.pem';

/** What is sent to the builder. */
export interface ContextParts {
  /** The source; null: there is none. */
  readonly tree: SourceTree | null;
  /** The text of the ignore file, if there is one. */
  readonly ignore: string | null;
  /** Files of our own, by name. */
  readonly own: Readonly<Record<string, string>>;
}

/**
 * A tar of what the builder gets, made while it is taken: no more is in memory than a batch of small files or a piece of a large one. Owners are
 * left out and all times are one, so that the same files always are the same bytes. What can't be read is an error of the stream; so is the signal's reason. Who doesn't take
 * it to its end destroys it.
 */
export function contextStream(parts: ContextParts, signal: AbortSignal): Readable {
  const archive = pack();
  // By way of a stream of Node's own: requests don't understand the archive's.
  const stream = Readable.from(archive);
  const closed = new AbortController();
  stream.once('close', () => closed.abort());
  fillArchive(archive, parts, AbortSignal.any([signal, closed.signal])).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return stream;
}

async function fillArchive(archive: Pack, { tree, ignore, own }: ContextParts, signal: AbortSignal): Promise<void> {
  for (const [name, text] of Object.entries(own)) await add(archive, { name, mode: 0o644 }, Buffer.from(text));
  if (tree === null) return;
  const isIgnored = ignoring(ignore);
  const found = inOrder(tree.entries.filter(({ path }) => !Object.hasOwn(own, path)));
  const folders = new Folders(found);
  const sent = await withoutIgnored(found, isIgnored);
  for await (const one of tree.read(sent, signal)) {
    // All that come before it, also those of which every file is left out.
    for (const folder of folders.upTo(one.entry))
      if (!isIgnored(folder)) await add(archive, { name: `${folder}/`, type: 'directory', mode: FOLDER_MODE }, null);
    await addEntry(archive, one);
  }
  for (const folder of folders.upTo(null))
    if (!isIgnored(folder)) await add(archive, { name: `${folder}/`, type: 'directory', mode: FOLDER_MODE }, null);
}

/** The folders of sorted entries, each with the entry that it comes before. */
class Folders {
  readonly #entries: readonly SourceEntry[];
  readonly #seen = new Set<string>();
  #at = 0;

  constructor(entries: readonly SourceEntry[]) {
    this.#entries = entries;
  }

  /** Those that were not told yet, of the entries up to this one; null: of all. */
  *upTo(entry: SourceEntry | null): Generator<string> {
    for (let isLast = false; !isLast && this.#at < this.#entries.length; this.#at += 1) {
      const { path } = this.#entries[this.#at] ?? { path: '' };
      isLast = path === entry?.path;
      for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
        const folder = path.slice(0, end);
        if (this.#seen.has(folder)) continue;
        this.#seen.add(folder);
        yield folder;
      }
    }
  }
}

/**
 * The time of all that is sent: one and the same, so that caches hold. Not 1970, which programs take for no time at all: Maven leaves
 * resources of that time out of its jars, and zip knows none before 1980.
 */
const SENT_TIME = new Date('2000-01-01T00:00:00Z');
const FOLDER_MODE = 0o755;
/** After so many paths other work may run. */
const LOOKED_AT = 500;

// Its types describe a default export that it has not: it is a function itself.
const dockerIgnore: (options: { readonly ignorecase: boolean }) => Ignore = createRequire(import.meta.url)(
  '@balena/dockerignore',
);

/** Folder by folder, each in the order of its names: the same files are the same bytes, however they are listed. */
function inOrder(entries: readonly SourceEntry[]): SourceEntry[] {
  // What no name has comes before what any has, so that a folder's files come together.
  const keyed = entries.map((entry) => ({ entry, key: entry.path.replaceAll('/', '\0') }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ entry }) => entry);
}

/** Those that are sent. Below an ignored folder there may be files that a later line takes in again, so all are looked at. */
async function withoutIgnored(
  entries: readonly SourceEntry[],
  isIgnored: (path: string) => boolean,
): Promise<SourceEntry[]> {
  const sent: SourceEntry[] = [];
  for (const [at, entry] of entries.entries()) {
    if (at % LOOKED_AT === LOOKED_AT - 1) await setImmediate();
    if (!isIgnored(entry.path)) sent.push(entry);
  }
  return sent;
}

async function addEntry(archive: Pack, { entry, content }: SourceContent): Promise<void> {
  const header = { name: entry.path, mode: entry.mode };
  if (entry.kind === 'symlink') {
    const linkname = (await bytesOf(content)).toString('utf8');
    return add(archive, { name: entry.path, type: 'symlink', linkname }, null);
  }
  if (content instanceof Uint8Array) return add(archive, header, await bytesOf(content));
  await pipeline(content, archive.entry({ ...header, size: entry.size, mtime: SENT_TIME }));
}

/** All of a content that is known to be small. */
export async function bytesOf(content: SourceContent['content']): Promise<Buffer> {
  if (content instanceof Uint8Array) return Buffer.from(content.buffer, content.byteOffset, content.length);
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Resolves once it was taken, so that the archive never grows. */
function add(archive: Pack, header: Parameters<Pack['entry']>[0], content: Buffer | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    if (content === null) archive.entry({ ...header, mtime: SENT_TIME }, done);
    else archive.entry({ ...header, mtime: SENT_TIME }, content, done);
  });
}

function ignoring(ignore: string | null): (path: string) => boolean {
  if (ignore === null) return () => false;
  const rules = dockerIgnore({ ignorecase: false }).add(ignore);
  return (path) => rules.ignores(path);
}
