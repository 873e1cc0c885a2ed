import fc from 'fast-check';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import { anyHistory, describeEvent, EVENT_TYPES, type SimEvent } from './events.ts';
import { type Outcome, playHistory } from './history.ts';
import type { Tally } from './sim-world.ts';

/** What to run. */
export interface SimulationOptions {
  readonly histories: number;
  readonly seed: number;
  readonly onProgress?: (done: number, of: number) => void;
}

/** What came of a run. */
export interface SimulationReport {
  readonly ok: boolean;
  readonly text: string;
  readonly tally: Tally;
  /** The shortest history that still fails, if one did. */
  readonly shortest: readonly SimEvent[] | null;
  readonly histories: number;
}

/** Plays random histories until one breaks a promise; that one is made as short as it can be and printed. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const tally: Tally = {};
  const started = performance.now();
  for (let index = 0; index < options.histories; index++) {
    const seed = (options.seed + index) | 0;
    const [events = []] = fc.sample(anyHistory, { seed, numRuns: 1 });
    const outcome = await playHistory(events, seed, tally);
    if (outcome.violations.length > 0) return failure(events, seed, index, tally);
    options.onProgress?.(index + 1, options.histories);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const head = `${options.histories} histories from seed ${options.seed}: 0 violations (${seconds} s)`;
  return { ok: true, text: `${head}\n${describeTally(tally)}`, tally, shortest: null, histories: options.histories };
}

async function failure(
  events: readonly SimEvent[],
  seed: number,
  index: number,
  tally: Tally,
): Promise<SimulationReport> {
  const shortest = await shrink(events, seed);
  const outcome = await playHistory(shortest, seed);
  const lines = [
    `history ${index + 1} (seed ${seed}) breaks a promise at ${outcome.at}:`,
    ...outcome.violations.slice(0, 5).map((violation) => `  ${violation}`),
    `shortest history (${shortest.length} of ${events.length} events); again: npm run simulate -- --histories 1 --seed ${seed}`,
    ...shortest.map((event, place) => `  ${place + 1}. ${describeEvent(event)}`),
  ];
  return { ok: false, text: lines.join('\n'), tally, shortest, histories: index + 1 };
}

/** Leaves out events, large parts first, for as long as what is left still fails. */
async function shrink(events: readonly SimEvent[], seed: number): Promise<readonly SimEvent[]> {
  let shortest = events;
  let runs = 0;
  for (let size = Math.ceil(events.length / 2); size >= 1; ) {
    let shorter: readonly SimEvent[] | null = null;
    for (let from = 0; from < shortest.length && shorter === null && runs < 600; from += size) {
      const candidate = [...shortest.slice(0, from), ...shortest.slice(from + size)];
      runs += 1;
      if ((await fails(candidate, seed)).violations.length > 0) shorter = candidate;
    }
    if (shorter !== null) shortest = shorter;
    else size = size === 1 ? 0 : Math.ceil(size / 2);
  }
  return shortest;
}

function fails(events: readonly SimEvent[], seed: number): Promise<Outcome> {
  return playHistory(events, seed);
}

/** Names of what a long run must have met at least once. */
export function expectedTally(): string[] {
  return [
    ...EVENT_TYPES.map((type) => `event: ${type}`),
    ...BOUNDARIES.map((boundary) => `boundary: ${boundary}`),
    ...BOUNDARIES.map((boundary) => `crash at: ${boundary}`),
  ];
}

function describeTally(tally: Tally): string {
  const names = [...new Set([...expectedTally(), ...Object.keys(tally).sort()])];
  return names.map((name) => `  ${String(tally[name] ?? 0).padStart(8)}  ${name}`).join('\n');
}
