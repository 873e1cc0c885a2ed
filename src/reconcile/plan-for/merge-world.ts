import type { Cause } from '../../model/cause.ts';
import type { ConfigError, Declarations } from '../../model/config.ts';
import type { AppId, CommitId } from '../../model/ids.ts';
import type { ConfigState, Snapshot } from '../../model/snapshot.ts';
import type { RepoState, RepoUrl } from '../../model/source.ts';
import { type BranchConfig, branchConfig, mainConfig } from '../desire/branch-config.ts';
import type { Proposal } from '../desire/membership.ts';
import type { RepoRefs } from '../desire/refs.ts';
import type { Wishes } from '../desire/wishes.ts';
import { mergeDeclarations } from './merge-declarations.ts';
import { type ConfigSides, mergeSources } from './merge-sources.ts';

/** What is to be merged. */
export interface MergeOf {
  /** The branch; null: nothing, main is asked about. */
  readonly branch: string | null;
  /** Main as it is now, with what it declares, or what it did last where it does not evaluate. */
  readonly main: ConfigState;
  /** The branch's commit in the config repo; null: that has no part in it. */
  readonly configHead: CommitId | null;
  /** Its commits in the other repos. */
  readonly heads: ReadonlyMap<RepoUrl, CommitId>;
  readonly repos: ReadonlyMap<RepoUrl, RepoRefs>;
  readonly states: ReadonlyMap<RepoUrl, RepoState>;
  readonly now: Snapshot;
  readonly wishes: Wishes;
}

/** How it would be, or why the config would be rejected. */
export type Merge =
  | {
      readonly ok: true;
      readonly config: ConfigState;
      readonly sources: Snapshot['sources'];
      /** Why the merge has files that were not built for the branch, by app. */
      readonly reasons: ReadonlyMap<AppId, string>;
      readonly notes: readonly string[];
    }
  | { readonly ok: false; readonly commit: CommitId; readonly errors: readonly ConfigError[] };

/** Main with a branch merged into it, in all repos that take part, as far as that can be told without git's merge; undefined: not all is known yet. */
export function mergeWorld(of: MergeOf): Merge | undefined {
  const { main, now, wishes, repos, states, heads } = of;
  const config = mergedConfig(of);
  if (config === undefined) return undefined;
  if ('errors' in config) return { ok: false, ...config };
  const { declarations, sides, from } = config;
  const merged: BranchConfig = { ...mainConfig(main), declarations, from };
  const at = { branch: of.branch ?? '', heads, repos, states };
  const proposal: Proposal = { ...at, config: merged, snapshot: now, wishes, held: new Map() };
  const sources = mergeSources(declarations.apps, sides, proposal);
  if (sources === undefined) return undefined;
  return { ok: true, config: { ...from, declarations }, ...sources, notes: config.notes };
}

interface MergedConfig {
  readonly declarations: Declarations;
  readonly from: Omit<ConfigState, 'declarations'>;
  readonly sides: ConfigSides;
  readonly notes: readonly string[];
}

function mergedConfig(
  of: MergeOf,
): MergedConfig | { readonly commit: CommitId; readonly errors: readonly ConfigError[] } | undefined {
  const { main, configHead, wishes } = of;
  const { repo } = main;
  const asMain = (notes: readonly string[]): MergedConfig => ({
    declarations: main.declarations,
    from: { repo, commit: main.commit, cause: main.cause },
    sides: { main: main.commit, branch: null, base: null },
    notes,
  });
  if (configHead === null || of.branch === null) return asMain([]);
  const base = wishes.base({ repo, auth: null }, configHead, main.commit);
  if (base === configHead) return asMain(base === main.commit ? [] : ['the config repo has all of it already']);
  const head = { branch: of.branch, commit: configHead, main: main.commit };
  const branch = branchConfig(head, main, undefined, wishes);
  if (branch === undefined || base === undefined) return undefined;
  if (branch.errors.length > 0) return { commit: configHead, errors: branch.errors };
  return withBranch(branch, base, of, configHead);
}

function withBranch(
  branch: BranchConfig,
  base: CommitId | null,
  { main, wishes, branch: name }: MergeOf,
  configHead: CommitId,
): MergedConfig | undefined {
  const facts = wishes.config(configHead);
  if (facts === undefined || !facts.evaluation.ok) return undefined;
  const at = { repo: main.repo, ref: name ?? '', commit: configHead };
  const cause: Cause = { kind: 'commit', ...at, author: facts.author, pull: null };
  const of = {
    from: { repo: main.repo, commit: configHead, cause },
    sides: { main: main.commit, branch: configHead, base },
  };
  const declared = facts.evaluation.declarations;
  if (branch.base === null) {
    const note = `"${name}" has no ancestor in common with what is followed: planned as if it took its place`;
    return { ...of, declarations: declared, notes: [note] };
  }
  const merged = mergeDeclarations({ base: branch.base.declarations, main: main.declarations, branch: declared });
  const notes = merged.conflicts.map(
    (id) => `app "${id}" was changed on both sides: planned as "${name}" declares it, git may find a conflict`,
  );
  return { ...of, declarations: merged.declarations, notes };
}
