import type { Files } from './apps.ts';
import type { Installation } from './installation.ts';

/** A branch of a repo of an installation. */
export interface Branch {
  readonly repo: string;
  readonly branch: string;
}

/** Commits to a branch, made from main if it is new, and pushes it. Gives the commit; main is checked out after. */
export async function pushTo(installation: Installation, { repo, branch }: Branch, files: Files): Promise<string> {
  const { git, switchTo } = await installation.repo(repo);
  if ((await git('symbolic-ref', '--short', 'HEAD')) !== 'main') await switchTo('main');
  await switchTo(branch);
  const commit = await installation.push(repo, files);
  await switchTo('main');
  return commit;
}

/** Deletes a branch where it was pushed to, and here. */
export async function deleteBranch(installation: Installation, { repo, branch }: Branch): Promise<void> {
  const { git } = await installation.repo(repo);
  await git('push', '-q', 'origin', '--delete', branch);
  await git('branch', '-D', branch);
}

/** Brings all that a branch changes to main as one commit, and pushes it. */
export function squash(installation: Installation, { repo, branch }: Branch): Promise<string> {
  return installation.pushMade(repo, async ({ git }) => {
    await git('merge', '-q', '--squash', branch);
    await git('commit', '-q', '-m', 'all in one');
  });
}

/** Takes back the newest commit of main, and pushes that. */
export function revert(installation: Installation, repo: string): Promise<string> {
  return installation.pushMade(repo, ({ git }) => git('revert', '--no-edit', 'HEAD'));
}
