import type { Problem } from '../model/errors.ts';
import type {
  NextState,
  RecordedArtifact,
  RecordedDeployment,
  RecordedInstance,
  RetainedData,
} from '../model/recorded.ts';
import type { RecordedView } from '../store/recorded.ts';
import { isKeptForLog, isWanted } from './transitions.ts';

/** Nothing to do before `until` (null: until something changes). */
export interface Wait {
  readonly do: 'wait';
  readonly until: number | null;
}

const FOREVER: Wait = { do: 'wait', until: null };

/** What a slot of a deployment can do. `require`: an artifact; `begin`: an instance row; the others as they say. */
export type DeploymentAction =
  | { readonly do: 'require' | 'begin' | 'verify' | 'probe' | 'ready' | 'switch' | 'unroute' | 'retire' }
  | { readonly do: 'quarantine'; readonly problem: Problem };
/** What a deployment does next. */
export type DeploymentStep = Wait | DeploymentAction;

/** The next step of a deployment, from what is recorded alone. */
export function nextOfDeployment(row: RecordedDeployment, recorded: RecordedView, at: number): DeploymentStep {
  const { next } = row;
  if (next === null) return FOREVER;
  switch (next.state) {
    case 'held':
    case 'quarantined':
      return FOREVER;
    case 'removing':
      return nextOfRemoval(row, recorded);
    case 'waiting':
    case 'building':
      return next.target === null ? FOREVER : nextOfBuild(row, next, recorded, at);
    case 'starting':
    case 'verifying':
      return nextOfVerification(next, recorded, at);
    case 'ready':
      return runs(next, recorded) ? { do: 'switch' } : { do: 'verify' };
  }
}

function nextOfRemoval(row: RecordedDeployment, recorded: RecordedView): DeploymentStep {
  if (row.live !== null) return { do: 'unroute' };
  return recorded.instancesOf(row.env, row.app).length > 0 ? FOREVER : { do: 'retire' };
}

function nextOfBuild(row: RecordedDeployment, next: NextState, recorded: RecordedView, at: number): DeploymentStep {
  if (next.retryAt !== null && next.retryAt > at) return { do: 'wait', until: next.retryAt };
  // Data of this name is being removed: the new app must not find half of it.
  if (recorded.retained.get(row.dataName)?.state === 'removing') return FOREVER;
  const artifact = next.target === null ? undefined : recorded.artifacts.get(next.target.artifact);
  if (artifact === undefined) return { do: 'require' };
  switch (artifact.state) {
    case 'built':
      return { do: 'begin' };
    case 'failed':
      return { do: 'quarantine', problem: artifact.problem ?? unknownFailure(artifact.key) };
    case 'building':
      return next.state === 'waiting' ? { do: 'require' } : FOREVER;
    case 'removing':
      return FOREVER;
  }
}

function unknownFailure(key: string): Problem {
  return {
    code: 'build-failed',
    message: `artifact ${key.slice(0, 12)}: the build failed`,
    hint: null,
    retry: 'needs-human',
  };
}

function nextOfVerification(next: NextState, recorded: RecordedView, at: number): DeploymentStep {
  const instance = next.instance === null ? undefined : recorded.instances.get(next.instance);
  if (instance === undefined) return { do: 'begin' };
  if (instance.problem?.retry === 'needs-human') return { do: 'quarantine', problem: instance.problem };
  if (instance.state === 'running') return verification(next, at);
  // One that ended was started: its time counts from then, or it would be started again for ever.
  if (next.deadline === null && instance.problem?.code === 'instance-exited') return { do: 'verify' };
  if (next.deadline !== null && at >= next.deadline)
    return { do: 'quarantine', problem: instance.problem ?? neverHealthy(next, next.reason) };
  return { do: 'wait', until: next.deadline };
}

function verification(next: NextState, at: number): DeploymentStep {
  if (next.state === 'starting' || next.deadline === null) return { do: 'verify' };
  if (next.target?.policy.verify === false) return { do: 'ready' };
  if (next.retryAt !== null && next.retryAt > at) return { do: 'wait', until: next.retryAt };
  return { do: 'probe' };
}

/** What a deployment is told that was not healthy in time. */
export function neverHealthy(next: NextState, reason: string | null): Problem {
  const health = next.target?.policy.health;
  const message = `health ${health?.path ?? '/'}: not ${health?.expect ?? 200} within ${Math.round((health?.timeoutMs ?? 0) / 1000)}s${reason === null ? '' : ` (last: ${reason})`}`;
  return {
    code: 'health-timeout',
    message,
    hint: 'See "mainspring logs APP"; then push a fix, or change health in the declaration.',
    retry: 'needs-human',
  };
}

function runs(next: NextState, recorded: RecordedView): boolean {
  return next.instance !== null && recorded.instances.get(next.instance)?.state === 'running';
}

/** What a slot of an instance can do. */
export interface InstanceAction {
  readonly do: 'start' | 'retire' | 'drain' | 'stop' | 'discard' | 'remove';
}
/** What an instance does next. */
export type InstanceStep = Wait | InstanceAction;

/** The next step of an instance, from what is recorded alone. */
export function nextOfInstance(row: RecordedInstance, recorded: RecordedView, at: number): InstanceStep {
  const deployment = recorded.deployment(row.env, row.app);
  const wanted = isWanted(row.id, deployment);
  switch (row.state) {
    case 'starting':
      if (!wanted) return { do: 'retire' };
      if (row.problem?.retry === 'needs-human' && row.retryAt === null) return FOREVER;
      if (row.retryAt !== null && row.retryAt > at) return { do: 'wait', until: row.retryAt };
      return artifactReady(row, recorded) ? { do: 'start' } : FOREVER;
    case 'running':
      return wanted ? FOREVER : { do: 'retire' };
    case 'draining':
      return { do: 'drain' };
    case 'stopping':
      return { do: 'stop' };
    case 'stopped':
      return isKeptForLog(row.id, deployment) ? FOREVER : { do: 'discard' };
    case 'removing':
      return { do: 'remove' };
  }
}

function artifactReady(row: RecordedInstance, recorded: RecordedView): boolean {
  return recorded.artifacts.get(row.target.artifact)?.state === 'built';
}

/** What a slot of an artifact can do. */
export interface ArtifactAction {
  readonly do: 'build' | 'abandon' | 'collect';
}
/** What an artifact does next. */
export type ArtifactStep = Wait | ArtifactAction;

/** The next step of an artifact: built while something refers to it, kept for `retainMs` after, then collected. */
export function nextOfArtifact(
  row: RecordedArtifact,
  recorded: RecordedView,
  at: number,
  retainMs: number,
): ArtifactStep {
  if (row.state === 'removing') return { do: 'collect' };
  const used = recorded.isUsed(row.key);
  if (row.state === 'building') {
    if (!used) return { do: 'abandon' };
    return row.retryAt !== null && row.retryAt > at ? { do: 'wait', until: row.retryAt } : { do: 'build' };
  }
  if (used) return FOREVER;
  const until = row.usedAt + retainMs;
  return until > at ? { do: 'wait', until } : { do: 'abandon' };
}

/** What a slot of retained data can do. */
export interface RetainedAction {
  readonly do: 'expire' | 'purge';
}
/** What retained data does next. */
export type RetainedStep = Wait | RetainedAction;

/** The next step of retained data: removed when its time is over. */
export function nextOfRetained(row: RetainedData, at: number): RetainedStep {
  if (row.state === 'removing') return { do: 'purge' };
  return row.until > at ? { do: 'wait', until: row.until } : { do: 'expire' };
}
