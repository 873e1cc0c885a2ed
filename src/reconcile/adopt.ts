import { isSameJson } from '../model/canonical.ts';
import { observation } from '../model/cause.ts';
import type { Problem } from '../model/errors.ts';
import type { ArtifactKey, InstanceId } from '../model/ids.ts';
import type { RecordedInstance } from '../model/recorded.ts';
import type { RouteTarget } from '../model/routing.ts';
import type { Engine, InstanceState, ListedInstance } from '../runtime/engine.ts';
import { audit, put } from '../store/changes.ts';
import type { RecordedView } from '../store/recorded.ts';
import { performEffect } from './boundaries.ts';
import type { Driver } from './driver.ts';
import type { Ports } from './ports.ts';
import { withDeadline } from './slots/deadline.ts';
import { keepRoute } from './transitions.ts';

/** How many instances are compared before others have their turn. */
const INSTANCES_PER_SLICE = 250;

/**
 * Compares what an engine has with what is recorded: what runs and is owned is adopted, what should run and does not is
 * repaired, what nobody owns is removed. At a start, and after events may have been lost.
 */
export async function adoptEngine(engine: Engine, ports: Ports, driver: Driver, signal: AbortSignal): Promise<void> {
  const adoption: Adoption = { engine, ports, driver, signal, before: recordedBefore(engine, ports.store.recorded) };
  const listed = await ask(adoption, 'list', () => engine.list());
  const artifacts = new Set(await ask(adoption, 'listArtifacts', () => engine.listArtifacts()));
  await adoptInstances(adoption, listed);
  await adoptArtifacts(adoption, artifacts);
  await ports.reach('adopted');
  await removeOrphans(adoption, listed, artifacts);
}

interface Adoption {
  readonly engine: Engine;
  readonly ports: Ports;
  readonly driver: Driver;
  readonly signal: AbortSignal;
  readonly before: RecordedBefore;
}

/**
 * What was recorded before the engine was asked. Its answer is judged by that alone: what was started or removed while it
 * answered may or may not be in it.
 */
interface RecordedBefore {
  /** Those that ran or were paused, and when they were started. */
  readonly up: ReadonlyMap<InstanceId, Pick<RecordedInstance, 'state' | 'startedAt'>>;
  readonly instances: ReadonlySet<string>;
  readonly artifacts: ReadonlySet<string>;
}

function recordedBefore(engine: Engine, recorded: RecordedView): RecordedBefore {
  const ran = [...recorded.instances.values()].filter(
    ({ state, target }) => (state === 'running' || state === 'paused') && target.inputs.engine === engine.name,
  );
  return {
    up: new Map(ran.map(({ id, state, startedAt }) => [id, { state, startedAt }])),
    instances: new Set(recorded.instances.keys()),
    artifacts: new Set(recorded.artifacts.keys()),
  };
}

async function adoptInstances({ ports, driver, before }: Adoption, listed: readonly ListedInstance[]): Promise<void> {
  const states = new Map(listed.map((instance) => [instance.id, instance.state]));
  let compared = 0;
  for (const [id, was] of before.up) {
    compared += 1;
    if (compared % INSTANCES_PER_SLICE === 0) await ports.yieldTurn();
    const row = ports.store.recorded.instances.get(id);
    if (row === undefined || row.state !== was.state || row.startedAt !== was.startedAt) continue;
    compareInstance(row, states.get(id), ports, driver);
  }
}

/** What goes on as recorded is adopted; what was paused or resumed by hand, or has ended, is repaired. */
function compareInstance(row: RecordedInstance, seen: InstanceState | undefined, ports: Ports, driver: Driver): void {
  if (seen?.state === 'running' || seen?.state === 'paused') {
    if (seen.state === row.state) adoptRoute(row.id, seen.target, ports);
    else if (seen.state === 'paused') driver.instanceEnded(row.id, PAUSED_BY_HAND);
    else driver.instanceResumed(row.id);
  } else driver.instanceEnded(row.id, endOf(seen));
}

const PAUSED_BY_HAND: Problem = {
  code: 'instance-changed',
  message: 'it was paused by hand',
  hint: null,
  retry: 'after-interval',
};

function endOf(state: InstanceState | undefined): Problem {
  const reason = state?.state === 'exited' ? state.reason : 'it is not there any more';
  return {
    code: 'instance-exited',
    message: `instance ended: ${reason}`,
    hint: null,
    retry: 'after-interval',
  };
}

/** An instance that goes on may be reached elsewhere now. */
function adoptRoute(id: InstanceId, target: RouteTarget, ports: Ports): void {
  ports.store.transact((recorded, generation) => {
    const row = recorded.instances.get(id);
    if (row === undefined || isSameJson(row.route, target)) return [];
    const deployment = recorded.deployment(row.env, row.app);
    const moved = put('instance', { ...row, route: target });
    if (deployment?.live?.instance !== id) return [moved];
    return [moved, ...keepRoute(deployment, deployment.live, target, { recorded, generation })];
  });
}

async function adoptArtifacts(adoption: Adoption, present: ReadonlySet<ArtifactKey>): Promise<void> {
  const { engine, ports, driver } = adoption;
  for (const row of [...ports.store.recorded.artifacts.values()]) {
    if (row.inputs.engine !== engine.name || row.state !== 'built' || present.has(row.key)) continue;
    if (!(await ask(adoption, 'hasArtifact', () => engine.hasArtifact(row.key)))) driver.artifactLost(row.key);
  }
}

async function removeOrphans(
  adoption: Adoption,
  listed: readonly ListedInstance[],
  artifacts: ReadonlySet<ArtifactKey>,
): Promise<void> {
  const { engine, ports, before } = adoption;
  const { recorded } = ports.store;
  for (const { id } of listed) {
    const isOrphan = () => !before.instances.has(id) && !recorded.instances.has(id);
    const remove = () => ask(adoption, 'remove', () => engine.remove(id));
    await removeOrphan({ instance: id }, isOrphan, remove, ports);
  }
  for (const key of artifacts) {
    const isOrphan = () => !before.artifacts.has(key) && !recorded.artifacts.has(key);
    const remove = () => ask(adoption, 'removeArtifact', () => engine.removeArtifact(key));
    await removeOrphan({ artifact: key }, isOrphan, remove, ports);
  }
}

/** The answer of the engine, if it comes in time. */
function ask<T>({ engine, ports, signal }: Adoption, what: string, call: () => Promise<T>): Promise<T> {
  const late = { code: 'engine-failed', message: `engine "${engine.name}": no answer to ${what}` } as const;
  return withDeadline({ clock: ports.clock, ms: ports.limits.startMs, signal, late }, call);
}

async function removeOrphan(
  detail: Record<string, string>,
  isOrphan: () => boolean,
  remove: () => Promise<void>,
  ports: Ports,
): Promise<void> {
  if (!isOrphan()) return;
  await performEffect(ports.reach, 'orphan', {
    intent: isOrphan,
    effect: remove,
    commit: () => {
      const cause = observation('no row owns it');
      ports.store.transact(() => [audit({ kind: 'orphan.removed', env: null, app: null, cause, detail })]);
    },
  });
}
