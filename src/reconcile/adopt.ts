import { canonicalJson } from '../model/canonical.ts';
import { observation } from '../model/cause.ts';
import type { ArtifactKey, InstanceId } from '../model/ids.ts';
import type { Engine, ListedInstance } from '../runtime/engine.ts';
import { audit, put } from '../store/changes.ts';
import { performEffect } from './boundaries.ts';
import type { Driver } from './driver.ts';
import type { Ports } from './ports.ts';
import { withDeadline } from './slots/deadline.ts';
import { keepRoute } from './transitions.ts';

/**
 * Compares what an engine has with what is recorded: what runs and is owned is adopted, what should run and does not is
 * repaired, what nobody owns is removed. At a start, and after events may have been lost.
 */
export async function adoptEngine(engine: Engine, ports: Ports, driver: Driver): Promise<void> {
  const ask = <T>(what: string, call: () => Promise<T>) => answered(engine, ports, what, call);
  const listed = await ask('list', () => engine.list());
  const artifacts = new Set(await ask('listArtifacts', () => engine.listArtifacts()));
  adoptInstances(engine, listed, ports, driver);
  await adoptArtifacts(engine, artifacts, ports, driver);
  await ports.reach('adopted');
  await removeOrphans(engine, listed, artifacts, ports);
}

function adoptInstances(engine: Engine, listed: readonly ListedInstance[], ports: Ports, driver: Driver): void {
  const states = new Map(listed.map((instance) => [instance.id, instance.state]));
  for (const row of [...ports.store.recorded.instances.values()]) {
    if (row.target.inputs.engine !== engine.name || row.state !== 'running') continue;
    const state = states.get(row.id);
    if (state?.state === 'running') adoptRoute(row.id, state.target, ports);
    else {
      const reason = state?.state === 'exited' ? state.reason : 'it is not there any more';
      driver.instanceEnded(row.id, {
        code: 'instance-exited',
        message: `instance ended: ${reason}`,
        hint: null,
        retry: 'after-interval',
      });
    }
  }
}

/** An instance that goes on may be reached elsewhere now. */
function adoptRoute(
  id: InstanceId,
  target: Extract<ListedInstance['state'], { state: 'running' }>['target'],
  ports: Ports,
): void {
  ports.store.transact((recorded, generation) => {
    const row = recorded.instances.get(id);
    if (row === undefined || canonicalJson(row.route) === canonicalJson(target)) return [];
    const deployment = recorded.deployment(row.env, row.app);
    const moved = put('instance', { ...row, route: target });
    if (deployment?.live?.instance !== id) return [moved];
    return [moved, ...keepRoute(deployment, deployment.live, target, { recorded, generation })];
  });
}

async function adoptArtifacts(
  engine: Engine,
  present: ReadonlySet<ArtifactKey>,
  ports: Ports,
  driver: Driver,
): Promise<void> {
  for (const row of [...ports.store.recorded.artifacts.values()]) {
    if (row.inputs.engine !== engine.name || row.state !== 'built' || present.has(row.key)) continue;
    if (!(await answered(engine, ports, 'hasArtifact', () => engine.hasArtifact(row.key))))
      driver.artifactLost(row.key);
  }
}

async function removeOrphans(
  engine: Engine,
  listed: readonly ListedInstance[],
  artifacts: ReadonlySet<ArtifactKey>,
  ports: Ports,
): Promise<void> {
  for (const { id } of listed) {
    await removeOrphan(
      { instance: id },
      () => !ports.store.recorded.instances.has(id),
      () => answered(engine, ports, 'remove', () => engine.remove(id)),
      ports,
    );
  }
  for (const key of artifacts) {
    await removeOrphan(
      { artifact: key },
      () => !ports.store.recorded.artifacts.has(key),
      () => answered(engine, ports, 'removeArtifact', () => engine.removeArtifact(key)),
      ports,
    );
  }
}

/** The answer of an engine, if it comes in time. */
function answered<T>(engine: Engine, ports: Ports, what: string, call: () => Promise<T>): Promise<T> {
  const late = { code: 'engine-failed', message: `engine "${engine.name}": no answer to ${what}` } as const;
  const { clock, limits } = ports;
  return withDeadline({ clock, ms: limits.startMs, signal: new AbortController().signal, late }, call);
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
