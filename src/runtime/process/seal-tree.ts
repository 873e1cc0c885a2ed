import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MainspringError } from '../../model/errors.ts';

/**
 * Makes a built tree ours again and readable by every app, writable by none and without set-user-id programs. Only for root.
 * `builder` is the user that wrote all of it: a file of somebody else's in there is a hard link that leads out of the tree.
 */
export async function sealTree(path: string, builder: number | null): Promise<void> {
  const { mode, uid } = await lstat(path);
  if (builder !== null && uid !== builder) {
    throw new MainspringError('build-failed', `build: "${path}" belongs to another user than the build's`);
  }
  const isFolder = (mode & 0o170000) === 0o040000;
  const isLink = (mode & 0o170000) === 0o120000;
  await lchown(path, 0, 0);
  if (isLink) return;
  await chmod(path, isFolder || (mode & 0o100) !== 0 ? 0o755 : 0o644);
  if (isFolder) await Promise.all((await readdir(path)).map((name) => sealTree(join(path, name), builder)));
}
