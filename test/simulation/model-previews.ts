import { branchLabel, branchOf } from '../../src/model/environment.ts';
import type { RecordedEnvironment } from '../../src/model/recorded.ts';
import type { RefListing, RepoState } from '../../src/model/source.ts';
import { mergeBaseOf } from '../support/merge-base.ts';
import type { Model, Wanted } from './model.ts';
import type { SimApp, SimConfig } from './sim-config.ts';
import { type Folder, type SimRepo, treeIdOf } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';

/** What a branch's preview should hold. */
export interface Preview {
  /** Its config does not evaluate: it goes by the last commit that did, and says so. */
  readonly isBroken: boolean;
  readonly wanted: readonly Wanted[];
  /** Apps whose files are gone where the branch has no part: what was known of them before decides. */
  readonly maybe: readonly string[];
  readonly heads: ReadonlyMap<SimRepo, string>;
}

const NOTHING = { isBroken: false, wanted: [], maybe: [] } as const;

type Tips = (repo: SimRepo) => Readonly<Record<string, string>>;

/** Which previews there should be and what they hold: worked out from the repos alone. */
export class PreviewModel {
  readonly #world: SimWorld;
  readonly #model: Model;
  /** Branches that have not moved since their repo was first seen, by repo. */
  readonly #baseline = new Map<string, Map<string, string>>();
  /** When branches were first seen at a commit: what is recorded of that is judged when it is. */
  readonly #seen = new Map<string, number>();
  /** When each preview was last wanted, with the heads that it had then. */
  readonly #active = new Map<string, { readonly heads: RecordedEnvironment['heads']; readonly at: number }>();

  constructor(world: SimWorld, model: Model) {
    this.#world = world;
    this.#model = model;
  }

  /** A listing was recorded. */
  onListing({ repo, listing, movedAt }: Pick<RepoState, 'repo' | 'listing' | 'movedAt'>): void {
    if (listing === null || Object.keys(listing.branches).length === 0) return;
    for (const [branch, commit] of Object.entries(listing.branches))
      this.#seen.set(`${repo} ${branch} ${commit}`, movedAt[branch] ?? 0);
    const known = this.#baseline.get(repo);
    if (known === undefined) {
      this.#baseline.set(repo, new Map(Object.entries(listing.branches)));
      return;
    }
    const isWhole = listing.branches.main !== undefined;
    for (const [branch, commit] of known) {
      const now = listing.branches[branch];
      if (now === undefined ? isWhole : now !== commit) known.delete(branch);
    }
  }

  /** A repo is not looked at any more. */
  onForgotten(repo: string): void {
    this.#baseline.delete(repo);
  }

  onEnvironment({ name, identity, heads, activeAt }: RecordedEnvironment): void {
    const before = this.#active.get(name);
    // Somebody may have asked for it just now, while it was parked: whether that is heeded is judged at rest.
    const isCalled = this.#world.gateway.calledAt.get(name) === activeAt;
    const moved = Object.entries(heads).filter(([repo, commit]) => before?.heads[repo] !== commit);
    const times = moved.map(([repo, commit]) => this.#seen.get(`${repo} ${branchOf(identity)} ${commit}`) ?? 0);
    this.#active.set(name, { heads, at: Math.max(before?.at ?? 0, ...times, isCalled ? activeAt : 0) });
  }

  /** Nothing of a preview is left: one that is made anew is active by itself, though it be of the same commits. */
  onRemoved(name: string): void {
    this.#active.delete(name);
  }

  /** When a preview was last wanted. */
  activeAt(name: string): number {
    return this.#active.get(name)?.at ?? 0;
  }

  /** Whether a preview is idle for too long at a moment of that span, in milliseconds since the epoch. */
  parksBetween(from: number, until: number): boolean {
    const { environments } = this.#world.recorded;
    const up = [...environments.values()].filter(({ kind, parked }) => kind === 'preview' && parked === null);
    const ttlMs = this.#model.config?.previews.ttlMs ?? 0;
    return up.some(({ name }) => {
      const at = this.activeAt(name) + ttlMs;
      return at >= from && at <= until;
    });
  }

  /** Whether any of these branches is newer than when its repo was first seen. */
  hasMoved(branch: string, heads: ReadonlyMap<SimRepo, string>): boolean {
    return [...heads].some(([repo, commit]) => this.#baseline.get(repo.url)?.get(branch) !== commit);
  }

  /** What the preview of a branch should hold, by what the branches are now or were in some listings. */
  preview(branch: string, tips: Tips = (repo) => Object.fromEntries(repo.branches)): Preview {
    const main = this.#model.config;
    const heads = new Map<SimRepo, string>();
    if (main === null || !isNamed(branch, main.previews.branches)) return { ...NOTHING, heads };
    for (const repo of [this.#world.config, ...this.#world.sources]) {
      const commit = tips(repo)[branch];
      const isUsed = repo === this.#world.config || main.apps.some((app) => app.repo === repo.url);
      if (commit !== undefined && isUsed) heads.set(repo, commit);
    }
    if (heads.size === 0) return { ...NOTHING, heads };
    const proposal = this.#proposal(branch, main, heads, tips);
    const maybe: string[] = [];
    const before = new Map(proposal.before.apps.map((app) => [app.id, app]));
    const flags = new Map(main.apps.map(({ id, previews }) => [id, previews]));
    const wanted = proposal.config.apps.flatMap((app): Wanted[] => {
      if (!(flags.get(app.id) ?? app.previews)) return [];
      const head = this.#folder(app, 'head', proposal);
      const was = before.get(app.id);
      const isLost = (head === undefined && app.repo !== '') || (was !== undefined && this.#isBaseLost(was, proposal));
      if (isLost) maybe.push(app.id);
      if (maybe.includes(app.id)) return [];
      const isSame = was !== undefined && keyOf(app, head) === keyOf(was, this.#folder(was, 'base', proposal));
      return isSame ? [] : [{ app, folder: head }];
    });
    return { isBroken: proposal.isBroken, wanted, maybe, heads };
  }

  /** The config of the branch and that of its merge base. */
  #proposal(branch: string, main: SimConfig, heads: ReadonlyMap<SimRepo, string>, tips: Tips): Proposal {
    const { config } = this.#world;
    const accepted = this.#model.accepted ?? '';
    const head = heads.get(config);
    const isBroken = head !== undefined && this.#world.configAt(head)?.broken !== false;
    const still: Proposal = { branch, tips, config: main, before: main, commit: accepted, base: accepted, isBroken };
    const commit = isBroken ? this.#goodConfig(branch) : head;
    const found = this.#world.configAt(commit ?? null);
    if (commit == null || found === null) return still;
    const base = mergeBaseOf(config.parentsOf, commit as never, (tips(config).main ?? accepted) as never);
    if (base === null) return still;
    const before = this.#world.configAt(base);
    if (before === null || before.broken) return { ...still, config: found, commit };
    return { ...still, config: found, before, commit, base };
  }

  /** The commit that the preview of a branch went by last; that it is a right one is judged when it is written down. */
  #goodConfig(branch: string): string | null {
    return this.#world.recorded.environments.get(branchLabel(branch))?.goodConfig ?? null;
  }

  /** The files of an app on the branch, or at its merge base. */
  #folder(app: SimApp, side: 'head' | 'base', proposal: Proposal): Folder | undefined {
    if (app.repo === '-') return {};
    if (app.repo === '') {
      const commit = side === 'head' ? proposal.commit : proposal.base;
      return this.#world.config.commits.get(commit as never)?.folders[app.folder];
    }
    const repo = this.#world.sources.find(({ url }) => url === app.repo);
    if (repo === undefined) return undefined;
    const { [side]: commit = app.pin?.commit ?? proposal.tips(repo).main } = this.#part(app, repo, proposal) ?? {};
    return repo.commits.get(commit as never)?.folders[app.folder];
  }

  /** The branch's commit and the one where it left main, in the repo of an app; null: the app goes by what is declared. */
  #part(
    app: SimApp,
    repo: SimRepo,
    { branch, tips }: Proposal,
  ): { readonly head: string; readonly base: string } | null {
    const { main, [branch]: head } = tips(repo);
    if (head === undefined || main === undefined || app.pin?.of === 'all') return null;
    const base = mergeBaseOf(repo.parentsOf, head as never, main as never);
    return base === null ? null : { head, base };
  }

  /** Whether the files that an app had where the branch left main are gone since, and no branch of its own repo says which they were. */
  #isBaseLost(was: SimApp, proposal: Proposal): boolean {
    const repo = this.#world.sources.find(({ url }) => url === was.repo);
    if (repo === undefined || this.#part(was, repo, proposal) !== null) return false;
    return this.#folder(was, 'base', proposal) === undefined;
  }
}

interface Proposal {
  readonly branch: string;
  readonly tips: Tips;
  readonly config: SimConfig;
  readonly before: SimConfig;
  readonly commit: string;
  readonly base: string;
  readonly isBroken: boolean;
}

/** What a revision is made of. */
function keyOf(app: SimApp, folder: Folder | undefined): string {
  // Without files there is no revision: that there is none before and after is no difference.
  if (folder === undefined) return 'missing';
  // Files have no params.
  const params = app.spec === 'static' ? null : app.params;
  return JSON.stringify([app.spec, params, app.repo === '-' || treeIdOf(folder)]);
}

/** The patterns of the simulation are all, those that begin with something, or none. */
function isNamed(branch: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => pattern.endsWith('*') && branch.startsWith(pattern.slice(0, -1)));
}

/** The branches that a listing named, as `preview` takes them. */
export function tipsOf(listings: ReadonlyMap<string, RefListing | null>): Tips {
  return (repo) => listings.get(repo.url)?.branches ?? {};
}
