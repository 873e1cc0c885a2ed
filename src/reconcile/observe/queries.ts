import type { AppDeclaration } from '../../model/app.ts';
import type { Declarations } from '../../model/config.ts';
import { type CommitId, isCommitId } from '../../model/ids.ts';
import { sourceKey, unpinned } from '../../model/snapshot.ts';
import { type RefListing, type RepoUrl, type SourceQuery, tipOf } from '../../model/source.ts';

/** A source that some apps want, with the key that they share. */
export interface KeyedQuery extends SourceQuery {
  readonly key: string;
}

/** Every source of other repos that the declarations want, once each, by repo. */
export function queriesByRepo(declarations: Declarations): ReadonlyMap<RepoUrl, readonly KeyedQuery[]> {
  const byKey = new Map<string, KeyedQuery>();
  for (const app of declarations.apps) {
    // Where production is pinned, its stage and previews go by the branch.
    const goesByBranch = app.stage !== false || app.previews !== false;
    for (const one of goesByBranch ? [app, unpinned(app)] : [app]) {
      const query = queryOf(one);
      if (query !== null) byKey.set(query.key, query);
    }
  }
  const byRepo = new Map<RepoUrl, KeyedQuery[]>();
  for (const query of byKey.values()) {
    const siblings = byRepo.get(query.repo);
    if (siblings === undefined) byRepo.set(query.repo, [query]);
    else siblings.push(query);
  }
  return byRepo;
}

function queryOf(app: AppDeclaration): KeyedQuery | null {
  const key = sourceKey(app);
  if (key === null || app.source.kind !== 'repo') return null;
  const commit = app.gitCommit !== null && isCommitId(app.gitCommit) ? app.gitCommit : null;
  return {
    key,
    repo: app.source.url as RepoUrl,
    branch: app.gitBranch,
    commit,
    folder: app.source.folder,
    auth: app.gitAuth,
  };
}

/** Folders of the config repo that apps have as their source, by source key. */
export function configFolders(declarations: Declarations): ReadonlyMap<string, string> {
  const folders = new Map<string, string>();
  for (const app of declarations.apps) {
    const key = sourceKey(app);
    if (key !== null && app.source.kind === 'config') folders.set(key, app.source.folder);
  }
  return folders;
}

/** The commit that a query means in a listing; null if the listing has no such branch. */
export function wantedCommit(query: Pick<SourceQuery, 'branch' | 'commit'>, listing: RefListing): CommitId | null {
  if (query.commit !== null) return query.commit;
  const branch = query.branch ?? listing.head;
  return branch === null ? null : (tipOf(listing, branch) ?? null);
}

/** Whether two listings say the same, whenever they were made. */
export function isSameListing(a: RefListing | null, b: RefListing): boolean {
  if (a === null || a.head !== b.head) return false;
  const names = Object.keys(a.branches);
  return (
    names.length === Object.keys(b.branches).length && names.every((name) => a.branches[name] === b.branches[name])
  );
}
