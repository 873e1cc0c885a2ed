import type { Problem } from '../model/errors.ts';
import type {
  NextState,
  RecordedArtifact,
  RecordedDeployment,
  RecordedRelease,
  RetainedData,
} from '../model/recorded.ts';
import type { RecordedView } from '../store/recorded.ts';
import { standsBy } from './sleep.ts';
import { isPolicyOnly, othersMayRun } from './transitions.ts';

/** Nothing to do before `until` (null: until something changes). */
export interface Wait {
  readonly do: 'wait';
  readonly until: number | null;
}

const FOREVER: Wait = { do: 'wait', until: null };

/** What a slot of a deployment can do. `require`: an artifact; `begin`: an instance row; the others as they say. */
export type DeploymentAction =
  | {
      readonly do:
        | ('require' | 'suspend' | 'begin' | 'verify' | 'probe' | 'ready')
        | ('switch' | 'unroute' | 'retire' | 'resume');
    }
  | { readonly do: 'quarantine' | 'hold'; readonly problem: Problem };
/** What a deployment does next. */
export type DeploymentStep = Wait | DeploymentAction;

/** The next step of a deployment, from what is recorded alone. */
export function nextOfDeployment(row: RecordedDeployment, recorded: RecordedView, at: number): DeploymentStep {
  const { next } = row;
  if (next === null) return FOREVER;
  switch (next.state) {
    case 'held':
      return nextOfHeld(row, next, recorded);
    case 'quarantined':
      return FOREVER;
    case 'removing':
      return nextOfRemoval(row, next, recorded);
    case 'waiting':
    case 'building':
      return next.target === null ? FOREVER : nextOfBuild(row, next, recorded, at);
    case 'starting':
    case 'verifying':
      return nextOfVerification(next, recorded, at);
    case 'ready':
      return nextOfReady(row, next, recorded);
  }
}

function nextOfReady(row: RecordedDeployment, next: NextState, recorded: RecordedView): DeploymentStep {
  if (!isPolicyOnly(row) && !isUp(row, next, recorded)) return { do: 'verify' };
  // The others of a release are waited for; its own slot switches them all.
  return next.release === null ? { do: 'switch' } : FOREVER;
}

/** What waits for a promotion goes on once its stage is mended; whatever else is held waits for git. */
function nextOfHeld(row: RecordedDeployment, next: NextState, recorded: RecordedView): DeploymentStep {
  if (next.problem?.code !== 'stage-failed') return FOREVER;
  return stageOf(row, next, recorded).verdict === 'failed' ? FOREVER : { do: 'resume' };
}

function nextOfRemoval(row: RecordedDeployment, next: NextState, recorded: RecordedView): DeploymentStep {
  if (next.release !== null) return FOREVER;
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
      return nextOfBuilt(row, next, recorded);
    case 'failed':
      return { do: 'quarantine', problem: artifact.problem ?? unknownFailure(artifact.key) };
    case 'building':
      return next.state === 'waiting' ? { do: 'require' } : FOREVER;
    case 'removing':
      return FOREVER;
  }
}

/** What is built is started, once its stage runs the same; one that has to run alone, once what is live is stopped. */
function nextOfBuilt(row: RecordedDeployment, next: NextState, recorded: RecordedView): DeploymentStep {
  const stage = stageOf(row, next, recorded);
  if (stage.verdict === 'failed') return { do: 'hold', problem: stage.problem };
  if (stage.verdict === 'pending') return FOREVER;
  if (next.target?.policy.strategy !== 'replace') return { do: 'begin' };
  // What is live is down by then, and so is whatever was on its way before.
  if (row.live === null || row.live.suspended) return othersMayRun(row, null, recorded) ? FOREVER : { do: 'begin' };
  // In a release, all others are waited for first: the slot of the release sees to it.
  return next.release === null ? { do: 'suspend' } : FOREVER;
}

type StageVerdict =
  | { readonly verdict: 'passed' | 'pending' }
  | { readonly verdict: 'failed'; readonly problem: Problem };

/** Whether the environment that comes first runs the same revision. */
function stageOf(row: RecordedDeployment, next: NextState, recorded: RecordedView): StageVerdict {
  const before = next.target?.policy.after ?? null;
  if (before === null) return { verdict: 'passed' };
  const stage = recorded.deployment(before, row.app);
  if (stage?.live?.target.revision === next.target?.revision) return { verdict: 'passed' };
  const stuck = stage?.next?.state === 'held' || stage?.next?.state === 'quarantined' ? stage.next : null;
  if (stuck === null) return { verdict: 'pending' };
  const message = `not promoted: in ${before} it is ${stuck.state}${stuck.reason === null ? '' : ` (${stuck.reason})`}`;
  const hint = stuck.problem?.hint ?? 'Push a fix, or revert the change.';
  return { verdict: 'failed', problem: { code: 'stage-failed', message, hint, retry: 'needs-human' } };
}

/** Whether the live instance makes room for the one that takes its place, and is to stay down until that is decided. */
export function makesRoom(row: RecordedDeployment | undefined, recorded: RecordedView): boolean {
  const next = row?.next ?? null;
  if (row?.live?.suspended !== true || next?.target?.policy.strategy !== 'replace') return false;
  if (next.state === 'held' || next.state === 'quarantined') return false;
  return next.instance === null ? canRunAlone(row, recorded) : next.instance !== row.live.instance;
}

/** Whether what has to run alone could be started, were it not for what is live. */
function canRunAlone(member: RecordedDeployment, recorded: RecordedView): boolean {
  const { next } = member;
  if (next?.target == null || recorded.artifacts.get(next.target.artifact)?.state !== 'built') return false;
  return stageOf(member, next, recorded).verdict === 'passed';
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
export function neverHealthy(next: NextState, reason: string | null, advice: string | null = null): Problem {
  const health = next.target?.policy.health;
  const message = `health ${health?.path ?? '/'}: not ${health?.expect ?? 200} within ${Math.round((health?.timeoutMs ?? 0) / 1000)}s${reason === null ? '' : ` (last: ${reason})`}`;
  return {
    code: 'health-timeout',
    message: advice === null ? message : `${message}; ${advice}`,
    hint: 'See "mainspring logs APP"; then push a fix, or change health in the declaration.',
    retry: 'needs-human',
  };
}

/** Whether what is next runs, or was verified and sleeps like its predecessor. */
function isUp(row: RecordedDeployment, next: NextState, recorded: RecordedView): boolean {
  const instance = next.instance === null ? undefined : recorded.instances.get(next.instance);
  return instance?.state === 'running' || (instance !== undefined && standsBy(row, next, instance));
}

/** What a slot of an artifact can do. */
export interface ArtifactAction {
  readonly do: 'build' | 'abandon' | 'collect';
}
/** What an artifact does next. */
export type ArtifactStep = Wait | ArtifactAction;

/** The next step of an artifact: built while something needs it, kept while going back may and for `retainMs` after, then collected. */
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
  if (used || recorded.isKept(row.key)) return FOREVER;
  const until = row.usedAt + retainMs;
  return until > at ? { do: 'wait', until } : { do: 'abandon' };
}

/** What a slot of a release can do. */
export interface ReleaseAction {
  readonly do: 'hold' | 'resume' | 'suspend' | 'switch';
}
/** What a release does next. */
export type ReleaseStep = Wait | ReleaseAction;

/** The next step of a release: it switches once every member can, and is held for as long as one of them is stuck. */
export function nextOfRelease(row: RecordedRelease, recorded: RecordedView): ReleaseStep {
  if (row.state === 'forming') return FOREVER;
  const { ready, stuck, held, alone, going } = recorded.tallyOf(row.id);
  if (stuck > 0) return ready + alone > 0 || row.state !== 'held' ? { do: 'hold' } : FOREVER;
  if (row.state === 'held' || held > 0) return { do: 'resume' };
  if (going > 0 || ready + alone === 0) return FOREVER;
  const members = recorded.membersOf(row.id);
  if (alone > 0)
    return members.every((member) => isWaiting(member) || canRunAlone(member, recorded)) ? { do: 'suspend' } : FOREVER;
  return members.every((member) => canSwitch(member, recorded)) ? { do: 'switch' } : FOREVER;
}

function isWaiting({ next }: RecordedDeployment): boolean {
  return next?.state === 'ready' || next?.state === 'removing';
}

function canSwitch(member: RecordedDeployment, recorded: RecordedView): boolean {
  const { next } = member;
  if (next?.state === 'removing') return true;
  return next?.state === 'ready' && (isPolicyOnly(member) || isUp(member, next, recorded));
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
