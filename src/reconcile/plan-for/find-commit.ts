import { MainspringError } from '../../model/errors.ts';
import type { CommitId } from '../../model/ids.ts';
import { type RefListing, tipOf } from '../../model/source.ts';

/** The commit of the config repo that a branch name means, listed now. */
export function findCommit(branch: string, listing: RefListing): CommitId {
  const commit = tipOf(listing, branch);
  if (commit !== undefined) return commit;
  throw new MainspringError('git-ref-missing', `config repo "${listing.repo}": there is no branch "${branch}"`, {
    hint: `Name one of its branches (${Object.keys(listing.branches).slice(0, 10).join(', ')}) or a full commit id.`,
  });
}
