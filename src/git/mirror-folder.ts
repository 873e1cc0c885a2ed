import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommitId, isCommitId } from '../model/ids.ts';

/** Where a mirror's pins are: one ref for each commit that was fetched, named after it. */
export const PINS = 'refs/mainspring';

const YOUNG_MS = 3_600_000;
const KEPT_UNNAMED = 64;
const MANY_PACKS = 20;
const MANY_LOOSE = 2_000;

/** Whether a commit is pinned. A pin that holds something else (a torn write) is none. */
export async function isPinned(gitDir: string, commit: CommitId): Promise<boolean> {
  const text = await readFile(join(gitDir, PINS, commit), 'utf8').catch(() => '');
  return text.trim() === commit;
}

/** The pins that may go: those not in `keep`, or where there is no such set, all but the newest. Those of the last hour stay. */
export async function unneededPins(
  gitDir: string,
  keep: ReadonlySet<CommitId> | null,
  now: number,
): Promise<readonly CommitId[]> {
  const dir = join(gitDir, PINS);
  const names: readonly string[] = await readdir(dir).catch(() => []);
  const commits = names.filter(isCommitId);
  const times = await Promise.all(commits.map(async (commit) => (await stat(join(dir, commit))).mtimeMs));
  const pins = commits.map((commit, index) => ({ commit, pinnedAt: times[index] ?? 0 }));
  pins.sort((a, b) => b.pinnedAt - a.pinnedAt);
  const unnamed = keep === null ? pins.slice(KEPT_UNNAMED) : pins.filter(({ commit }) => !keep.has(commit));
  return unnamed.filter(({ pinnedAt }) => pinnedAt < now - YOUNG_MS).map(({ commit }) => commit);
}

/** Whether packing again is worth it: many packs, many loose objects, or leftovers of a fetch that was killed. */
export async function isCluttered(gitDir: string): Promise<boolean> {
  const files = await readdir(join(gitDir, 'objects'), { recursive: true }).catch(() => []);
  const packs = files.filter((file) => file.endsWith('.pack')).length;
  const loose = files.filter((file) => /^[0-9a-f]{2}\//.test(file)).length;
  return packs > MANY_PACKS || loose > MANY_LOOSE || files.some((file) => file.includes('tmp_'));
}

/** Removes the lock files in a git folder, which stay behind when git is killed. */
export async function removeLocks(gitDir: string): Promise<void> {
  const top = (await readdir(gitDir)).filter((name) => name.endsWith('.lock'));
  const refs = await readdir(join(gitDir, 'refs'), { recursive: true }).catch(() => []);
  const below = refs.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name));
  await Promise.all([...top, ...below].map((name) => rm(join(gitDir, name), { force: true })));
}
