import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Ignore } from '@balena/dockerignore';
import { type Pack, pack } from 'tar-stream';
import { isMissing } from '../../folders.ts';

/**
 * The name under which the Containerfile of a spec is sent, beside the files of the source: builders take it from among them. One of the
 * source is sent under its own name, its images pinned.
 */
export const SENT_FILE = '.mainspring.Containerfile';
/** The name of the certificates that a build is to trust. */
export const SENT_CERTIFICATES = '.mainspring.ca.pem';

/** What is sent to the builder. */
export interface ContextParts {
  /** The folder of the source; null: there is none. */
  readonly folder: string | null;
  /** The text of the ignore file, if there is one. */
  readonly ignore: string | null;
  /** Files of our own, by name. */
  readonly own: Readonly<Record<string, string>>;
}

/** The text of the ignore file for a Containerfile: the one of its own name first, as BuildKit does. */
export async function readIgnore(folder: string, file: string): Promise<string | null> {
  return (await readText(join(folder, `${file}.dockerignore`))) ?? (await readText(join(folder, '.dockerignore')));
}

/** A tar of what the builder gets. Owners are left out and all times are one, so that the same files always are the same bytes. */
export function contextStream(parts: ContextParts): Readable {
  const archive = pack();
  fillArchive(archive, parts).then(
    () => archive.finalize(),
    (error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  // By way of a stream of Node's own: requests don't understand the archive's.
  return Readable.from(archive);
}

async function fillArchive(archive: Pack, { folder, ignore, own }: ContextParts): Promise<void> {
  for (const [name, text] of Object.entries(own)) archive.entry({ name, mode: 0o644, mtime: SENT_TIME }, text);
  if (folder !== null)
    await addFolder(archive, { folder, isIgnored: ignoring(ignore), skip: new Set(Object.keys(own)) }, '');
}

interface Adding {
  readonly folder: string;
  readonly isIgnored: (path: string) => boolean;
  readonly skip: ReadonlySet<string>;
}

/**
 * The time of all that is sent: one and the same, so that caches hold. Not 1970, which programs take for no time at all: Maven leaves
 * resources of that time out of its jars, and zip knows none before 1980.
 */
const SENT_TIME = new Date('2000-01-01T00:00:00Z');

// Its types describe a default export that it has not: it is a function itself.
const dockerIgnore: (options: { readonly ignorecase: boolean }) => Ignore = createRequire(import.meta.url)(
  '@balena/dockerignore',
);

/** Below an ignored folder there may be files that a later line takes in again, so all are looked at; a folder comes with its first file. */
async function addFolder(archive: Pack, adding: Adding, below: string): Promise<void> {
  const names = (await readdir(join(adding.folder, below))).sort();
  for (const name of names) {
    const path = below === '' ? name : `${below}/${name}`;
    if (adding.skip.has(path)) continue;
    const full = join(adding.folder, path);
    const found = await lstat(full);
    const isOut = adding.isIgnored(path);
    if (found.isDirectory()) {
      if (!isOut)
        await entry(archive, { name: `${path}/`, type: 'directory', mode: found.mode & 0o7777, mtime: SENT_TIME });
      await addFolder(archive, adding, path);
    } else if (!isOut && found.isSymbolicLink()) {
      await entry(archive, { name: path, type: 'symlink', linkname: await readlink(full), mtime: SENT_TIME });
    } else if (!isOut && found.isFile()) {
      const file = archive.entry({ name: path, size: found.size, mode: found.mode & 0o7777, mtime: SENT_TIME });
      await pipeline(createReadStream(full), file);
    }
  }
}

function entry(archive: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  return new Promise((resolve, reject) => {
    archive.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}

function ignoring(ignore: string | null): (path: string) => boolean {
  if (ignore === null) return () => false;
  const rules = dockerIgnore({ ignorecase: false }).add(ignore);
  return (path) => rules.ignores(path);
}

async function readText(path: string): Promise<string | null> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
}
