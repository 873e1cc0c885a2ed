import { branchOf } from '../../src/model/environment.ts';
import type { RecordedEnvironment } from '../../src/model/recorded.ts';
import type { RefListing, RepoState } from '../../src/model/source.ts';
import { mergeBaseOf } from '../support/merge-base.ts';
import type { Model, Wanted } from './model.ts';
import type { SimApp, SimConfig } from './sim-config.ts';
import { type Folder, type SimRepo, treeIdOf } from './sim-git.ts';
import type { SimWorld } from './sim-world.ts';

/** What a branch's preview should hold; `unsure`: its config does not evaluate, so that depends on what was seen of it before. */
export interface Preview {
  readonly unsure: boolean;
  readonly wanted: readonly Wanted[];
  /** Apps whose files are gone where the branch has no part: what was known of them before decides. */
  readonly maybe: readonly string[];
  readonly heads: ReadonlyMap<SimRepo, string>;
}

const NOTHING = { unsure: false, wanted: [], maybe: [] } as const;

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

  onEnvironment({ name, identity, heads }: RecordedEnvironment): void {
    const before = this.#active.get(name);
    const moved = Object.entries(heads).filter(([repo, commit]) => before?.heads[repo] !== commit);
    const times = moved.map(([repo, commit]) => this.#seen.get(`${repo} ${branchOf(identity)} ${commit}`) ?? 0);
    this.#active.set(name, { heads, at: Math.max(before?.at ?? 0, ...times) });
  }

  /** Nothing of a preview is left. */
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
    if (proposal === null) return { ...NOTHING, unsure: true, heads };
    const maybe: string[] = [];
    const before = new Map(proposal.before.apps.map((app) => [app.id, app]));
    const flags = new Map(main.apps.map(({ id, previews }) => [id, previews]));
    const wanted = proposal.config.apps.flatMap((app): Wanted[] => {
      if (!(flags.get(app.id) ?? app.previews)) return [];
      const head = this.#folder(app, 'head', proposal);
      const was = before.get(app.id);
      if (head === undefined && app.repo !== '') maybe.push(app.id);
      if (maybe.includes(app.id)) return [];
      const isSame = was !== undefined && keyOf(app, head) === keyOf(was, this.#folder(was, 'base', proposal));
      return isSame ? [] : [{ app, folder: head }];
    });
    return { unsure: false, wanted, maybe, heads };
  }

  /** The config of the branch and that of its merge base; null: it does not evaluate. */
  #proposal(branch: string, main: SimConfig, heads: ReadonlyMap<SimRepo, string>, tips: Tips): Proposal | null {
    const { config } = this.#world;
    const accepted = this.#model.accepted ?? '';
    const still: Proposal = { branch, tips, config: main, before: main, commit: accepted, base: accepted };
    const commit = heads.get(config);
    if (commit === undefined) return still;
    const found = this.#world.configAt(commit);
    if (found === null || found.broken) return null;
    const base = mergeBaseOf(config.parentsOf, commit as never, (tips(config).main ?? accepted) as never);
    if (base === null) return still;
    const before = this.#world.configAt(base);
    if (before === null || before.broken) return { ...still, config: found, commit };
    return { ...still, config: found, before, commit, base };
  }

  /** The files of an app on the branch, or at its merge base. */
  #folder(app: SimApp, side: 'head' | 'base', proposal: Proposal): Folder | undefined {
    const { branch, tips } = proposal;
    if (app.repo === '-') return {};
    if (app.repo === '') {
      const commit = side === 'head' ? proposal.commit : proposal.base;
      return this.#world.config.commits.get(commit as never)?.folders[app.folder];
    }
    const repo = this.#world.sources.find(({ url }) => url === app.repo);
    const { main, [branch]: head } = repo === undefined ? {} : tips(repo);
    const at = (commit: string | undefined) => repo?.commits.get(commit as never)?.folders[app.folder];
    if (repo === undefined || head === undefined || main === undefined) return at(main);
    const base = mergeBaseOf(repo.parentsOf, head as never, main as never);
    if (base === null) return at(main);
    return at(side === 'head' ? head : base);
  }
}

interface Proposal {
  readonly branch: string;
  readonly tips: Tips;
  readonly config: SimConfig;
  readonly before: SimConfig;
  readonly commit: string;
  readonly base: string;
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
