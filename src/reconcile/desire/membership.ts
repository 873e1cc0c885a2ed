import type { AppDeclaration } from '../../model/app.ts';
import { isSameJson } from '../../model/canonical.ts';
import type { AppId, CommitId } from '../../model/ids.ts';
import type { RecordedDeployment } from '../../model/recorded.ts';
import { type Snapshot, type SourceState, sourceKey, unpinned } from '../../model/snapshot.ts';
import { branchMissing, type RefListing, type RepoState, type RepoUrl, tipOf } from '../../model/source.ts';
import { type Spec, type SpecBook, specNamed } from '../../model/spec.ts';
import type { BranchConfig } from './branch-config.ts';
import { followedBranch, type RepoRefs, refsOf } from './refs.ts';
import { type Declared, describe } from './target.ts';
import type { Wishes } from './wishes.ts';

/** An app that a preview may hold: nothing shows at a glance that it is the same as at the merge base. */
export interface Suspect {
  readonly app: AppDeclaration;
  /** As declared at the merge base; null: it was not. */
  readonly before: AppDeclaration | null;
}

/** What a preview is made from. */
export interface Proposal {
  readonly branch: string;
  readonly config: BranchConfig;
  /** The branch's commit in each repo that takes part. */
  readonly heads: ReadonlyMap<RepoUrl, CommitId>;
  /** The repos that main names. */
  readonly repos: ReadonlyMap<RepoUrl, RepoRefs>;
  /** All repos that are watched. */
  readonly states: ReadonlyMap<RepoUrl, RepoState>;
  readonly snapshot: Snapshot;
  readonly wishes: Wishes;
  /** What the preview has, by app. */
  readonly held: ReadonlyMap<AppId, RecordedDeployment>;
}

/** The apps that a preview may hold. */
export interface Suspects {
  readonly found: readonly Suspect[];
  /** Whether all that decides is known: of the apps that are no suspects it always is. */
  readonly isKnown: boolean;
}

/** The apps whose revision may differ between the branch and its merge base. Asks for all that is not known, to be read in one go. */
export function findSuspects(proposal: Proposal, previewable: (app: AppDeclaration) => boolean): Suspects {
  const { config } = proposal;
  const before = new Map<AppId, AppDeclaration>();
  if (config.base !== null) for (const app of config.base.declarations.apps) before.set(app.id, app);
  const found: Suspect[] = [];
  let isKnown = true;
  for (const app of config.declarations.apps) {
    if (!previewable(app)) continue;
    const was = config.base === null ? app : (before.get(app.id) ?? null);
    const isSame = was !== null && isSameDeclaration(app, was) && hasSameSpec(app, config);
    const same = isSame ? hasSameFiles(app, proposal) : false;
    if (same === undefined) isKnown = false;
    if (same !== true) found.push({ app, before: was });
  }
  return { found, isKnown };
}

/** Whether the revision of a suspect differs from that at the merge base; undefined: that can't be said yet. */
export function differs(suspect: Suspect, head: SourceState | null, proposal: Proposal): boolean | undefined {
  if (suspect.before === null) return true;
  const base = baseState(suspect.before, proposal);
  if (base === undefined) return undefined;
  if (isPassing(head) || isPassing(base)) return undefined;
  const { declarations, base: before } = proposal.config;
  const specs = (before?.declarations ?? declarations).specs;
  return revisionOf(suspect.app, head, declarations.specs) !== revisionOf(suspect.before, base, specs);
}

/** Whether a source can't be had for now, which says nothing of its files; that a commit lacks a folder does. */
export function isPassing(state: SourceState | null): boolean {
  return state !== null && 'problem' in state && state.problem.code !== 'git-path-missing';
}

function revisionOf(app: AppDeclaration, state: SourceState | null, specs: SpecBook): string {
  // What went wrong is told with the commit: the same fault before and after is no difference.
  if (state !== null && 'problem' in state) return `problem ${state.problem.code}`;
  const described = describe(app, state, specs);
  return 'code' in described ? `problem ${described.code}` : described.revision;
}

/** The files of an app on the branch: where its repo takes part, the branch's, else as declared there. Undefined: not known yet. */
export function headState(app: AppDeclaration, proposal: Proposal): Pick<Declared, 'state' | 'ref'> | undefined {
  const { config, snapshot, wishes } = proposal;
  if (app.source.kind === 'none') return { state: null, ref: null };
  if (app.source.kind === 'config') {
    const { repo, commit } = config.from;
    const key = sourceKey(app);
    const known = config.base === null && key !== null ? snapshot.sources.get(key) : undefined;
    const state = known ?? wishes.folder({ repo, auth: null }, commit, app.source.folder);
    return state === undefined ? undefined : { state, ref: null };
  }
  const part = partOf(app, proposal);
  const wanted = { repo: app.source.url as RepoUrl, auth: app.gitAuth };
  if (part === undefined) return whyUnreadable(app, proposal);
  if (part === null) {
    const state = declaredState(app, proposal);
    return state === undefined ? undefined : { state, ref: null };
  }
  const state = wishes.folder(wanted, part.head, app.source.folder);
  return state === undefined ? undefined : { state, ref: proposal.branch };
}

/**
 * Why the files can't be had of an app whose repo only the branch names: of one that can't be listed, or lacks a branch that is
 * followed. An empty listing says nothing of that; with a whole one, what is not known yet will be.
 */
function whyUnreadable(app: AppDeclaration, proposal: Proposal): Pick<Declared, 'state' | 'ref'> | undefined {
  const repo = (app.source as { readonly url: string }).url as RepoUrl;
  if (proposal.repos.has(repo) || otherRefs(app, proposal)?.listing != null) return undefined;
  const branches = proposal.states.get(repo)?.listing?.branches;
  if (branches !== undefined && Object.keys(branches).length === 0) return undefined;
  const state = declaredState(app, proposal);
  return state !== undefined && 'problem' in state ? { state, ref: null } : undefined;
}

function baseState(app: AppDeclaration, proposal: Proposal): SourceState | null | undefined {
  const { config, snapshot, wishes } = proposal;
  if (app.source.kind === 'none') return null;
  if (app.source.kind === 'config') {
    const key = sourceKey(app);
    if (config.base === null && key !== null) return snapshot.sources.get(key);
    return wishes.folder(
      { repo: config.from.repo, auth: null },
      config.base?.commit ?? config.from.commit,
      app.source.folder,
    );
  }
  const part = partOf(app, proposal);
  if (part === undefined) return undefined;
  if (part === null) return declaredState(app, proposal);
  return wishes.folder({ repo: app.source.url as RepoUrl, auth: app.gitAuth }, part.base, app.source.folder);
}

/** How the app's repo takes part with its branch: null: not at all; undefined: not known yet. */
export function partOf(
  app: AppDeclaration,
  proposal: Proposal,
): { readonly head: CommitId; readonly base: CommitId } | null | undefined {
  if (app.source.kind !== 'repo' || unpinned(app).gitCommit !== null) return null;
  const repo = app.source.url as RepoUrl;
  const wanted = { repo, auth: app.gitAuth };
  const refs = proposal.repos.get(repo) ?? otherRefs(app, proposal);
  const isOther = !proposal.repos.has(repo);
  // Of a repo that only the branch names no head is recorded: what its listing lacks may be there all the same.
  if (refs === undefined || (isOther && refs.listing === null)) return undefined;
  const head = proposal.heads.get(repo) ?? (isOther ? tipIn(refs.listing, proposal.branch) : undefined);
  // What the preview has may be from its branch there, of which nothing is recorded since main had no app of that repo.
  if (head === undefined && refs.listing === null && proposal.held.has(app.id)) return undefined;
  if (head === undefined || refs.followed.has(proposal.branch)) return null;
  const listing = refs.listing ?? proposal.states.get(repo)?.listing ?? null;
  const branch = followedBranch(app, listing);
  const tip = tipIn(listing, branch);
  // What it is a proposal to change is not there: nothing can be compared, if the listing shows so much.
  if (tip === undefined) return refs.listing === null ? undefined : null;
  const base = proposal.wishes.base(wanted, head, tip);
  return base === undefined || base === null ? base : { head, base };
}

function tipIn(listing: RefListing | null, branch: string | null): CommitId | undefined {
  return listing === null || branch === null ? undefined : tipOf(listing, branch);
}

/** A repo that main does not name: looked at for as long as the branch names it. Undefined: not listed yet. */
function otherRefs(app: AppDeclaration, { states, wishes, config }: Proposal): RepoRefs | undefined {
  const wanted = { repo: (app.source as { url: string }).url as RepoUrl, auth: app.gitAuth };
  wishes.repo(wanted);
  const state = states.get(wanted.repo);
  if (state?.listing == null) return undefined;
  const siblings = config.declarations.apps.filter(
    ({ source }) => source.kind === 'repo' && source.url === wanted.repo,
  );
  return refsOf(wanted, state, siblings);
}

/** The files of an app as its declaration says. */
function declaredState(app: AppDeclaration, { snapshot, wishes, repos, states }: Proposal): SourceState | undefined {
  const key = sourceKey(app);
  const known = key === null ? undefined : snapshot.sources.get(key);
  if (known !== undefined) return known;
  const repo = (app.source as { url: string; folder: string }).url as RepoUrl;
  const { folder } = app.source as { folder: string };
  const wanted = { repo, auth: app.gitAuth };
  if (!repos.has(repo)) wishes.repo(wanted);
  const state = states.get(repo);
  if (state?.listing == null) return state?.error == null ? undefined : { problem: state.error };
  const branch = app.gitBranch ?? state.listing.head;
  const commit = (app.gitCommit as CommitId | null) ?? tipIn(state.listing, branch);
  if (commit === undefined) return { problem: branchMissing(repo, branch) };
  return wishes.folder(wanted, commit, folder);
}

/** Evaluation gives the same object for what was not evaluated again; what was may still say the same, from another line. */
export function isSameDeclaration(a: AppDeclaration, b: AppDeclaration): boolean {
  if (a === b) return true;
  const { position: _a, ...one } = a;
  const { position: _b, ...other } = b;
  return isSameJson(one, other);
}

/** Whether two specs are the same: the same object, for all that did not change. */
export function isSameSpec(a: Spec | undefined, b: Spec | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && isSameJson(a, b));
}

/** Whether an app that is declared the same means the same spec; of `auto`, whether it may only find the same ones. */
function hasSameSpec({ spec }: AppDeclaration, { declarations, base }: BranchConfig): boolean {
  if (base === null || base.declarations.specs === declarations.specs) return true;
  const [is, was] = [declarations.specs, base.declarations.specs];
  const names = spec === 'auto' ? new Set([...Object.keys(is), ...Object.keys(was)]) : [spec];
  return [...names].every((name) => isSameSpec(specNamed(name, is), specNamed(name, was)));
}

/** Whether an app that is declared the same has the same files: undefined: not known yet. */
function hasSameFiles(app: AppDeclaration, proposal: Proposal): boolean | undefined {
  if (app.source.kind === 'none') return true;
  if (app.source.kind === 'config' && proposal.config.base === null) return true;
  if (app.source.kind === 'repo') {
    const part = partOf(app, proposal);
    if (part === undefined || part === null) return part === null ? true : undefined;
    if (part.head === part.base) return true;
  }
  const head = headState(app, proposal)?.state;
  const base = baseState(app, proposal);
  if (head == null || base == null) return undefined;
  // What is known of them now may pass, and is no sameness.
  if (isPassing(head) || isPassing(base)) return false;
  if ('problem' in head || 'problem' in base) return 'problem' in head && 'problem' in base;
  return head.tree === base.tree;
}
