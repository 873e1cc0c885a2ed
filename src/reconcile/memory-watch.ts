import { observation } from '../model/cause.ts';
import type { RecordedInstance } from '../model/recorded.ts';
import type { Driver } from './driver.ts';
import type { Ports } from './ports.ts';
import { isResting, maySleep } from './sleep.ts';

/** How often is looked at the memory. */
const LOOK_MS = 5_000;

/** How many give theirs back before it is looked at again: what they free shows only then. */
const MOST_AT_ONCE = 4;

/** How many of those that run the gateways are asked about. */
const MOST_ASKED = 32;

/** What was used within this time is in use. */
export const PRESSED_IDLE_MS = 60_000;

/**
 * Has those that nobody uses give their memory back before their time, while less of it is free than the settings want: the longest idle
 * first, those that are paused before those that run. What never sleeps stays. Ends when the signal aborts.
 */
export async function watchMemory(ports: Ports, driver: Driver, signal: AbortSignal): Promise<void> {
  const limit = ports.settings.engines.memoryPressure;
  while (limit !== null && !signal.aborted) {
    await ports.clock.sleep(LOOK_MS, signal).catch(() => {});
    if (signal.aborted) return;
    try {
      const share = await ports.memory();
      if (share !== null && share > limit) await relieve(share, { ports, driver, signal });
    } catch (error) {
      if (!signal.aborted) ports.log.warn(`memory: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

interface Relief {
  readonly ports: Ports;
  readonly driver: Driver;
  readonly signal: AbortSignal;
}

async function relieve(share: number, { ports, driver, signal }: Relief): Promise<void> {
  const cause = observation(`memory is short: ${Math.round(share * 100)}% of it is in use`);
  await ports.reach('relieving');
  const paused = pausedRows(ports).slice(0, MOST_AT_ONCE);
  for (const { id } of paused) driver.stopPaused(id, cause);
  if (paused.length > 0) return;
  await driver.restIdle(
    runningRows(ports)
      .slice(0, MOST_ASKED)
      .map(({ id }) => id),
    { most: MOST_AT_ONCE, how: 'stop', afterMs: PRESSED_IDLE_MS, cause },
    signal,
  );
}

/** Those that are paused and that nobody asks for, the longest idle first. */
function pausedRows({ store: { recorded } }: Ports): RecordedInstance[] {
  const idleSince = (row: RecordedInstance) => row.idleSince ?? 0;
  return [...recorded.instances.values()]
    .filter((row) => row.state === 'paused' && isResting(recorded.deployment(row.env, row.app)?.live))
    .sort((a, b) => idleSince(a) - idleSince(b));
}

/** Those that are live, run and may sleep, the ones that were started first before the others. */
function runningRows({ store: { recorded } }: Ports): RecordedInstance[] {
  return [...recorded.instances.values()]
    .filter((row) => {
      const live = recorded.deployment(row.env, row.app)?.live;
      return row.state === 'running' && live?.instance === row.id && !live.asleep && maySleep(live.target.policy.idle);
    })
    .sort((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0));
}
