import { type Needs, NO_NEEDS } from '../../model/git-facts.ts';
import type { CommitId } from '../../model/ids.ts';
import type { RecordedSource } from '../../model/recorded.ts';
import type { ConfigState, Snapshot } from '../../model/snapshot.ts';
import type { RepoState, RepoUrl } from '../../model/source.ts';
import { type Change, drop } from '../../store/changes.ts';
import type { Ports } from '../ports.ts';
import { ConfigFollower } from './config-follower.ts';
import { engineProblems } from './engine-problems.ts';
import { FactReader } from './fact-reader.ts';
import { FactStore } from './fact-store.ts';
import { type KeyedQuery, queriesByRepo } from './queries.ts';
import { SourceReader } from './read-source.ts';
import { RepoWatch } from './repo-watch.ts';
import { followSources } from './source-follower.ts';
import { sourceStates } from './source-states.ts';

/** Watches all repos that matter, each on its own, and says what is known of them as one `Snapshot`. */
export class Observer {
  readonly #ports: Ports;
  readonly #reader: SourceReader;
  readonly #config: ConfigFollower;
  readonly #facts = new FactStore();
  readonly #factReader: FactReader;
  readonly #watches = new Map<RepoUrl, { readonly watch: RepoWatch; readonly unwatch: () => void }>();
  readonly #onChange: () => void;
  #stopListening: () => void = () => {};
  #queries: ReadonlyMap<RepoUrl, readonly KeyedQuery[]> = new Map();
  #branchRepos: ReadonlyMap<RepoUrl, string | null> = new Map();
  #needed: ReadonlySet<CommitId> = new Set();
  /** Whether nothing is recorded any more of repos that nothing names. */
  #isTidy = false;
  /** What the last pass needed that knew all. */
  #settled: Needs = NO_NEEDS;

  /** `onChange` is called after something was recorded that may change what is desired. */
  constructor(ports: Ports, onChange: () => void) {
    this.#ports = ports;
    this.#onChange = onChange;
    this.#reader = new SourceReader(ports.git, ports.limits.fileBytes);
    const repo = ports.settings.configRepo as RepoUrl;
    this.#config = new ConfigFollower(repo, ports, this.#reader, () => this.#declared());
    const deps = { ports, reader: this.#reader, store: this.#facts, configRepo: repo, onKnown: onChange };
    this.#factReader = new FactReader(deps);
  }

  /** Begins to watch the config repo; the repos that it names follow. */
  start(): void {
    // A look that finds nothing new costs no pass, however many repos are looked at.
    this.#stopListening = this.#ports.store.onChange((changes) => {
      if (changes.some(decides)) this.#onChange();
    });
    this.#watch(this.#config.repo, null);
  }

  /** What was accepted from the config repo, as it is followed now. */
  get accepted(): { readonly commit: CommitId } | null {
    return this.#config.accepted;
  }

  /** Looks at every repo; resolves when all looks are over. One that hangs ends by its own time limit. */
  async look(): Promise<void> {
    const before = new Set(this.#watches.keys());
    const at = this.#ports.clock.now();
    await Promise.all([...this.#watches.values()].map(({ watch }) => watch.look(at)));
    // Repos that the new config brought in were looked at as soon as they were known.
    const added = [...this.#watches].filter(([repo]) => !before.has(repo));
    await Promise.all(added.map(([, { watch }]) => watch.settled()));
    this.#noteLook();
  }

  /** For those who read the store while no daemon runs: when it looked last. */
  #noteLook(): void {
    try {
      this.#ports.store.setMeta('looked_at', String(this.#ports.clock.now()));
    } catch (error) {
      this.#ports.log.warn(`look: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** After a start: takes up what was accepted before, from the mirror. Its failure is no obstacle: the next look tries again. */
  async restore(signal: AbortSignal): Promise<void> {
    await this.#config.restore(signal).catch((error: unknown) => {
      signal.throwIfAborted();
      this.#ports.log.warn(`config: ${error instanceof Error ? error.message : String(error)}`);
    });
  }

  /** When each repo was last listed with success. */
  asOf(repo: string): number | null {
    return this.#watches.get(repo as RepoUrl)?.watch.asOf ?? null;
  }

  /** Whether something is being read that a pass asked for. */
  get isReading(): boolean {
    return this.#factReader.isBusy;
  }

  /**
   * Reads what a pass would have liked to know, and looks at the repos that only branches name. A pass that does not know all knows
   * not all that it needs either: until one does, nothing is given up that the last one that did needed.
   */
  want(needs: Needs): void {
    if (isAllKnown(needs)) this.#settled = needs;
    const { repos, commits } = this.#settled;
    this.#branchRepos = new Map([...repos, ...needs.repos].map(({ repo, auth }) => [repo, auth]));
    for (const [repo, auth] of this.#branchRepos) if (!this.#watches.has(repo)) void this.#watch(repo, auth).look();
    if (!this.#isTidy || [...this.#watches.keys()].some((repo) => !this.#isWanted(repo))) this.#forgetSources();
    this.#needed = commits === needs.commits ? commits : commits.union(needs.commits);
    this.#factReader.want({ ...needs, commits: this.#needed });
  }

  /** All commits that environments are derived from. */
  get neededCommits(): ReadonlySet<CommitId> {
    return this.#needed;
  }

  #isWanted(repo: RepoUrl): boolean {
    return repo === this.#config.repo || this.#queries.has(repo) || this.#branchRepos.has(repo);
  }

  async stop(): Promise<void> {
    this.#stopListening();
    await this.#factReader.stop();
    for (const { unwatch } of this.#watches.values()) unwatch();
    await Promise.all([...this.#watches.values()].map(({ watch }) => watch.stop()));
  }

  /** Everything that decides, as of now. */
  snapshot(): Snapshot {
    const { settings, store, clock } = this.#ports;
    const { recorded } = store;
    return {
      at: clock.now(),
      settings,
      config: this.#configState(),
      repos: [...recorded.repos.values()].sort((a, b) => (a.repo < b.repo ? -1 : 1)),
      sources: sourceStates(recorded.sources),
      facts: this.#facts,
      // Rows are never changed in place, so copies of the maps are the state as of now.
      recorded: {
        environments: new Map(recorded.environments),
        deployments: new Map(recorded.deployments),
        releases: new Map(recorded.releases),
        artifacts: new Map(recorded.artifacts),
      },
      engines: engineProblems(this.#ports.available),
    };
  }

  #configState(): ConfigState | null {
    const accepted = this.#config.accepted;
    return accepted === null ? null : { repo: this.#config.repo, ...accepted };
  }

  #watch(repo: RepoUrl, auth: string | null): RepoWatch {
    const ports = this.#ports;
    const watch = new RepoWatch(repo, auth, ports, async (listing, signal) => {
      if (repo === this.#config.repo) await this.#config.follow(listing, signal);
      const queries = this.#queries.get(repo);
      const look = { listing, ports, reader: this.#reader, signal };
      const lacking = queries === undefined ? null : await followSources(queries, look);
      const failure = this.#factReader.retry(repo);
      if (failure !== null) throw failure;
      if (lacking !== null) throw lacking;
    });
    const unwatch = this.#ports.git.watch(repo, () => void watch.look());
    this.#watches.set(repo, { watch, unwatch });
    return watch;
  }

  /** New declarations: other repos may matter from now on. */
  #declared(): void {
    const { accepted } = this.#config;
    if (accepted === null) return;
    this.#queries = queriesByRepo(accepted.declarations);
    for (const [repo, queries] of this.#queries) {
      const known = this.#watches.get(repo);
      if (known !== undefined) {
        if (repo !== this.#config.repo) known.watch.auth = queries[0]?.auth ?? null;
        if (this.#isNew(queries)) void known.watch.look();
      } else void this.#watch(repo, queries[0]?.auth ?? null).look();
    }
    this.#onChange();
    // The last, since it may fail: what is new is looked at all the same, and what is old is forgotten by a later pass.
    this.#forgetSources();
  }

  #isNew(queries: readonly KeyedQuery[]): boolean {
    return queries.some((query) => !this.#ports.store.recorded.sources.has(query.key));
  }

  /** Drops what is known of sources and repos that nothing names any more. */
  #forgetSources(): void {
    this.#isTidy = false;
    const wanted = new Set([...this.#queries.values()].flat().map((query) => query.key));
    const isGone = (row: RecordedSource) => !row.key.startsWith('config\n') && !wanted.has(row.key);
    for (const [repo, { watch, unwatch }] of this.#watches) {
      if (this.#isWanted(repo)) continue;
      unwatch();
      void watch.stop();
      this.#watches.delete(repo);
    }
    const isGoneRepo = (row: RepoState) => !this.#isWanted(row.repo);
    this.#ports.store.transact((recorded): Change[] => [
      ...[...recorded.sources.values()].filter(isGone).map((row) => drop('source', row)),
      ...[...recorded.repos.values()].filter(isGoneRepo).map((row) => drop('repo', row)),
    ]);
    this.#isTidy = true;
  }
}

/** Whether a pass knew all that it would have liked to know. */
function isAllKnown({ configs, bases, folders }: Needs): boolean {
  return configs.length + bases.length + folders.length === 0;
}

/** Whether a change may change what is desired: what is known of sources, or where refs point. */
function decides(change: Change): boolean {
  if ('audit' in change) return false;
  const table = 'put' in change ? change.put : change.drop;
  return table === 'source' || table === 'repo';
}
