import { type CommitId, isCommitId } from '../model/ids.ts';
import type { RefListing } from '../model/source.ts';

/** What a listing found, before it is dated. */
export type Refs = Pick<RefListing, 'head' | 'branches'>;

const HEADS = 'refs/heads/';

/** Sorts out a list of refs: branches by name, and the branch that HEAD points to, if that is among them. */
export function refsOf(
  refs: readonly { readonly ref: string; readonly oid: string; readonly target?: string | undefined }[],
): Refs {
  const branches: [string, CommitId][] = [];
  let target: string | undefined;
  for (const { ref, oid, target: pointsTo } of refs) {
    if (ref === 'HEAD') target = pointsTo;
    else if (ref.startsWith(HEADS) && isCommitId(oid)) branches.push([ref.slice(HEADS.length), oid]);
    else if (ref.startsWith(HEADS)) throw new Error(`the ref "${ref}" has no valid commit id`);
  }
  branches.sort(([a], [b]) => (a < b ? -1 : 1));
  const head = target?.startsWith(HEADS) === true ? target.slice(HEADS.length) : null;
  const isThere = branches.some(([name]) => name === head);
  // `fromEntries` also keeps a branch that is called "__proto__".
  return { head: isThere ? head : null, branches: Object.fromEntries(branches) };
}
