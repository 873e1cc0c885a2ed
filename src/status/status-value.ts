import { isoTime } from '../model/clock.ts';
import type { Target } from '../model/desired.ts';
import type { Problem } from '../model/errors.ts';
import type { RecordedDeployment, RecordedEnvironment, RecordedInstance, RecordedRelease } from '../model/recorded.ts';
import { blockersOf } from '../model/release.ts';
import { tipOf } from '../model/source.ts';
import type { Status, StatusDeployment, StatusEnvironment } from '../model/surface.ts';
import type { RecordedView } from '../store/recorded.ts';

/** What a status says besides what is recorded. */
export interface StatusFacts {
  readonly version: string;
  readonly repo: string;
  readonly branch: string;
  /** `ID:HASH` of the newest audit event. */
  readonly head: string;
  /** When a repo was last listed with success, in milliseconds since the epoch. */
  readonly asOf: (repo: string) => number | null;
  /** Whether a pass is due or under way. */
  readonly passing: boolean;
  readonly notInEffect: readonly string[];
}

/** What runs and why, as `status --json` gives it. Pure. */
export function statusOf(recorded: RecordedView, facts: StatusFacts): Status {
  const { config } = recorded;
  return {
    version: facts.version,
    config: {
      repo: facts.repo,
      branch: facts.branch,
      commit: config.seen,
      accepted: config.accepted,
      planned: config.planned,
      errors: config.errors,
    },
    settled: !facts.passing && isSettled(recorded, facts),
    environments: environmentsOf(recorded),
    releases: [...recorded.releases.values()].map((release) => releaseOf(release, recorded)),
    sources: sourcesOf(recorded, facts),
    audit: { head: facts.head },
    ...(facts.notInEffect.length > 0 ? { not_in_effect: facts.notInEffect } : {}),
  };
}

/** Whether no step is running, queued or awaiting a retry. Held and quarantined count as settled; timers of retention don't count. */
function isSettled(recorded: RecordedView, facts: StatusFacts): boolean {
  const { config } = recorded;
  if (config.accepted !== config.planned) return false;
  const listing = recorded.repos.get(facts.repo)?.listing ?? null;
  const tip = listing === null ? undefined : tipOf(listing, facts.branch);
  if (tip !== undefined && tip !== config.seen) return false;
  return (
    every(recorded.deployments, isDeploymentSettled) &&
    every(recorded.instances, isInstanceSettled) &&
    every(recorded.artifacts, ({ state }) => state === 'built' || state === 'failed') &&
    every(recorded.retained, ({ state }) => state === 'kept')
  );
}

/** What was stopped for its replacement and is to come back has not come to rest. */
function isDeploymentSettled({ live, next }: RecordedDeployment): boolean {
  if (live?.suspended === true) return false;
  return next === null || next.state === 'held' || next.state === 'quarantined';
}

function isInstanceSettled({ state, problem, retryAt }: RecordedInstance): boolean {
  return (
    state === 'running' ||
    state === 'stopped' ||
    state === 'paused' ||
    (state === 'starting' && problem?.retry === 'needs-human' && retryAt === null)
  );
}

function every<T>(rows: ReadonlyMap<string, T>, holds: (row: T) => boolean): boolean {
  for (const row of rows.values()) if (!holds(row)) return false;
  return true;
}

/** The order in which people want them: production first. */
const RANKS = { prod: 0, stage: 1, preview: 2 } as const;

function environmentsOf(recorded: RecordedView): StatusEnvironment[] {
  const byName = new Map<string, RecordedDeployment[]>();
  for (const row of recorded.deployments.values()) {
    const rows = byName.get(row.env);
    if (rows === undefined) byName.set(row.env, [row]);
    else rows.push(row);
  }
  return [...recorded.environments.values()]
    .sort((a, b) => RANKS[a.kind] - RANKS[b.kind] || (a.name < b.name ? -1 : 1))
    .map((environment) => environmentOf(environment, byName.get(environment.name) ?? [], recorded));
}

function environmentOf(
  environment: RecordedEnvironment,
  rows: readonly RecordedDeployment[],
  recorded: RecordedView,
): StatusEnvironment {
  return {
    name: environment.name,
    kind: environment.kind,
    parked: environment.parked !== null,
    parked_why: environment.parked,
    ending_since: environment.endingSince === null ? null : isoTime(environment.endingSince),
    cause: environment.cause,
    ...(environment.errors.length > 0 ? { errors: environment.errors } : {}),
    deployments: rows.toSorted((a, b) => (a.app < b.app ? -1 : 1)).map((row) => deploymentOf(row, recorded)),
  };
}

/** One app in one environment, as the surface gives it. */
export function deploymentOf(row: RecordedDeployment, recorded: RecordedView): StatusDeployment {
  const { live, next } = row;
  return {
    app: row.app,
    url: live?.target.values.url ?? next?.target?.values.url ?? '',
    live:
      live === null
        ? null
        : { ...side(live.target, recorded), since: live.since, asleep: live.asleep, condition: live.condition },
    next:
      next === null
        ? null
        : {
            ...(next.target === null ? NO_SIDE : side(next.target, recorded)),
            state: next.state,
            since: isoTime(next.seenAt),
            reason: reasonOf(next, recorded),
            release: next.release,
          },
  };
}

const NO_SIDE = { revision: null, artifact: null, config_commit: null, source_commit: null };

function side(target: Target, recorded: RecordedView) {
  return {
    revision: target.revision as string,
    artifact: { key: target.artifact as string, digest: recorded.artifacts.get(target.artifact)?.digest ?? null },
    config_commit: target.configCommit as string,
    source_commit: target.sourceCommit as string | null,
  };
}

/** Why something is where it is: its own reason, or what the build or the start that it waits for ran into. */
function reasonOf(next: NonNullable<RecordedDeployment['next']>, recorded: RecordedView): string | null {
  if (next.reason !== null) return withHint(next.reason, next.problem);
  if (next.target === null) return null;
  const { artifacts, instances } = recorded;
  const waitsFor =
    next.state === 'building'
      ? artifacts.get(next.target.artifact)
      : next.instance === null
        ? undefined
        : instances.get(next.instance);
  return waitsFor?.problem ? withHint(waitsFor.problem.message, waitsFor.problem) : null;
}

/** A reason, and what a person can do about it. */
function withHint(reason: string, problem: Problem | null): string {
  return problem?.hint ? `${reason}. ${problem.hint}` : reason;
}

function releaseOf(release: RecordedRelease, recorded: RecordedView): Status['releases'][number] {
  const { id, env, state, removalHash } = release;
  const rows = recorded.membersOf(id);
  const members = rows.map(({ app }) => app as string).sort();
  return { id, env, state, members, blocked_by: blockersOf(rows), removal_hash: removalHash };
}

function sourcesOf(recorded: RecordedView, facts: StatusFacts): Status['sources'] {
  const repos = new Set([facts.repo, ...recorded.repos.keys()]);
  return [...repos].sort().map((repo) => {
    const row = recorded.repos.get(repo);
    const asOf = facts.asOf(repo) ?? row?.listing?.asOf ?? null;
    const error = row?.error ?? null;
    return {
      repo,
      as_of: asOf === null ? null : isoTime(asOf),
      error: error === null ? null : { code: error.code, message: error.message, hint: error.hint },
    };
  });
}
