import type { Clock } from '../../model/clock.ts';
import type { ArtifactKey } from '../../model/ids.ts';
import type { Probe, ProbeResult } from '../engine.ts';
import type { FakeInstance, FakeWorld } from './fake-world.ts';

/** What a fake probe is made with besides its world and clock. */
export interface FakeProbeOptions {
  /** True: this probe says nothing until its signal aborts. */
  readonly hangs?: (url: string) => boolean;
}

const HEALTHY: ProbeResult = { healthy: true };

/** Probes instances of the world as their behaviour says. Static targets are healthy while their artifact exists, external ones always. */
export function fakeProbe(world: FakeWorld, clock: Clock, options: FakeProbeOptions = {}): Probe {
  return async (target, _check, signal) => {
    world.count('probe');
    world.settle(clock.now());
    const subject = target.kind === 'static' ? target.root : target.url;
    if (signal.aborted) return sick('the probe was cancelled');
    if (options.hangs?.(subject)) return hang(signal);
    if (target.kind === 'static') return staticHealth(world, target.root);
    const instance = world.findByUrl(target.url);
    // What is frozen accepts a connection, and says nothing.
    if (instance?.paused && !target.external) return hang(signal);
    return target.external ? HEALTHY : instanceHealth(instance, clock.now());
  };
}

function staticHealth(world: FakeWorld, root: string): ProbeResult {
  const key = root.slice(root.lastIndexOf('/') + 1) as ArtifactKey;
  return world.artifacts.has(key) ? HEALTHY : sick('its files are gone');
}

function instanceHealth(instance: FakeInstance | undefined, now: number): ProbeResult {
  if (!instance?.running) return sick('connection refused');
  instance.probes += 1;
  const { healthy = 'at-once' } = instance.behaviour;
  if (healthy === 'at-once') return HEALTHY;
  if (healthy === 'never') return sick('answered 500, expected 200');
  const ready =
    'afterProbes' in healthy ? instance.probes > healthy.afterProbes : now >= instance.startedAt + healthy.afterMs;
  return ready ? HEALTHY : sick('answered 503, expected 200');
}

function hang(signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(sick('no answer in time')), { once: true });
  });
}

function sick(reason: string): ProbeResult {
  return { healthy: false, reason };
}
