import type { AppDeclaration } from '../../src/model/app.ts';
import { hashOf } from '../../src/model/canonical.ts';
import {
  type ConfigError,
  DEFAULT_PREVIEWS,
  DEFAULT_RELEASE,
  type Declarations,
  type Evaluation,
  type PreviewPolicy,
  type ReleasePolicy,
} from '../../src/model/config.ts';
import { type Desired, type DesiredEnvironment, isStay, isTarget } from '../../src/model/desired.ts';
import type { GitFacts } from '../../src/model/git-facts.ts';
import type { CommitId, TreeId } from '../../src/model/ids.ts';
import type { Settings } from '../../src/model/settings.ts';
import { type ConfigState, type Snapshot, type SourceState, sourceKey, unpinned } from '../../src/model/snapshot.ts';
import type { RefListing, RepoState, RepoUrl } from '../../src/model/source.ts';
import type { SpecBook } from '../../src/model/spec.ts';
import type { DesireMemo } from '../../src/reconcile/desire/memo.ts';
import { desire } from '../../src/reconcile/desire.ts';
import { CODE_SPECS } from '../../src/specs/code-specs.ts';
import { appDeclaration, CONFIG_REPO, finish, settingsOf } from './declarations.ts';
import { mergeBaseOf } from './merge-base.ts';
import { AT } from './recorded.ts';
import { RecordedPreviews } from './recorded-previews.ts';

/** Text by folder: what it holds is all that tells one folder from another. Null: it is gone. */
export type Folders = Readonly<Record<string, string | null>>;

/** What a commit of the config repo says. */
export type ConfigText =
  | 'broken'
  | {
      readonly apps: readonly AppDeclaration[];
      readonly previews?: Partial<PreviewPolicy>;
      readonly release?: Partial<ReleasePolicy>;
      readonly specs?: SpecBook;
    };

interface Commit {
  readonly folders: Folders;
  readonly evaluation: Evaluation | null;
}

const BROKEN: ConfigError = { code: 'config-invalid', file: 'apps.star', line: 1, message: 'broken', hint: null };

/** A repo with its commits: each has parents and folders, those of the config repo say something too. */
export class WorldRepo {
  readonly url: RepoUrl;
  head: string | null = 'main';
  error: RepoState['error'] = null;
  baseline: Readonly<Record<string, CommitId>> = {};
  readonly branches = new Map<string, CommitId>();
  readonly commits = new Map<CommitId, Commit>();
  readonly parentsOf = new Map<CommitId, readonly CommitId[]>();
  #seen: RefListing | null = null;
  #movedAt: Readonly<Record<string, number>> = {};
  #shown: ((listing: RefListing) => RefListing | null) | null = null;

  constructor(url: RepoUrl) {
    this.url = url;
  }

  /** The commit that a branch points to. */
  tip(branch: string): CommitId {
    const commit = this.branches.get(branch);
    if (commit === undefined) throw new Error(`no branch "${branch}" in ${this.url}`);
    return commit;
  }

  /** A commit on a branch, on top of what is there: only what it says differs. */
  commit(branch: string, folders: Folders, config?: ConfigText): CommitId {
    const known = this.branches.get(branch);
    return this.put(branch, { folders, config, parents: known === undefined ? [] : [known] });
  }

  /** A branch that begins where another one is. */
  branch(name: string, from = 'main'): this {
    this.branches.set(name, this.tip(from));
    return this;
  }

  /** Merges a branch into another one: with a commit of both, or (`squash`) with one that only holds the same. */
  merge(from: string, { into = 'main', squash = false } = {}): CommitId {
    const [target, source] = [this.tip(into), this.tip(from)];
    const { folders, evaluation } = this.#commit(source);
    const config = evaluation?.ok ? evaluation.declarations : undefined;
    return this.put(into, { folders, config, parents: squash ? [target] : [target, source] });
  }

  /** A commit with these parents; a branch then points to it. */
  put(
    branch: string,
    {
      folders,
      config,
      parents,
    }: { readonly folders: Folders; readonly config?: ConfigText | undefined; readonly parents: readonly CommitId[] },
  ): CommitId {
    const before = parents[0] === undefined ? undefined : this.commits.get(parents[0]);
    const evaluation = config === undefined ? (before?.evaluation ?? null) : evaluationOf(config);
    const commit = { folders: { ...before?.folders, ...folders }, evaluation };
    const id = hashOf({ ...commit, parents, nth: this.commits.size, url: this.url }).slice(0, 40) as CommitId;
    this.commits.set(id, commit);
    this.parentsOf.set(id, parents);
    this.branches.set(branch, id);
    return id;
  }

  /** What is there now was there when the repo was first seen. */
  firstSeen(): void {
    this.baseline = Object.fromEntries(this.branches);
  }

  /** From now on its listing is shown like this; null: there never was one. */
  shows(shown: ((listing: RefListing) => RefListing | null) | null): void {
    this.#shown = shown;
  }

  /** As recorded: the very same listing as long as nothing moves. */
  state(at: number): RepoState {
    const branches = Object.fromEntries([...this.branches].sort());
    const isSame =
      this.#seen !== null && hashOf([this.#seen.branches, this.#seen.head]) === hashOf([branches, this.head]);
    if (!isSame) {
      const before = this.#seen?.branches ?? {};
      const moved = Object.keys(branches).map((name) => [
        name,
        before[name] === branches[name] ? this.#movedAt[name] : at,
      ]);
      this.#movedAt = Object.fromEntries(moved);
      this.#seen = { repo: this.url, asOf: at, head: this.head, branches };
    }
    const listing = this.#seen !== null && this.#shown !== null ? this.#shown(this.#seen) : this.#seen;
    return { repo: this.url, listing, error: this.error, baseline: this.baseline, movedAt: this.#movedAt };
  }

  /** The files of a folder of a commit. */
  folder(commit: CommitId, folder: string): SourceState {
    const text = this.#commit(commit).folders[folder];
    if (text == null) return { problem: missing('git-path-missing', `"${this.url}": no folder "${folder}"`) };
    const tree = hashOf({ text }).slice(0, 40) as TreeId;
    const procfile = text.startsWith('web: ') ? text : null;
    const entries = procfile === null ? ['index.html'] : ['Procfile'];
    return { commit, tree, author: 'dev@example.com', entries, procfile };
  }

  #commit(id: CommitId): Commit {
    const commit = this.commits.get(id);
    if (commit === undefined) throw new Error(`no commit ${id} in ${this.url}`);
    return commit;
  }
}

function evaluationOf(config: ConfigText): Evaluation {
  if (config === 'broken') return { ok: false, errors: [BROKEN] };
  const declarations: Declarations = {
    apps: config.apps,
    previews: { ...DEFAULT_PREVIEWS, ...config.previews },
    release: { ...DEFAULT_RELEASE, ...config.release },
    specs: config.specs ?? CODE_SPECS,
  };
  return { ok: true, declarations, prints: [] };
}

function missing(code: 'git-path-missing' | 'git-ref-missing', message: string) {
  return { code, message, hint: null, retry: 'after-interval' } as const;
}

/** What a fact is of, for tests that keep one back. */
export interface FactName {
  readonly kind: 'config' | 'base' | 'folder';
  readonly repo: RepoUrl;
  readonly commit: CommitId;
}

/** Everything that previews are decided from: repos with their commits, and what is recorded. Facts come from the commits. */
export class World {
  at = AT;
  settings: Settings = settingsOf();
  engines: Snapshot['engines'] = new Map();
  /** Which facts were read so far. */
  isKnown: (fact: FactName) => boolean = () => true;
  /** Whether what main says is followed at once; else the commit that was followed last goes on. */
  isFollowing = true;
  readonly recorded = new RecordedPreviews();
  readonly #repos = new Map<string, WorldRepo>();
  /** Repos that main does not name and that are looked at nevertheless. */
  readonly watched = new Set<RepoUrl>();
  #accepted: ConfigState | null = null;

  constructor() {
    this.config.commit('main', {}, { apps: [] });
  }

  /** The config repo. */
  get config(): WorldRepo {
    return this.repo('config');
  }

  /** A repo by its short name. */
  repo(name: string): WorldRepo {
    const known = this.#repos.get(name);
    if (known !== undefined) return known;
    const repo = new WorldRepo(urlOf(name));
    this.#repos.set(name, repo);
    return repo;
  }

  /** All that is there was there when it was first seen. */
  firstSeen(): void {
    for (const repo of this.#repos.values()) repo.firstSeen();
  }

  /** Everything that decides, as of now. */
  snapshot(): Snapshot {
    const config = this.#configState();
    return {
      at: this.at,
      settings: this.settings,
      config,
      repos: this.#watchedRepos(config).map((repo) => repo.state(this.at)),
      sources: this.#sources(config),
      facts: this.#facts(),
      recorded: this.recorded.facts(),
      engines: this.engines,
    };
  }

  /** What should be. */
  desired(memo?: DesireMemo): Desired {
    const desired = finish(desire(this.snapshot(), memo));
    if (desired === null) throw new Error('nothing is desired');
    return desired;
  }

  /** What should be, of previews alone. */
  previews(memo?: DesireMemo): readonly DesiredEnvironment[] {
    return this.desired(memo).environments.filter(({ kind }) => kind === 'preview');
  }

  /** Has done what should be: all of it is live, what is to go is gone. Says what should have been. */
  settle(memo?: DesireMemo): Desired {
    const desired = this.desired(memo);
    this.recorded.takeOver(desired, this.at);
    return desired;
  }

  /** Lets time pass. */
  pass(ms: number): void {
    this.at += ms;
  }

  /** The newest commit of main that evaluates; a tip that is broken leaves the last one in force. */
  #configState(): ConfigState {
    const tip = this.config.tip('main');
    const evaluation = this.config.commits.get(tip)?.evaluation;
    if (evaluation?.ok === true && this.#accepted?.commit !== tip && (this.isFollowing || this.#accepted === null)) {
      const cause = { kind: 'commit', repo: CONFIG_REPO, ref: 'main', commit: tip, author: null, pull: null } as const;
      this.#accepted = { repo: CONFIG_REPO, commit: tip, declarations: evaluation.declarations, cause };
    }
    if (this.#accepted === null) throw new Error('no commit of main evaluates');
    return this.#accepted;
  }

  #watchedRepos({ declarations }: ConfigState): WorldRepo[] {
    const named = new Set<string>([CONFIG_REPO, ...this.watched]);
    for (const { source } of declarations.apps) if (source.kind === 'repo') named.add(source.url);
    return [...this.#repos.values()].filter(({ url }) => named.has(url)).sort((a, b) => (a.url < b.url ? -1 : 1));
  }

  #sources({ commit, declarations }: ConfigState): Map<string, SourceState> {
    const sources = new Map<string, SourceState>();
    for (const app of declarations.apps.flatMap((one) => [one, unpinned(one)])) {
      const key = sourceKey(app);
      if (key !== null) sources.set(key, this.#sourceOf(app, commit));
    }
    return sources;
  }

  #sourceOf({ source, gitCommit, gitBranch }: AppDeclaration, configCommit: CommitId): SourceState {
    if (source.kind === 'none') throw new Error('it has no source');
    if (source.kind === 'config') return this.config.folder(configCommit, source.folder);
    const repo = this.#byUrl(source.url as RepoUrl);
    const commit = (gitCommit as CommitId | null) ?? repo.branches.get(gitBranch ?? repo.head ?? '');
    if (commit === undefined) return { problem: missing('git-ref-missing', `source "${source.url}": no such branch`) };
    return repo.folder(commit, source.folder);
  }

  #facts(): GitFacts {
    const has = (kind: FactName['kind'], repo: RepoUrl, commit: CommitId) => this.isKnown({ kind, repo, commit });
    const folders = this.#folders;
    return {
      config: (commit) => {
        const evaluation = this.config.commits.get(commit)?.evaluation;
        if (evaluation == null || !has('config', CONFIG_REPO, commit)) return undefined;
        return { author: 'dev@example.com', evaluation };
      },
      base: (repo, a, b) => (has('base', repo, a) ? mergeBaseOf(this.#byUrl(repo).parentsOf, a, b) : undefined),
      folder: (repo, commit, folder) => {
        if (!has('folder', repo, commit)) return undefined;
        const key = `${repo} ${commit} ${folder}`;
        const state = folders.get(key) ?? this.#byUrl(repo).folder(commit, folder);
        folders.set(key, state);
        return state;
      },
    };
  }

  /** What was read once is the very same value ever after, as in the store of facts. */
  readonly #folders = new Map<string, SourceState>();

  #byUrl(url: RepoUrl): WorldRepo {
    const repo = [...this.#repos.values()].find((one) => one.url === url);
    if (repo === undefined) throw new Error(`no repo ${url}`);
    return repo;
  }
}

/** The URL of a repo by its short name. */
export function urlOf(name: string): RepoUrl {
  return `https://git.example.com/${name}` as RepoUrl;
}

type AppEdit = Parameters<typeof appDeclaration>[0];

/** An app from a repo of the same short name: `/a` from repo `a`. A repo without apps elsewhere is named with `from`. */
export function appFrom(from: string, { path = `/${from}`, ...edit }: AppEdit & { readonly folder?: string } = {}) {
  const { folder = '', ...rest } = edit;
  return appDeclaration({ path, source: { kind: 'repo', url: urlOf(from), folder }, ...rest });
}

/** An app from a folder of the config repo: `/wiki` from `wiki`. */
export function appInside(folder: string, { path = `/${folder}`, ...edit }: AppEdit = {}) {
  return appDeclaration({ path, source: { kind: 'config', folder }, ...edit });
}

/** Main with these apps, each of a repo of its own (`a`) or of a folder of the config repo (`./wiki`), all at a first commit. */
export function worldWith(
  names: readonly string[],
  config: Omit<Exclude<ConfigText, 'broken'>, 'apps'> & {
    readonly edit?: (app: AppDeclaration) => AppDeclaration;
  } = {},
): World {
  const { edit = (app) => app, ...policies } = config;
  const world = new World();
  const inside = names.filter((name) => name.startsWith('./')).map((name) => name.slice(2));
  const outside = names.filter((name) => !name.startsWith('./'));
  for (const name of outside) world.repo(name).commit('main', { '': `${name} 1` });
  const apps = [...outside.map((name) => appFrom(name)), ...inside.map((folder) => appInside(folder))].map(edit);
  const folders = Object.fromEntries(inside.map((folder) => [folder, `${folder} 1`]));
  world.config.commit('main', folders, { ...policies, apps });
  return world;
}

/** What a preview holds, in short: `/a` with the text of its tree unless it has none. */
export function holds(preview: DesiredEnvironment | undefined): string[] {
  return (preview?.deployments ?? []).map(({ app, want }) => {
    if (isTarget(want)) return app;
    return isStay(want) ? `${app} ${want.stay}` : `${app} blocked: ${want.problem.code}`;
  });
}

/** Each preview with what it holds, in short: `x: /a /b`. */
export function told(previews: readonly DesiredEnvironment[]): string[] {
  return previews.map((preview) => {
    const parked = preview.parked === null ? '' : ' (parked)';
    return [`${preview.name}${parked}:`, ...holds(preview)].join(' ');
  });
}
