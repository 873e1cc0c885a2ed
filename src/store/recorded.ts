import type { AppId, ArtifactKey, EnvName, InstanceId } from '../model/ids.ts';
import type {
  RecordedArtifact,
  RecordedConfig,
  RecordedDeployment,
  RecordedEnvironment,
  RecordedInstance,
  RecordedRelease,
  RecordedSource,
  RetainedData,
} from '../model/recorded.ts';
import { NO_MEMBERS, type ReleaseTally, type Standing, standingOf } from '../model/release.ts';
import { placeKey, type RouteRow } from '../model/routing.ts';
import type { RepoState } from '../model/source.ts';
import type { Change } from './changes.ts';
import { deploymentKey } from './tables.ts';

/** Nothing was looked at yet. */
const NO_CONFIG: RecordedConfig = {
  seen: null,
  seenAt: null,
  seenCause: null,
  accepted: null,
  acceptedCause: null,
  planned: null,
  errors: [],
};

/** What is recorded, to be read. */
export interface RecordedView {
  readonly config: RecordedConfig;
  readonly repos: ReadonlyMap<string, RepoState>;
  readonly sources: ReadonlyMap<string, RecordedSource>;
  readonly environments: ReadonlyMap<string, RecordedEnvironment>;
  /** By `deploymentKey`. */
  readonly deployments: ReadonlyMap<string, RecordedDeployment>;
  readonly artifacts: ReadonlyMap<string, RecordedArtifact>;
  readonly instances: ReadonlyMap<string, RecordedInstance>;
  readonly releases: ReadonlyMap<string, RecordedRelease>;
  readonly retained: ReadonlyMap<string, RetainedData>;
  /** By `HOST PATH`. */
  readonly routes: ReadonlyMap<string, RouteRow>;
  /** The highest generation given out. */
  readonly generation: number;
  deployment(env: EnvName, app: AppId): RecordedDeployment | undefined;
  instancesOf(env: EnvName, app: AppId): readonly RecordedInstance[];
  /** Deployments whose live or next target has this artifact. */
  deploymentsWith(artifact: ArtifactKey): readonly RecordedDeployment[];
  /** Number of instances made from this artifact. */
  instancesWith(artifact: ArtifactKey): number;
  /** Whether something that runs, or is to run, needs this artifact. */
  isUsed(artifact: ArtifactKey): boolean;
  /** Whether a deployment keeps this artifact so that going back needs no build. */
  isKept(artifact: ArtifactKey): boolean;
  /** Deployments whose next state names this release. */
  membersOf(release: string): readonly RecordedDeployment[];
  /** How the members of a release stand: kept up to date, whatever their number. */
  tallyOf(release: string): ReleaseTally;
  route(host: string, path: string): RouteRow | undefined;
  /** The route row that says why a deployment does not serve. */
  vacancyOf(env: EnvName, app: AppId): RouteRow | undefined;
}

/**
 * The recorded state in memory: what the database has as of the last commit. The controller is the only writer, so the two
 * never differ while it lives; a new controller loads it again.
 */
export class Recorded implements RecordedView {
  config: RecordedConfig = NO_CONFIG;
  readonly repos = new Map<string, RepoState>();
  readonly sources = new Map<string, RecordedSource>();
  readonly environments = new Map<string, RecordedEnvironment>();
  readonly deployments = new Map<string, RecordedDeployment>();
  readonly artifacts = new Map<string, RecordedArtifact>();
  readonly instances = new Map<string, RecordedInstance>();
  readonly releases = new Map<string, RecordedRelease>();
  readonly retained = new Map<string, RetainedData>();
  readonly routes = new Map<string, RouteRow>();
  generation = 0;
  readonly #instancesOf = new Map<string, Map<InstanceId, RecordedInstance>>();
  readonly #artifactUsers = new Map<ArtifactKey, Set<string>>();
  readonly #artifactKeepers = new Map<ArtifactKey, Set<string>>();
  readonly #members = new Map<string, Set<string>>();
  readonly #tallies = new Map<string, Record<Standing, number>>();
  readonly #artifactInstances = new Map<ArtifactKey, number>();
  readonly #vacancies = new Map<string, RouteRow>();

  /** Takes over one change. */
  apply(change: Change): void {
    if ('put' in change) this.#put(change);
    else if ('drop' in change) this.#drop(change);
  }

  #put(change: Extract<Change, { put: unknown }>): void {
    switch (change.put) {
      case 'config':
        this.config = change.row;
        return;
      case 'repo':
        this.repos.set(change.row.repo, change.row);
        return;
      case 'source':
        this.sources.set(change.row.key, change.row);
        return;
      case 'environment':
        this.environments.set(change.row.name, change.row);
        return;
      case 'deployment':
        this.#putDeployment(change.row);
        return;
      case 'artifact':
        this.artifacts.set(change.row.key, change.row);
        return;
      case 'instance':
        this.#putInstance(change.row);
        return;
      case 'release':
        this.releases.set(change.row.id, change.row);
        return;
      case 'retained':
        this.retained.set(change.row.dataName, change.row);
        return;
      case 'route':
        this.#putRoute(change.row);
        return;
    }
  }

  #drop(change: Extract<Change, { drop: unknown }>): void {
    switch (change.drop) {
      case 'config':
        this.config = NO_CONFIG;
        return;
      case 'repo':
        this.repos.delete(change.row.repo);
        return;
      case 'source':
        this.sources.delete(change.row.key);
        return;
      case 'environment':
        this.environments.delete(change.row.name);
        return;
      case 'deployment':
        this.#dropDeployment(change.row);
        return;
      case 'artifact':
        this.artifacts.delete(change.row.key);
        return;
      case 'instance':
        if (this.instances.delete(change.row.id)) this.#countInstance(change.row, -1);
        this.#instancesOf.get(deploymentKey(change.row))?.delete(change.row.id);
        return;
      case 'release':
        this.releases.delete(change.row.id);
        return;
      case 'retained':
        this.retained.delete(change.row.dataName);
        return;
      case 'route':
        this.#forgetVacancy(this.route(change.row.host, change.row.path));
        this.routes.delete(placeKey(change.row));
        return;
    }
  }

  #putDeployment(row: RecordedDeployment): void {
    const key = deploymentKey(row);
    this.#forgetUses(this.deployments.get(key));
    this.deployments.set(key, row);
    for (const artifact of artifactsOf(row)) add(this.#artifactUsers, artifact, key);
    for (const artifact of row.kept) add(this.#artifactKeepers, artifact, key);
    if (row.next?.release != null) {
      add(this.#members, row.next.release, key);
      this.#count(row, 1);
    }
    this.#grow(Math.max(row.live?.generation ?? 0, row.next?.generation ?? 0));
  }

  #dropDeployment(row: RecordedDeployment): void {
    const key = deploymentKey(row);
    this.#forgetUses(this.deployments.get(key));
    this.deployments.delete(key);
    this.#instancesOf.delete(key);
  }

  #putInstance(row: RecordedInstance): void {
    if (!this.instances.has(row.id)) this.#countInstance(row, 1);
    this.instances.set(row.id, row);
    const key = deploymentKey(row);
    const siblings = this.#instancesOf.get(key) ?? new Map<InstanceId, RecordedInstance>();
    this.#instancesOf.set(key, siblings.set(row.id, row));
    this.#grow(row.generation);
  }

  #putRoute(row: RouteRow): void {
    this.#forgetVacancy(this.route(row.host, row.path));
    this.routes.set(placeKey(row), row);
    if (row.vacancy != null) this.#vacancies.set(deploymentKey(row.vacancy), row);
    this.#grow(row.generation);
  }

  #forgetVacancy(row: RouteRow | undefined): void {
    if (row?.vacancy == null) return;
    const key = deploymentKey(row.vacancy);
    // It may belong elsewhere by now.
    if (this.#vacancies.get(key) === row) this.#vacancies.delete(key);
  }

  #countInstance(row: RecordedInstance, by: 1 | -1): void {
    const count = (this.#artifactInstances.get(row.target.artifact) ?? 0) + by;
    if (count > 0) this.#artifactInstances.set(row.target.artifact, count);
    else this.#artifactInstances.delete(row.target.artifact);
  }

  #forgetUses(row: RecordedDeployment | undefined): void {
    if (row === undefined) return;
    const key = deploymentKey(row);
    for (const artifact of artifactsOf(row)) remove(this.#artifactUsers, artifact, key);
    for (const artifact of row.kept) remove(this.#artifactKeepers, artifact, key);
    if (row.next?.release != null) {
      remove(this.#members, row.next.release, key);
      this.#count(row, -1);
    }
  }

  #count({ live, next }: RecordedDeployment, by: 1 | -1): void {
    if (next?.release == null) return;
    const tally = this.#tallies.get(next.release) ?? { ...NO_MEMBERS };
    tally[standingOf({ live, next })] += by;
    if (this.#members.has(next.release)) this.#tallies.set(next.release, tally);
    else this.#tallies.delete(next.release);
  }

  #grow(generation: number): void {
    if (generation > this.generation) this.generation = generation;
  }

  deployment(env: EnvName, app: AppId): RecordedDeployment | undefined {
    return this.deployments.get(deploymentKey({ env, app }));
  }

  instancesOf(env: EnvName, app: AppId): readonly RecordedInstance[] {
    return [...(this.#instancesOf.get(deploymentKey({ env, app }))?.values() ?? [])];
  }

  deploymentsWith(artifact: ArtifactKey): readonly RecordedDeployment[] {
    const keys = this.#artifactUsers.get(artifact) ?? [];
    return [...keys].flatMap((key) => this.deployments.get(key) ?? []);
  }

  instancesWith(artifact: ArtifactKey): number {
    return this.#artifactInstances.get(artifact) ?? 0;
  }

  isUsed(artifact: ArtifactKey): boolean {
    return this.#artifactUsers.has(artifact) || this.instancesWith(artifact) > 0;
  }

  isKept(artifact: ArtifactKey): boolean {
    return this.#artifactKeepers.has(artifact);
  }

  membersOf(release: string): readonly RecordedDeployment[] {
    return [...(this.#members.get(release) ?? [])].flatMap((key) => this.deployments.get(key) ?? []);
  }

  tallyOf(release: string): ReleaseTally {
    return this.#tallies.get(release) ?? NO_MEMBERS;
  }

  route(host: string, path: string): RouteRow | undefined {
    return this.routes.get(placeKey({ host, path }));
  }

  vacancyOf(env: EnvName, app: AppId): RouteRow | undefined {
    return this.#vacancies.get(deploymentKey({ env, app }));
  }
}

function artifactsOf(row: RecordedDeployment): ArtifactKey[] {
  return [row.live?.target.artifact, row.next?.target?.artifact].filter((key) => key !== undefined);
}

function add<K>(sets: Map<K, Set<string>>, of: K, key: string): void {
  const known = sets.get(of);
  if (known === undefined) sets.set(of, new Set([key]));
  else known.add(key);
}

function remove<K>(sets: Map<K, Set<string>>, of: K, key: string): void {
  const known = sets.get(of);
  known?.delete(key);
  if (known?.size === 0) sets.delete(of);
}
