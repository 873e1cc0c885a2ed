import type { CommitId } from '../../src/model/ids.ts';

/** The parents of commits, by id. */
export type ParentsOf = ReadonlyMap<CommitId, readonly CommitId[]>;

/** The best common ancestor: one that is an ancestor of no other common one; of several the one with the smallest id; null if there is none. */
export function mergeBaseOf(parentsOf: ParentsOf, a: CommitId, b: CommitId): CommitId | null {
  const others = lineOf(parentsOf, b);
  const best = new Set([...lineOf(parentsOf, a)].filter((commit) => others.has(commit)));
  // What is taken out while the set is walked is not walked: what takes it out has all of its ancestors too.
  for (const commit of best) {
    for (const ancestor of lineOf(parentsOf, commit)) if (ancestor !== commit) best.delete(ancestor);
  }
  return [...best].sort()[0] ?? null;
}

/** A commit and all its ancestors. */
function lineOf(parentsOf: ParentsOf, commit: CommitId): ReadonlySet<CommitId> {
  const line = new Set([commit]);
  // A set that grows while it is walked is walked to its new end.
  for (const one of line) for (const parent of parentsOf.get(one) ?? []) line.add(parent);
  return line;
}
