import { existsSync } from 'node:fs';
import { chown } from 'node:fs/promises';
import { join } from 'node:path';
import { type AppUser, isOfItsOwn } from './app-user.ts';

/**
 * Gives the files by which a process of one thread that runs as the user can put itself into these cgroups at once. When somebody moves
 * another process, or one that may have more threads, the kernel first waits for all that fork just then: 5 to 20 ms. A thread that
 * writes "0" into `tasks` moves itself, and waits for nobody (`cgroup_procs_write_start` in Linux, since 5.5). None in version 2, where
 * no such file takes a process out of its parent's cgroup.
 *
 * As long as they are lent, the kernel lets a process of that user move processes of that user into these cgroups, and nothing else.
 */
export async function lendEntries(dirs: readonly string[], user: AppUser | null): Promise<readonly string[]> {
  const entries = dirs.map((dir) => join(dir, 'tasks')).filter((entry) => existsSync(entry));
  if (user === null) return entries;
  if (!isOfItsOwn(user)) return [];
  try {
    await giveAll(entries, user);
    return entries;
  } catch {
    await takeBackEntries(entries, user).catch(() => undefined);
    return [];
  }
}

/** Makes them ours again: before any code of the app runs. Twice is fine. */
export async function takeBackEntries(entries: readonly string[], user: AppUser | null): Promise<void> {
  if (user !== null) await giveAll(entries, { uid: 0, gid: 0 });
}

async function giveAll(entries: readonly string[], { uid, gid }: AppUser): Promise<void> {
  await Promise.all(entries.map((entry) => chown(entry, uid, gid)));
}
