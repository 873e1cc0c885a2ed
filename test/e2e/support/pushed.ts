import { runTestGit } from '../../support/git-repo.ts';
import { eventually } from './eventually.ts';
import type { Installation } from './installation.ts';
import { readTables } from './inventory.ts';

/** Waits until every ref of every repo is known as it is now, and what followed from it has come to rest. */
export async function untilActedOn(installation: Installation): Promise<void> {
  let last = '';
  const look = async () => {
    // Asking each repo costs a process, which takes its time from what is waited for.
    if (!(await installation.status()).settled) return undefined;
    last = (await unseenRefs(installation)).join('\n');
    return (last === '' && (await installation.status()).settled) || undefined;
  };
  await eventually(look, { within: 60_000, what: () => `all that was pushed acted on; unseen: ${last || 'nothing'}` });
}

/** Refs that are not as the last listing of their repo has them. */
async function unseenRefs(installation: Installation): Promise<string[]> {
  const repos = readTables(installation).find(([table]) => table === 'repos')?.[1] ?? [];
  if (repos.length === 0) return ['all, as no repo is known yet'];
  const unseen = await Promise.all(
    repos.map(async ({ repo, listing }) => {
      const { branches = {} } = JSON.parse(String(listing ?? '{}')) as { branches?: Record<string, string> };
      const listed = Object.entries(branches).map(([branch, commit]) => `${repo} ${branch} ${commit}`);
      const format = `${repo} %(refname:lstrip=2) %(objectname)`;
      const refs = await runTestGit(String(repo), ['for-each-ref', `--format=${format}`, 'refs/heads']);
      const actual = refs.split('\n').filter((line) => line !== '');
      return [...actual.filter((line) => !listed.includes(line)), ...listed.filter((line) => !actual.includes(line))];
    }),
  );
  return unseen.flat();
}
