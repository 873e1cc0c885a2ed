import type { AppDeclaration } from '../../model/app.ts';
import { sha256Hex } from '../../model/canonical.ts';
import type { AppId, CommitId, TreeId } from '../../model/ids.ts';
import { type SourceState, sourceKey, unpinned } from '../../model/snapshot.ts';
import { branchMissing, type RepoUrl, type ResolvedSource } from '../../model/source.ts';
import { type Proposal, partOf } from '../desire/membership.ts';
import { followedBranch } from '../desire/refs.ts';
import { wantedCommit } from '../observe/queries.ts';
import type { Sides } from './merge-declarations.ts';

/** The commits of the config repo that are merged. */
export interface ConfigSides {
  readonly main: CommitId;
  /** Null: the config repo has no part in it. */
  readonly branch: CommitId | null;
  /** Null: they have no ancestor in common, or no branch takes part. */
  readonly base: CommitId | null;
}

/** What the apps of a merge are made from. */
export interface MergedSources {
  readonly sources: ReadonlyMap<string, SourceState>;
  /** Why what was built of the branch is not what the merge has, by app. */
  readonly reasons: ReadonlyMap<AppId, string>;
}

/** The files of each app as a merge would have them; undefined: not all of them are known yet. */
export function mergeSources(
  apps: readonly AppDeclaration[],
  sides: ConfigSides,
  proposal: Proposal,
): MergedSources | undefined {
  const sources = new Map<string, SourceState>();
  const reasons = new Map<AppId, string>();
  let isKnown = true;
  for (const declared of apps) {
    // Where production is pinned, its stage goes by the branch.
    for (const app of new Set([declared, unpinned(declared)])) {
      const key = sourceKey(app);
      if (key === null) continue;
      const merged = app.source.kind === 'config' ? ofConfig(app, sides, proposal) : ofRepo(app, proposal);
      if (merged === undefined) {
        isKnown = false;
        continue;
      }
      sources.set(key, merged.state);
      if (merged.reason !== null) reasons.set(app.id, merged.reason);
    }
  }
  // Asked for all at once, so that what is missing is read in one go.
  return isKnown ? { sources, reasons } : undefined;
}

interface MergedState {
  readonly state: SourceState;
  readonly reason: string | null;
}

function ofConfig(app: AppDeclaration, sides: ConfigSides, proposal: Proposal): MergedState | undefined {
  const { snapshot, wishes, config } = proposal;
  const { folder } = app.source as { readonly folder: string };
  const at = (commit: CommitId) => wishes.folder({ repo: config.from.repo, auth: null }, commit, folder);
  if (sides.branch !== null && sides.base === null) return plain(at(sides.branch));
  const known = snapshot.config?.commit === sides.main ? snapshot.sources.get(sourceKey(app) ?? '') : undefined;
  const main = known ?? at(sides.main);
  if (sides.branch === null || sides.base === null) return plain(main);
  const place = folder === '' ? 'the config repo' : folder;
  const what = `${snapshot.settings.branch} changed ${place}`;
  return merge({ base: at(sides.base), main, branch: at(sides.branch) }, { what, base: sides.base });
}

function ofRepo(app: AppDeclaration, proposal: Proposal): MergedState | undefined {
  const main = declaredState(app, proposal);
  if (app.gitCommit !== null) return plain(main);
  // A repo that is not to be had takes no part: what is known of it is why.
  if (main !== undefined && 'problem' in main) return plain(main);
  const part = partOf(app, proposal);
  if (part === undefined) return undefined;
  if (part === null) return plain(main);
  const { url, folder } = app.source as { readonly url: string; readonly folder: string };
  const of = { repo: url as RepoUrl, auth: app.gitAuth };
  const at = (commit: CommitId) => proposal.wishes.folder(of, commit, folder);
  const followed = followedBranch(app, proposal.states.get(of.repo)?.listing ?? null);
  const what = `${followed} changed ${folder === '' ? url : `${url}//${folder}`}`;
  return merge({ base: at(part.base), main, branch: at(part.head) }, { what, base: part.base });
}

function plain(state: SourceState | undefined): MergedState | undefined {
  return state === undefined ? undefined : { state, reason: null };
}

/** The files of an app as main has them by now. */
function declaredState(app: AppDeclaration, proposal: Proposal): SourceState | undefined {
  const { snapshot, states, wishes } = proposal;
  const { url, folder } = app.source as { readonly url: string; readonly folder: string };
  const repo = url as RepoUrl;
  const known = snapshot.sources.get(sourceKey(app) ?? '');
  const state = states.get(repo);
  const of = { repo, auth: app.gitAuth };
  if (state?.listing == null) {
    if (known !== undefined) return known;
    if (state?.error != null) return { problem: state.error };
    wishes.repo(of);
    return undefined;
  }
  const commit = wantedCommit({ branch: app.gitBranch, commit: app.gitCommit as CommitId | null }, state.listing);
  if (commit === null) return { problem: branchMissing(repo, app.gitBranch ?? state.listing.head) };
  if (known !== undefined && 'tree' in known && known.commit === commit) return known;
  return wishes.folder(of, commit, folder);
}

/** A folder as git would merge it: the side that changed it; where both did, files of its own that nobody has built. */
function merge(
  sides: Sides<SourceState | undefined>,
  of: { readonly what: string; readonly base: CommitId },
): MergedState | undefined {
  const { base, main, branch } = sides;
  if (base === undefined || main === undefined || branch === undefined) return undefined;
  if (hasSameFiles(branch, base)) return plain(main);
  if (hasSameFiles(main, base) || hasSameFiles(main, branch)) return plain(branch);
  if ('problem' in main || 'problem' in branch) return plain(branch);
  return {
    state: bothIn(main, branch, base),
    reason: `rebuild, because ${of.what} since the branch began (${of.base.slice(0, 8)})`,
  };
}

function hasSameFiles(a: SourceState, b: SourceState): boolean {
  return 'tree' in a && 'tree' in b ? a.tree === b.tree : 'problem' in a && 'problem' in b;
}

/** What either side names is taken to be there: of two manifests only the merge shows what is in it. */
function surveyOfBoth(
  { survey: main }: ResolvedSource,
  { survey: branch }: ResolvedSource,
): Pick<ResolvedSource, 'survey'> {
  if (main === undefined || branch === undefined) return {};
  const both = (key: 'dependencies' | 'scripts') => [...new Set([...main[key], ...branch[key]])].sort();
  return { survey: { dependencies: both('dependencies'), scripts: both('scripts') } };
}

/** Which tree it will be, only the merge shows: this one stands for it, and is like no other. */
function bothIn(main: ResolvedSource, branch: ResolvedSource, base: SourceState): ResolvedSource {
  const isOfBranch = 'problem' in base || branch.procfile !== base.procfile;
  return {
    ...branch,
    tree: sha256Hex(`${main.tree} ${branch.tree}`).slice(0, 40) as TreeId,
    entries: [...new Set([...main.entries, ...branch.entries])].sort(),
    procfile: isOfBranch ? branch.procfile : main.procfile,
    ...surveyOfBoth(main, branch),
  };
}
