import type { AppDeclaration } from '../../src/model/app.ts';
import type { Cause } from '../../src/model/cause.ts';
import { DEFAULT_PREVIEWS, DEFAULT_RELEASE, type Declarations } from '../../src/model/config.ts';
import { type Desired, isTarget, type Target } from '../../src/model/desired.ts';
import { NO_FACTS } from '../../src/model/git-facts.ts';
import type { AppId, CommitId, TreeId } from '../../src/model/ids.ts';
import { isRoute, parseRoute } from '../../src/model/route.ts';
import type { Settings } from '../../src/model/settings.ts';
import { type RecordedFacts, type Snapshot, type SourceState, sourceKey } from '../../src/model/snapshot.ts';
import type { RepoUrl, ResolvedSource } from '../../src/model/source.ts';
import type { SpecBook } from '../../src/model/spec.ts';
import type { DesireMemo } from '../../src/reconcile/desire/memo.ts';
import { desire } from '../../src/reconcile/desire.ts';
import { CODE_SPECS } from '../../src/specs/code-specs.ts';

/** The config repo of these tests. */
export const CONFIG_REPO = 'https://git.example.com/config' as RepoUrl;

/** A commit id that is easy to tell apart. */
export function commitId(digit: string): CommitId {
  return digit.repeat(40).slice(0, 40) as CommitId;
}

/** A tree id that is easy to tell apart. */
export function treeId(digit: string): TreeId {
  return digit.repeat(40).slice(0, 40) as TreeId;
}

/** A commit of the config repo as a cause. */
export function commitCause(commit: CommitId = commitId('c')): Cause {
  return { kind: 'commit', repo: CONFIG_REPO, ref: 'main', commit, author: 'dev@example.com', pull: null };
}

/** A declared static app from a repo of its own, but for what is said otherwise. `path` is the route as people write it. */
export function appDeclaration({
  path = '/a',
  ...edit
}: Partial<AppDeclaration> & { path?: string } = {}): AppDeclaration {
  const route = parseRoute(path);
  if (!isRoute(route)) throw new Error(route.expected);
  return {
    id: path as AppId,
    route,
    source: { kind: 'repo', url: 'https://git.example.com/a', folder: '' },
    spec: 'static',
    gitBranch: null,
    gitCommit: null,
    gitAuth: null,
    params: {},
    containerOpts: {},
    containerArgs: {},
    containerVols: [],
    appConfig: {},
    stage: true,
    previews: true,
    promote: 'on_merge',
    strategy: 'blue_green',
    stripPath: null,
    slash: null,
    health: {},
    idle: null,
    limits: {},
    verify: true,
    position: { file: 'apps.star', line: 1, column: 1 },
    notInEffect: [],
    ...edit,
  };
}

/** An app as above that has no stage: production does not wait for any. */
export function unstagedApp(edit: Parameters<typeof appDeclaration>[0] = {}): AppDeclaration {
  return appDeclaration({ stage: false, ...edit });
}

/** What a config declares. */
export function declarations(
  apps: readonly AppDeclaration[],
  allowRemoval: string | null = null,
  specs: SpecBook = CODE_SPECS,
): Declarations {
  return { apps, previews: DEFAULT_PREVIEWS, release: { ...DEFAULT_RELEASE, allowRemoval }, specs };
}

/** A source that was read: a folder with an index.html, but for what is said otherwise. */
export function resolved(edit: Partial<ResolvedSource> = {}): ResolvedSource {
  return {
    commit: commitId('5'),
    tree: treeId('7'),
    author: 'dev@example.com',
    entries: ['index.html'],
    procfile: null,
    ...edit,
  };
}

/** A source that the app's spec can use. */
function filesFor({ spec }: AppDeclaration): ResolvedSource {
  return spec === 'procfile' ? resolved({ entries: ['Procfile'], procfile: 'web: ./run' }) : resolved();
}

/** What of the settings decides. */
export function settingsOf(edit: Partial<Settings> = {}): Settings {
  return {
    configRepo: CONFIG_REPO,
    branch: 'main',
    domain: 'example.com',
    envDomain: 'env.example.com',
    publicUrl: 'https://example.com',
    pollIntervalMs: 30_000,
    retainMs: 7 * 86_400_000,
    engines: { process: 'all', docker: 'auto', onExit: 'keep', builds: null, memoryPressure: 0.9 },
    ...edit,
  } as Settings;
}

/** What a snapshot is made from. `sources` is by app id; an app that is not named has `resolved()`. */
export interface SnapshotEdit {
  readonly apps?: readonly AppDeclaration[];
  readonly sources?: Readonly<Record<string, SourceState | null>>;
  readonly settings?: Partial<Settings>;
  readonly engines?: Snapshot['engines'];
  readonly commit?: CommitId;
  readonly allowRemoval?: string | null;
  readonly recorded?: RecordedFacts;
  /** Default: those that run no containers. */
  readonly specs?: SpecBook;
  readonly at?: number;
}

/** Everything that decides, for these apps. A source of `null` was never looked at. */
export function snapshot(edit: SnapshotEdit = {}): Snapshot {
  const apps = edit.apps ?? [appDeclaration()];
  const commit = edit.commit ?? commitId('c');
  const sources = new Map<string, SourceState>();
  for (const app of apps) {
    const key = sourceKey(app);
    const state = edit.sources?.[app.id];
    if (key !== null && state !== null) sources.set(key, state ?? filesFor(app));
  }
  return {
    at: edit.at ?? Date.UTC(2026, 0, 1),
    settings: settingsOf(edit.settings),
    config: {
      repo: CONFIG_REPO,
      commit,
      declarations: declarations(apps, edit.allowRemoval ?? null, edit.specs),
      cause: commitCause(commit),
    },
    repos: [],
    sources,
    facts: NO_FACTS,
    recorded: edit.recorded ?? {
      environments: new Map(),
      deployments: new Map(),
      releases: new Map(),
      artifacts: new Map(),
    },
    engines: edit.engines ?? new Map(),
  };
}

/** Runs sliced work to its end. */
export function finish<T>(work: Generator<undefined, T>): T {
  for (;;) {
    const slice = work.next();
    if (slice.done) return slice.value;
  }
}

/** What should be for this snapshot. */
export function desiredFor(edit: SnapshotEdit = {}, memo?: DesireMemo): Desired {
  const desired = finish(desire(snapshot(edit), memo));
  if (desired === null) throw new Error('nothing is desired');
  return desired;
}

/** What is wanted in production. */
export function prodOf({ environments }: Desired): Desired['environments'][number] {
  const prod = environments.find(({ kind }) => kind === 'prod');
  if (prod === undefined) throw new Error('there is no production');
  return prod;
}

/** What is wanted for the first app. */
export function wantOf(edit: SnapshotEdit = {}) {
  const want = prodOf(desiredFor(edit)).deployments[0]?.want;
  if (want === undefined) throw new Error('no app is desired');
  return want;
}

/** The target of one app. */
export function targetOf(app: AppDeclaration = appDeclaration(), source: ResolvedSource = filesFor(app)): Target {
  const want = wantOf({ apps: [app], sources: { [app.id]: source } });
  if (!isTarget(want)) throw new Error('problem' in want ? want.problem.message : `it stays ${want.stay}`);
  return want;
}
