import type { InstanceId } from '../../src/model/ids.ts';
import type { RouteTarget } from '../../src/model/routing.ts';
import type { Probe, ProbeResult } from '../../src/runtime/engine.ts';
import { fakeProbe } from '../../src/runtime/fake/fake-probe.ts';
import type { Behaviour } from './events.ts';
import type { MortalClock } from './sim-clock.ts';
import type { SimWorld } from './sim-world.ts';

/** Long enough for a push to be seen and accepted. */
const INTERRUPTED_MS = 2_500;

const NO_ANSWER: ProbeResult = { healthy: false, reason: 'no answer' };

/** Looks at an instance of the world as one life of the controller does: it takes a while, may fail, and code may answer at one path only. */
export function simProbe(world: SimWorld, clock: MortalClock): Probe {
  const look = fakeProbe(world.engine, clock);
  const wait = (ms: number, signal: AbortSignal) =>
    clock.sleep(ms, signal).then(
      () => true,
      () => false,
    );
  return async (target, check, signal) => {
    const fault = world.faults.take('probe');
    const ids = instancesAt(world, target);
    const behaviours = ids.map((id) => behaviourOf(world, id));
    if (fault === 'hang' || ids.some((id) => isStuck(world, id)) || behaviours.includes('mute'))
      await wait(86_400_000, signal);
    const usualMs = world.random(3) === 0 ? world.random(400) : world.random(8);
    const ms = interrupted(world, ids) ? INTERRUPTED_MS : typeof fault === 'object' ? fault.delayMs : usualMs;
    if (!(await wait(ms, signal))) return NO_ANSWER;
    const result = await look(target, check, signal);
    if (fault === 'fail-before' || fault === 'fail-after') return { healthy: false, reason: 'the connection broke' };
    if (behaviours.includes('shallow') && check.path !== '/')
      return { healthy: false, reason: 'answered 404, expected 200' };
    if (result.healthy) for (const id of ids) world.judge.onHealthy(id, check.path);
    return result;
  };
}

/** Whether somebody waited for this probe, to do something while it is under way. */
function interrupted(world: SimWorld, ids: readonly InstanceId[]): boolean {
  const { atProbe } = world;
  const instance = ids.map((id) => world.engine.instances.get(id)).find((found) => found?.engine === 'process');
  if (atProbe === null || instance === undefined) return false;
  world.atProbe = null;
  atProbe(instance.request.app);
  return true;
}

/** Files and addresses elsewhere just answer. */
function behaviourOf(world: SimWorld, id: InstanceId): Behaviour {
  const instance = world.engine.instances.get(id);
  return instance?.engine === 'process' ? world.behaviourOf(instance.request.artifact.key) : 'ok';
}

function isStuck(world: SimWorld, id: InstanceId): boolean {
  return world.stuck?.method === 'probe' && world.engine.instances.get(id)?.request.app === world.stuck.app;
}

/** The instances that a target leads to: several, where files or an address are shared. */
function instancesAt(world: SimWorld, target: RouteTarget): InstanceId[] {
  const address = (of: RouteTarget) => (of.kind === 'static' ? of.root : of.url);
  return [...world.engine.instances].flatMap(([id, instance]) => {
    const state = world.engine.stateOf(instance);
    return state.state === 'running' && address(state.target) === address(target) ? id : [];
  });
}
