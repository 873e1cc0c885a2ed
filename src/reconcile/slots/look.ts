import type { Policy } from '../../model/desired.ts';
import { MainspringError } from '../../model/errors.ts';
import type { RecordedInstance } from '../../model/recorded.ts';
import type { RouteTarget } from '../../model/routing.ts';
import type { ProbeResult } from '../../runtime/engine.ts';
import type { Ports } from '../ports.ts';
import { withDeadline } from './deadline.ts';

/** Whether an instance answers as its policy asks for, now: its health path, then what `verify` names. */
export async function lookAt(
  route: RouteTarget,
  { health, host, verify }: Policy,
  { clock, limits, probe }: Pick<Ports, 'clock' | 'limits' | 'probe'>,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const late = { code: 'timed-out', message: `no answer within ${limits.probeMs / 1000}s` } as const;
  const paths = Array.isArray(verify) ? (verify as readonly string[]) : [];
  const checks = [
    { path: health.path, expect: health.expect, host },
    ...paths.map((path) => ({ path, expect: null, host })),
  ];
  for (const check of checks) {
    const result = await withDeadline({ clock, ms: limits.probeMs, signal, late }, (limited) =>
      probe(route, check, limited),
    ).catch((error: unknown) => {
      if (error instanceof MainspringError) return { healthy: false, reason: error.message } as const;
      throw error;
    });
    if (!result.healthy) return result;
  }
  return { healthy: true };
}

/** Shorter pauses would only take time from what starts. */
const SHORTEST_MS = 2;

/** How long to wait before the next look: briefly while the instance is young, the declared interval at most, and never past the deadline. */
export function lookPauseMs(
  instance: RecordedInstance,
  intervalMs: number,
  deadline: number | null,
  at: number,
): number {
  const age = at - (instance.startedAt ?? at);
  const pause = Math.min(intervalMs, Math.max(SHORTEST_MS, age / 32));
  return deadline === null ? pause : Math.max(1, Math.min(pause, deadline - at));
}
