import type { LiveState, RecordedDeployment, RecordedInstance } from '../model/recorded.ts';
import type { RecordedView } from '../store/recorded.ts';
import { makesRoom, type Wait } from './progress.ts';
import { bedtimeOf, isResting, maySleep, sleepsOn, stopDue } from './sleep.ts';
import { isKeptForLog, isWanted, othersMayRun } from './transitions.ts';

const FOREVER: Wait = { do: 'wait', until: null };

/** What a slot of an instance can do. `doze`: ask whether it is still in use; `rouse`: back from the way to sleep; the others as they say. */
export interface InstanceAction {
  readonly do:
    | ('start' | 'retire' | 'drain' | 'stop' | 'revive' | 'reinstate' | 'discard' | 'remove')
    | ('doze' | 'rouse' | 'rest' | 'pause');
}
/** What an instance does next. */
export type InstanceStep = Wait | InstanceAction;

/** What is known of an instance besides what is recorded. */
export interface Known {
  /** Until when it was in use, by what gateways told, in milliseconds since the epoch. */
  readonly usedAt: (row: RecordedInstance) => number;
  /** Whether its engine can pause it. */
  readonly canPause: (row: RecordedInstance) => boolean;
}

const NOTHING_KNOWN: Known = { usedAt: () => 0, canPause: () => false };

/** The next step of an instance, from what is recorded and what else is known of it. */
export function nextOfInstance(
  row: RecordedInstance,
  recorded: RecordedView,
  at: number,
  known: Known = NOTHING_KNOWN,
): InstanceStep {
  const deployment = recorded.deployment(row.env, row.app);
  const live = deployment?.live?.instance === row.id ? deployment.live : null;
  switch (row.state) {
    case 'starting':
      // What is live comes back, and is not to any more: its replacement can be started now.
      if (!isWanted(row.id, deployment) || (live !== null && makesRoom(deployment, recorded))) return { do: 'retire' };
      if (row.problem?.retry === 'needs-human' && row.retryAt === null) return FOREVER;
      if (row.retryAt !== null && row.retryAt > at) return { do: 'wait', until: row.retryAt };
      return artifactReady(row, recorded) ? { do: 'start' } : FOREVER;
    case 'running':
      if (!isWanted(row.id, deployment)) return { do: 'retire' };
      return live === null ? nextOfVerified(deployment) : nextOfLive(row, live, deployment, { recorded, at, known });
    case 'draining':
      return live?.asleep === true && live.waking ? { do: 'rouse' } : { do: 'drain' };
    case 'pausing':
      return { do: 'pause' };
    case 'paused':
      return live === null ? { do: 'retire' } : nextOfPaused(row, live, deployment, { recorded, at });
    case 'stopping':
      return { do: 'stop' };
    case 'stopped':
      return live === null ? nextOfKept(row, deployment) : nextOfStopped(row, live, deployment, recorded);
    case 'removing':
      return { do: 'remove' };
  }
}

/** What is verified before its switch runs on, unless its predecessor is asleep: then it waits stopped for the others of its release. */
function nextOfVerified(deployment: RecordedDeployment | undefined): InstanceStep {
  return deployment?.next?.release != null && isRested(deployment) ? { do: 'rest' } : FOREVER;
}

interface Moment {
  readonly recorded: RecordedView;
  readonly at: number;
  readonly known: Known;
}

function nextOfLive(
  row: RecordedInstance,
  live: LiveState,
  deployment: RecordedDeployment | undefined,
  { recorded, at, known }: Moment,
): InstanceStep {
  if (live.suspended) return makesRoom(deployment, recorded) ? { do: 'retire' } : { do: 'reinstate' };
  if (live.asleep) return live.waking ? { do: 'reinstate' } : { do: 'rest' };
  // It ended by itself and was started again.
  if (live.condition !== null) return { do: 'reinstate' };
  const bedtime = bedtimeOf(live.target.policy.idle, known.canPause(row));
  if (bedtime === null) return FOREVER;
  // What has just gone live is given its time as well.
  const due = Math.max(known.usedAt(row), Date.parse(live.since)) + bedtime.afterMs;
  return due <= at ? { do: 'doze' } : { do: 'wait', until: due };
}

/** What is paused goes on when somebody asks for it, and is stopped once nobody has for long enough. */
function nextOfPaused(
  row: RecordedInstance,
  live: LiveState,
  deployment: RecordedDeployment | undefined,
  { recorded, at }: Omit<Moment, 'known'>,
): InstanceStep {
  if (live.suspended) {
    if (makesRoom(deployment, recorded)) return { do: 'retire' };
    return isResting(live) ? { do: 'reinstate' } : { do: 'revive' };
  }
  const { idle } = live.target.policy;
  if (!isResting(live) || !maySleep(idle)) return { do: 'revive' };
  const due = stopDue(row, idle);
  return due !== null && due <= at ? { do: 'rest' } : { do: 'wait', until: due };
}

/** What is live and stopped made room for its replacement, or is asleep. */
function nextOfStopped(
  row: RecordedInstance,
  live: LiveState,
  deployment: RecordedDeployment | undefined,
  recorded: RecordedView,
): InstanceStep {
  if (live.suspended) {
    if (makesRoom(deployment, recorded) || othersMayRun(row, row.id, recorded)) return FOREVER;
    return isResting(live) ? { do: 'reinstate' } : { do: 'revive' };
  }
  const isToStay = isResting(live) && maySleep(live.target.policy.idle);
  return isToStay ? FOREVER : { do: 'revive' };
}

function nextOfKept(row: RecordedInstance, deployment: RecordedDeployment | undefined): InstanceStep {
  if (isKeptForLog(row.id, deployment)) return FOREVER;
  if (deployment?.next?.instance !== row.id) return { do: 'discard' };
  // Its predecessor was woken meanwhile, or it is to be verified anew.
  return isRested(deployment) ? FOREVER : { do: 'revive' };
}

/** Whether what was verified has nothing to do but to wait, and need not run for that. */
function isRested(deployment: RecordedDeployment): boolean {
  const state = deployment.next?.state;
  return state === 'held' || (state === 'ready' && sleepsOn(deployment));
}

function artifactReady(row: RecordedInstance, recorded: RecordedView): boolean {
  return recorded.artifacts.get(row.target.artifact)?.state === 'built';
}
