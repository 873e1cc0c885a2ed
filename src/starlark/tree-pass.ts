import type { StarlarkPool } from 'starlark-wasm';
import type { SpecTable } from '../model/spec-table.ts';
import { type ConfigFile, type ConfigTree, fileFault } from './config-tree.ts';
import { TREE_LIMITS } from './dialect.ts';
import { type EvaluatedEntry, evaluateEntry, faultOutcome } from './evaluate-entry.ts';
import {
  type CachedEvaluation,
  type EvaluationCache,
  isCurrent,
  type OidOf,
  type OutcomeMemory,
} from './evaluation-cache.ts';
import { checkOutcome, type Outcome, type RawOutcome } from './outcome.ts';
import { SourceReader } from './source-reader.ts';
import { evaluationKey, outcomeOf, rowOf } from './stored-outcome.ts';
import { TimeSlice } from './time-slice.ts';

/** What a pass over a tree works with. */
export interface PassContext {
  readonly pool: StarlarkPool;
  readonly memory: OutcomeMemory;
  readonly cache: EvaluationCache;
  readonly specs: SpecTable;
  readonly timeoutMs: number;
  readonly now: () => number;
}

/** What became of the entry files of a tree. */
export interface PassResult {
  /** In the order of the entries; those that were not reached are left out. */
  readonly outcomes: readonly Outcome[];
  /** How many had to be evaluated anew. */
  readonly evaluated: number;
  readonly unfinished: number;
  /** What everything together is too much of, if it is. */
  readonly excess: string | null;
}

const BATCH = 64;
/** A file that ran out of time or memory may fare better when the machine is less busy, but not by trying all the time. */
const LIMIT_RETRY_MS = 5 * 60_000;

/** One look at one tree: takes from memory and cache what is unchanged, and evaluates the rest. */
export class TreePass {
  readonly #context: PassContext;
  readonly #tree: ConfigTree;
  readonly #files: ReadonlyMap<string, ConfigFile>;
  readonly #oidOf: OidOf;
  readonly #outcomes = new Map<ConfigFile, Outcome>();
  readonly #slice = new TimeSlice();
  #apps = 0;
  #outputBytes = 0;

  constructor(context: PassContext, tree: ConfigTree) {
    this.#context = context;
    this.#tree = tree;
    this.#files = new Map(tree.files.map((file) => [file.path, file]));
    this.#oidOf = (path) => this.#files.get(path)?.oid ?? null;
  }

  /** Runs the pass. Stops between batches, and in the middle of an evaluation, when the signal aborts. */
  async run(entries: readonly ConfigFile[], signal: AbortSignal): Promise<PassResult> {
    const { memory, now, specs } = this.#context;
    for (const entry of entries) {
      this.#keep(entry, (await this.#unreadable(entry)) ?? memory.find(entry, { oidOf: this.#oidOf, specs }, now()));
      await this.#slice.pause();
    }
    await this.#recall(this.#missing(entries));
    const missing = this.#missing(entries);
    const reader = new SourceReader(this.#tree, this.#files);
    for (let from = 0; from < missing.length && !signal.aborted && this.#excess() === null; from += BATCH) {
      await this.#evaluate(missing.slice(from, from + BATCH), reader, signal);
    }
    const outcomes = entries.flatMap((entry) => this.#outcomes.get(entry) ?? []);
    return {
      outcomes,
      evaluated: missing.length,
      unfinished: entries.length - outcomes.length,
      excess: this.#excess(),
    };
  }

  #excess(): string | null {
    if (this.#apps > TREE_LIMITS.apps) return `more than ${TREE_LIMITS.apps} apps`;
    return this.#outputBytes > TREE_LIMITS.outputBytes
      ? `more than ${TREE_LIMITS.outputBytes / 1024 ** 2} MiB of data`
      : null;
  }

  #missing(entries: readonly ConfigFile[]): readonly ConfigFile[] {
    return entries.filter((entry) => !this.#outcomes.has(entry));
  }

  #keep(entry: ConfigFile, outcome: Outcome | undefined): void {
    if (outcome === undefined) return;
    this.#outcomes.set(entry, outcome);
    this.#apps += outcome.apps.length;
  }

  /** Not remembered: the mode is no part of the key. */
  async #unreadable(entry: ConfigFile): Promise<Outcome | undefined> {
    const fault = fileFault(entry);
    return fault === undefined ? undefined : checkOutcome(faultOutcome(entry, { fault, line: 0 }), this.#context.specs);
  }

  async #recall(entries: readonly ConfigFile[]): Promise<void> {
    if (entries.length === 0) return;
    const byKey = new Map(entries.map((entry) => [evaluationKey(entry.path, entry.oid), entry]));
    for (const row of await this.#context.cache.getMany([...byKey.keys()])) {
      const entry = byKey.get(row.key);
      const raw = entry === undefined || this.#excess() !== null ? undefined : outcomeOf(row);
      if (entry === undefined || raw === undefined || !isCurrent(raw.loads, this.#oidOf)) continue;
      await this.#check(entry, raw, { until: null, weight: row.value.length });
    }
  }

  async #evaluate(entries: readonly ConfigFile[], reader: SourceReader, signal: AbortSignal): Promise<void> {
    const sources = await reader.readEntries(entries);
    const context = { ...this.#context, reader, oidOf: this.#oidOf, signal, slice: this.#slice };
    const rows = await Promise.all(
      entries.map(async (entry, index) => {
        const source = sources[index] ?? { fault: 'not readable', line: 0 };
        return this.#take(entry, await evaluateEntry(entry, source, context));
      }),
    );
    const lasting = rows.filter((row) => row !== null);
    if (lasting.length > 0) await this.#context.cache.putMany(lasting);
  }

  async #take(entry: ConfigFile, evaluated: EvaluatedEntry): Promise<CachedEvaluation | null> {
    if (evaluated === null) return null;
    const { raw, lasting } = evaluated;
    const row = rowOf(evaluationKey(entry.path, entry.oid), raw);
    const until = lasting ? null : this.#context.now() + LIMIT_RETRY_MS;
    await this.#check(entry, raw, { until, weight: row.value.length });
    return lasting ? row : null;
  }

  async #check(
    entry: ConfigFile,
    raw: RawOutcome,
    kept: { readonly until: number | null; readonly weight: number },
  ): Promise<void> {
    const { memory, specs } = this.#context;
    const previous = memory.latest(entry.path);
    const outcome = await checkOutcome(raw, specs, { previous, slice: this.#slice });
    memory.remember(entry, outcome, { ...kept, specs });
    this.#outputBytes += kept.weight;
    this.#keep(entry, outcome);
  }
}
