import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

// sun_path holds 104 bytes on macOS and the BSDs, 108 on Linux, with the final zero.
const MAX_BYTES = 103;

/**
 * Where a server may listen for a socket that belongs at `path`: there, its folder made and an old socket removed; or, when
 * that is too long for a socket, in a folder of its own below the temp folder, written down in `PATH.at` for `findSocket`.
 */
export function placeSocket(path: string): string {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  if (Buffer.byteLength(path) <= MAX_BYTES) return path;
  removeSocket(path);
  const short = join(mkdtempSync(join(tmpdir(), 'mainspring-')), basename(path));
  writeFileSync(`${path}.at`, short, { mode: 0o600 });
  return short;
}

/** Where the socket that belongs at `path` really is. */
export function findSocket(path: string): string {
  if (Buffer.byteLength(path) <= MAX_BYTES) return path;
  try {
    return readFileSync(`${path}.at`, 'utf8');
  } catch {
    return path;
  }
}

/** Where the folder of a socket really lies, links followed; as named while it isn't there. */
export function socketFolder(path: string): string {
  try {
    return realpathSync(dirname(path));
  } catch {
    return dirname(path);
  }
}

/** Removes the socket, and what `placeSocket` made for a path that is too long. Missing is fine. */
export function removeSocket(path: string): void {
  const place = findSocket(path);
  rmSync(place, { force: true });
  if (place === path) return;
  rmSync(dirname(place), { recursive: true, force: true });
  rmSync(`${path}.at`, { force: true });
}
