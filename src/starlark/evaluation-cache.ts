import type { SpecTable } from '../model/spec-table.ts';
import type { Outcome } from './outcome.ts';

/** One kept evaluation of an entry file. */
export interface CachedEvaluation {
  /** Names entry and dialect: 64 hex digits. */
  readonly key: string;
  /** Names what it loaded: 64 hex digits. One key can have several, where branches differ in what they load. */
  readonly variant: string;
  /** Opaque text. */
  readonly value: string;
}

/**
 * Keeps evaluations over restarts. Whatever it loses only costs time, so rows may be dropped at will (the oldest first), and
 * a row that can't be read counts as lost; but an error that it throws ends the evaluation. Asked only for what is not in memory: a pass over an unchanged tree asks nothing.
 */
export interface EvaluationCache {
  /** All variants of these keys, in any order; up to 10,000 keys at once. */
  getMany(keys: readonly string[]): Promise<readonly CachedEvaluation[]>;
  /** Adds rows; one with the same key and variant replaces what was there. */
  putMany(rows: readonly CachedEvaluation[]): Promise<void>;
}

/** A cache that keeps nothing. */
export const NO_CACHE: EvaluationCache = { getMany: async () => [], putMany: async () => undefined };

/** Asks for the oid that a path has in a tree; null: there is no such file. */
export type OidOf = (path: string) => string | null;

/** Whether everything that was loaded is as it was. */
export function isCurrent(loads: Outcome['loads'], oidOf: OidOf): boolean {
  return loads.every(([path, oid]) => oidOf(path) === oid);
}

const MAX_VARIANTS = 8;

interface Held {
  readonly outcome: Outcome;
  /** What its apps were checked against. */
  readonly specs: SpecTable;
  /** Null: for as long as there is room. */
  readonly until: number | null;
  readonly weight: number;
}

/** What names an entry file and its content. */
export interface EntryName {
  readonly path: string;
  readonly oid: string;
}

/** Checked outcomes in memory, by entry and content: what is unchanged is the same object. Drops what was not used for longest. */
export class OutcomeMemory {
  readonly #held = new Map<string, readonly Held[]>();
  readonly #latest = new Map<string, string>();
  readonly #capacity: number;
  #weight = 0;

  /** `capacity` is the sum of the weights that are kept. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** The outcome of this entry, if all that it depends on is as it was. */
  find(
    entry: EntryName,
    { oidOf, specs }: { readonly oidOf: OidOf; readonly specs: SpecTable },
    now: number,
  ): Outcome | undefined {
    const key = keyOf(entry);
    const held = this.#held.get(key);
    const found = held?.find(
      (one) => one.specs === specs && (one.until === null || one.until > now) && isCurrent(one.outcome.loads, oidOf),
    );
    if (held === undefined || found === undefined) return undefined;
    this.#held.delete(key);
    this.#held.set(key, held);
    return found.outcome;
  }

  /** The last outcome that was remembered for a path, whatever its content was. */
  latest(path: string): Outcome | undefined {
    return this.#held.get(this.#latest.get(path) ?? '')?.[0]?.outcome;
  }

  /** Remembers an outcome, for good or `until` an instant. */
  remember(entry: EntryName, outcome: Outcome, { until, weight, specs }: Omit<Held, 'outcome'>): void {
    const key = keyOf(entry);
    const others = this.#held.get(key) ?? [];
    this.#drop(key);
    this.#hold(key, [{ outcome, specs, until, weight }, ...others.slice(0, MAX_VARIANTS - 1)]);
    this.#latest.delete(entry.path);
    this.#latest.set(entry.path, key);
    for (const oldest of this.#held.keys()) {
      if (this.#weight <= this.#capacity || oldest === key) break;
      this.#drop(oldest);
    }
    for (const [path, one] of this.#latest) {
      if (this.#held.has(one)) break;
      this.#latest.delete(path);
    }
  }

  #hold(key: string, held: readonly Held[]): void {
    this.#held.set(key, held);
    this.#weight += weightOf(held);
  }

  #drop(key: string): void {
    this.#weight -= weightOf(this.#held.get(key) ?? []);
    this.#held.delete(key);
  }
}

function weightOf(held: readonly Held[]): number {
  return held.reduce((sum, { weight }) => sum + weight, 0);
}

function keyOf({ path, oid }: EntryName): string {
  return `${oid}\n${path}`;
}
