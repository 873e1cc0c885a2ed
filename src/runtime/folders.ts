import { chmod, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** Names that begin like this are on their way out: nothing looks at them but `removeTrash`. */
export const TRASH_PREFIX = '.trash-';

/**
 * Removes a folder or file so that it is gone at once under its name, also when the rest is cut off by a crash: `removeTrash`
 * finishes it. A missing one counts as removed. Links are removed, never followed.
 */
export async function removeFolder(path: string): Promise<void> {
  const trash = join(dirname(path), `${TRASH_PREFIX}${basename(path)}-${process.pid}-${performance.now()}`);
  try {
    await rename(path, trash);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await removeAll(trash);
}

/** Finishes removals below a folder that a crash cut off, and removes what else its caller names. A missing folder is fine. */
export async function removeTrash(folder: string, alsoIs: (name: string) => boolean = () => false): Promise<void> {
  for (const name of await namesIn(folder)) {
    if (name.startsWith(TRASH_PREFIX) || alsoIs(name)) await removeAll(join(folder, name));
  }
}

/** Makes a folder that every user may enter and look into, whatever the umask says. Twice is fine. */
export async function makeOpenFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  await chmod(path, 0o755);
}

/** Names in a folder; none if it is missing. */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** Whether an error says that a file or folder is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

async function removeAll(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // Builds leave folders without write permission (a Go module cache is one).
    await makeRemovable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 3 });
  }
}

async function makeRemovable(folder: string): Promise<void> {
  await chmod(folder, 0o700);
  for (const item of await readdir(folder, { withFileTypes: true })) {
    if (item.isDirectory()) await makeRemovable(join(folder, item.name));
  }
}
