import fc from 'fast-check';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import { aimAt } from './aim.ts';
import {
  anyHistory,
  BEHAVIOURS,
  describeEvent,
  EVENT_TYPES,
  FAULT_KINDS,
  FAULTY_METHODS,
  HINTS,
  INTERRUPTIBLE,
  LISTING_FAULTS,
  type SimEvent,
} from './events.ts';
import { playHistory } from './history.ts';
import type { Tally } from './sim-world.ts';

/** What to run. */
export interface SimulationOptions {
  readonly histories: number;
  readonly seed: number;
  /** What all histories are aimed at, by its name in the tally: no more are played once it came up. */
  readonly aim?: string;
  readonly onProgress?: (done: number, of: number) => void;
}

/** The first history that broke a promise, made as short as it can be. */
export interface Failure {
  /** Which one it was, counted from 1, and the seed that plays it alone. */
  readonly history: number;
  readonly seed: number;
  /** What it was aimed at; null: at nothing. */
  readonly aim: string | null;
  readonly violations: readonly string[];
  readonly at: string;
  readonly events: readonly string[];
  /** How many events it had before. */
  readonly of: number;
  readonly story: readonly string[];
}

/** What came of a run. */
export interface SimulationReport {
  readonly histories: number;
  readonly seed: number;
  readonly seconds: number;
  readonly tally: Tally;
  /** Null: every promise held. */
  readonly failure: Failure | null;
}

/** Plays random histories until one breaks a promise; that one is made as short as it can be. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const tally: Tally = {};
  const started = performance.now();
  const report = (histories: number, failure: Failure | null): SimulationReport => {
    const seconds = (performance.now() - started) / 1_000;
    return { histories, seed: options.seed, seconds, tally, failure };
  };
  const { aim = null } = options;
  let played = 0;
  while (played < options.histories && (aim === null || tally[aim] === undefined)) {
    const seed = (options.seed + played) | 0;
    const [sampled = []] = fc.sample(anyHistory, { seed, numRuns: 1 });
    const events = aim === null ? sampled : aimAt(aim, sampled);
    const outcome = await playHistory(events, seed, tally);
    played += 1;
    const [first] = outcome.violations;
    if (first !== undefined) {
      const found = await failureOf(events, seed, kindOf(first));
      return report(played, { history: played, seed, aim, ...found });
    }
    options.onProgress?.(played, options.histories);
  }
  return report(played, null);
}

async function failureOf(
  events: readonly SimEvent[],
  seed: number,
  kind: string,
): Promise<Omit<Failure, 'history' | 'seed' | 'aim'>> {
  const shortest = await shrink(events, seed, kind);
  const { violations, at, story } = await playHistory(shortest, seed);
  return { violations, at, events: shortest.map((event) => describeEvent(event)), of: events.length, story };
}

const MAX_TRIES = 500;

/** What kind of promise was broken, whatever it was broken for: the text without names and numbers. */
function kindOf(violation: string): string {
  return violation.replace(/\b(app-\d+|i?[0-9a-f]{8,}|\d+)\b/g, '…').slice(0, 40);
}

/** Leaves out events and pauses, large parts first, for as long as what is left still breaks the same promise. */
async function shrink(events: readonly SimEvent[], seed: number, kind: string): Promise<readonly SimEvent[]> {
  let shortest = events;
  let tries = 0;
  const fails = async (candidate: readonly SimEvent[]) => {
    tries += 1;
    if (tries > MAX_TRIES) return false;
    const [first] = (await playHistory(candidate, seed)).violations;
    return first !== undefined && kindOf(first) === kind;
  };
  for (let size = Math.ceil(events.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < shortest.length; ) {
      const candidate = [...shortest.slice(0, from), ...shortest.slice(from + size)];
      if (await fails(candidate)) shortest = candidate;
      else from += size;
    }
  }
  for (const [place, event] of shortest.entries()) {
    if (event.pauseMs === 0) continue;
    const candidate = shortest.with(place, { ...event, pauseMs: 0 });
    if (await fails(candidate)) shortest = candidate;
  }
  return shortest;
}

/** Names of what a long run must have met at least once. */
export function expectedTally(): string[] {
  return [
    ...EVENT_TYPES.map((type) => `event: ${type}`),
    ...BEHAVIOURS.map((behaviour) => `pushed: ${behaviour}`),
    ...[...HINTS, 'forged'].map((hint) => `hint: ${hint}`),
    ...LISTING_FAULTS.map((fault) => `listing: ${fault}`),
    ...FAULTY_METHODS.flatMap((method) => FAULT_KINDS.map((kind) => `fault: ${method} ${kind}`)),
    ...INTERRUPTIBLE.map((at) => `interrupted: ${at}`),
    ...['fast-forward', 'merge', 'squash', 'rebase'].map((how) => `merged: ${how}`),
    ...['up', 'parked', 'broken'].map((what) => `preview: ${what}`),
    'health changed in time',
    ...['asleep', 'starts asleep', 'paused', 'awake from paused', 'awake from stopped', 'stopped after a pause'],
    ...['paused by hand', 'resumed by hand', 'ended while paused', 'could not be paused'],
    ...['paused', 'awake'].map((what) => `memory short: ${what}`),
    'woken at rest',
    'waits for what is asleep',
    'brought back in time',
    'killed before the switch',
    ...['full', 'dies-before', 'dies-after'].map((fate) => `write: ${fate}`),
    ...['build', 'start', 'probe', 'listing'].map((what) => `stuck: ${what}`),
    ...['the held set', 'another set'].map((what) => `allowed: ${what}`),
    ...BOUNDARIES.map((boundary) => `boundary: ${boundary}`),
    ...BOUNDARIES.map((boundary) => `crash at: ${boundary}`),
  ];
}

/** A report as a person reads it. */
export function describeReport(report: SimulationReport): string {
  const { histories, seed, seconds, tally, failure } = report;
  if (failure !== null) return describeFailure(failure);
  const head = `${histories} histories from seed ${seed}: 0 violations (${seconds.toFixed(1)} s)`;
  return `${head}\n${describeTally(tally)}`;
}

/** The first history that failed: what was broken, what it takes, and everything that happened. */
export function describeFailure(failure: Failure): string {
  const { history, seed, aim, violations, at, events, of, story } = failure;
  return [
    `history ${history} (seed ${seed}) breaks a promise at ${at}:`,
    ...violations.slice(0, 5).map((violation) => `  ${violation}`),
    `the shortest history that does (${events.length} of ${of} events):`,
    ...events.map((event, place) => `  ${place + 1}. ${event}`),
    'what happens in it:',
    ...story.map((line) => `  ${line}`),
    `the same again: npm run simulate -- --histories 1 --seed ${seed}${aim === null ? '' : ` --aim '${aim}'`}`,
  ].join('\n');
}

function describeTally(tally: Tally): string {
  const names = [...new Set([...expectedTally(), ...Object.keys(tally).sort()])];
  return names.map((name) => `  ${String(tally[name] ?? 0).padStart(8)}  ${name}`).join('\n');
}
