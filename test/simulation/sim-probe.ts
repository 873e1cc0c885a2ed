import type { RouteTarget } from '../../src/model/routing.ts';
import type { InstanceRequest, Probe, ProbeResult } from '../../src/runtime/engine.ts';
import { fakeProbe } from '../../src/runtime/fake/fake-probe.ts';
import type { MortalClock } from './sim-clock.ts';
import type { SimWorld } from './sim-world.ts';

/** Long enough for a push to be seen and accepted, and no longer than a probe may take. */
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
    const process = processAt(world, target);
    const behaviour = process === undefined ? 'ok' : world.behaviourOf(process.artifact.key);
    const isStuck = world.stuck?.method === 'probe' && process?.app === world.stuck.app;
    if (fault === 'hang' || isStuck || behaviour === 'mute') await wait(86_400_000, signal);
    const usualMs = world.random(3) === 0 ? world.random(400) : world.random(8);
    const isInterrupted = process !== undefined && world.interrupts('probe', process.app);
    const ms = isInterrupted ? INTERRUPTED_MS : typeof fault === 'object' ? fault.delayMs : usualMs;
    if (!(await wait(ms, signal))) return NO_ANSWER;
    const result = await look(target, check, signal);
    if (fault === 'fail-before' || fault === 'fail-after') return { healthy: false, reason: 'the connection broke' };
    if (behaviour === 'shallow' && check.path !== '/') return { healthy: false, reason: 'answered 404, expected 200' };
    if (result.healthy) world.judge.onHealthy(target, check.path);
    return result;
  };
}

/** The process that is looked at. Files and addresses elsewhere just answer. */
function processAt(world: SimWorld, target: RouteTarget): InstanceRequest | undefined {
  return target.kind === 'http' && !target.external ? world.engine.findByUrl(target.url)?.request : undefined;
}
