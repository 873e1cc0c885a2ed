import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { lchown, lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { MainspringError } from '../../model/errors.ts';

/** The user and group that an app runs as. */
export interface AppUser {
  readonly uid: number;
  readonly gid: number;
}

// No distribution hands these out: https://systemd.io/UIDS-GIDS ("unused" between the container range and 2^31).
const FIRST_UID = 1_879_048_192;
const UIDS = 2 ** 28;
const NOBODY: AppUser = { uid: 65_534, gid: 65_534 };

/**
 * The user of its own for whatever `name` names: the same each time, and with 2^28 to choose from hardly ever that of another. The user
 * needs no entry in /etc/passwd. `nobody` where the kernel does not know such high ids (`uidMap`, as in /proc/self/uid_map).
 */
export function userOf(name: string, uidMap: string): AppUser {
  const id = FIRST_UID + (createHash('sha256').update(name).digest().readUInt32BE(0) % UIDS);
  return isMapped(id, uidMap) ? { uid: id, gid: id } : NOBODY;
}

/** Whether a user id exists in this process's user namespace. */
export function isMapped(id: number, uidMap: string): boolean {
  return uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([inside = 0, , count = 0]) => id >= inside && id < inside + count);
}

/** Whether nothing but one app in one environment (or one build) runs as this user. */
export function isOfItsOwn({ uid }: AppUser): boolean {
  return uid !== NOBODY.uid;
}

/** Ids that this process may give: all of them where the kernel does not say. */
export function readUidMap(): string {
  try {
    return readFileSync('/proc/self/uid_map', 'utf8');
  } catch {
    return '0 0 4294967295';
  }
}

/** Gives a folder and all in it to the user, unless it is theirs already. Links are given, never followed. */
export async function giveFolder(folder: string, user: AppUser | null): Promise<void> {
  if (user === null || (await lstat(folder)).uid === user.uid) return;
  await giveBelow(folder, user);
  // Last, so that a run that was cut off is seen as not done.
  await lchown(folder, user.uid, user.gid);
}

/** Whether all of these folders are there, and the user's own: made by an earlier start. */
export async function areTheirs(folders: readonly string[], user: AppUser | null): Promise<boolean> {
  const found = await Promise.all(folders.map((folder) => lstat(folder).catch(() => undefined)));
  return found.every((stats) => stats?.isDirectory() === true && (user === null || stats.uid === user.uid));
}

/** Refuses a folder that a user of its own could not reach because of a folder above it. */
export async function checkReachable(folder: string, user: AppUser | null): Promise<void> {
  if (user === null) return;
  const barred: string[] = [];
  for (let dir = resolve(folder); ; dir = dirname(dir)) {
    if (((await stat(dir)).mode & 0o001) === 0) barred.push(dir);
    if (dir === dirname(dir)) break;
  }
  const [first] = barred.reverse();
  if (first === undefined) return;
  throw new MainspringError('data-folder-failed', `folder "${first}" can't be entered by the users that apps run as`, {
    hint: `Allow it (chmod o+x ${first}), set data_dir to a folder that others may enter, or run Mainspring as a user of its own.`,
  });
}

async function giveBelow(folder: string, { uid, gid }: AppUser): Promise<void> {
  for (const item of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, item.name);
    if (item.isDirectory()) await giveBelow(path, { uid, gid });
    await lchown(path, uid, gid);
  }
}
