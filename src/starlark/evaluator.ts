import { createStarlarkPool } from 'starlark-wasm';
import { DEFAULT_PREVIEWS, DEFAULT_RELEASE, type Declarations, type Evaluation } from '../model/config.ts';
import { formatDuration } from '../model/duration.ts';
import type { SpecBook } from '../model/spec.ts';
import { checkTree, type Hosts } from './check-tree.ts';
import { type ConfigTree, isEntryPath } from './config-tree.ts';
import { type EvaluationCache, NO_CACHE, OutcomeMemory } from './evaluation-cache.ts';
import { compareText, errorAt, type LocatedError, tidyErrors, withoutColumn } from './located-error.ts';
import type { Outcome, PrintLine } from './outcome.ts';
import { TeamSpecs, type TreeSpecs } from './team-specs.ts';
import { treeFault } from './tree-limits.ts';
import { type PassContext, TreePass } from './tree-pass.ts';

/** What an evaluator needs to know. */
export interface EvaluatorOptions {
  /** The built-in specs. */
  readonly specs: SpecBook;
  /** The default domain: `localhost` for `check`, which knows no settings. */
  readonly domain: string;
  /** Default: `env.DOMAIN`. */
  readonly envDomain?: string;
  /** Default: `mainspring.DOMAIN`. */
  readonly statusHost?: string;
  /** For one entry file. A whole tree gets twelve times as much. */
  readonly timeoutMs?: number;
  readonly memoryBytes?: number;
  /** Keeps evaluations over restarts; default: nothing does. */
  readonly cache?: EvaluationCache;
  /** Milliseconds that only grow, for how long a file that ran out of time is left alone. */
  readonly now?: () => number;
}

/** All there is to know of an evaluated tree. */
export interface Inspection {
  readonly evaluation: Evaluation;
  /** The errors of the evaluation, with columns. */
  readonly errors: readonly LocatedError[];
  readonly prints: readonly PrintLine[];
  /** Entry files of the tree, and how many of them had to be evaluated anew. */
  readonly entries: number;
  readonly evaluated: number;
}

/** Evaluates config trees. What has not changed since is neither evaluated nor checked again, and gives the same objects. */
export interface Evaluator {
  /** Every declaration of a tree, or every error. Rejects only when the signal aborts, or when the tree or the cache can't be read. */
  evaluate(tree: ConfigTree, signal: AbortSignal): Promise<Evaluation>;
  /** The same, with all that a person at a terminal wants to see. */
  inspect(tree: ConfigTree, signal: AbortSignal): Promise<Inspection>;
  /** Ends what runs and waits for the worker threads. Safe to call twice. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const DEFAULT_MEMORY_BYTES = 256 * 1024 ** 2;
const TREE_TIMEOUT_FACTOR = 12;
/** Of all that is remembered, as JSON: the largest tree that is allowed and a half, or a small one with very many branches. */
const MEMORY_CAPACITY = 192 * 1024 ** 2;

/** Makes an evaluator. Worker threads start when there is something to evaluate, and stop when there is not. */
export function createEvaluator(options: EvaluatorOptions): Evaluator {
  return new TreeEvaluator(options);
}

class TreeEvaluator implements Evaluator {
  readonly #context: Omit<PassContext, 'specs'>;
  readonly #specs: TeamSpecs;
  readonly #hosts: Hosts;

  constructor(options: EvaluatorOptions) {
    const { specs, domain, cache = NO_CACHE, timeoutMs = DEFAULT_TIMEOUT_MS, now = () => performance.now() } = options;
    const pool = createStarlarkPool({ memoryBytes: options.memoryBytes ?? DEFAULT_MEMORY_BYTES });
    this.#context = { pool, memory: new OutcomeMemory(MEMORY_CAPACITY), cache, timeoutMs, now };
    this.#specs = new TeamSpecs(specs);
    const { envDomain = `env.${domain}`, statusHost = `mainspring.${domain}` } = options;
    this.#hosts = { domain, envDomain, statusHost };
  }

  close(): Promise<void> {
    return this.#context.pool.close();
  }

  async evaluate(tree: ConfigTree, signal: AbortSignal): Promise<Evaluation> {
    return (await this.inspect(tree, signal)).evaluation;
  }

  async inspect(tree: ConfigTree, signal: AbortSignal): Promise<Inspection> {
    signal.throwIfAborted();
    const entries = tree.files.filter(({ path }) => isEntryPath(path)).sort((a, b) => compareText(a.path, b.path));
    const fault = treeFault(tree.files, entries);
    if (fault !== undefined) return inspection([], [fault], { entries: entries.length, evaluated: 0, book: {} });
    const specs = await this.#specs.read(tree);
    const limitMs = TREE_TIMEOUT_FACTOR * this.#context.timeoutMs;
    const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    const { outcomes, evaluated, unfinished, excess } = await this.#pass(tree, specs).run(entries, limited);
    signal.throwIfAborted();
    const errors = [
      ...specs.errors,
      ...outcomes.flatMap((outcome) => outcome.errors),
      ...checkTree(outcomes, this.#hosts, tree.files),
      ...(excess === null ? [] : [excessError(excess)]),
      ...(unfinished === 0 || excess !== null ? [] : [lateError(unfinished, limitMs)]),
    ];
    return inspection(outcomes, errors, { entries: entries.length, evaluated, book: specs.book });
  }

  #pass(tree: ConfigTree, { table }: TreeSpecs): TreePass {
    return new TreePass({ ...this.#context, specs: table }, tree);
  }
}

function lateError(unfinished: number, limitMs: number): LocatedError {
  const message = `evaluating all files took longer than ${formatDuration(limitMs)}; ${unfinished} of them are left`;
  return errorAt(WHOLE_TREE, message, {
    code: 'config-limit',
    hint: 'Look for files that run for long.',
  });
}

function excessError(excess: string): LocatedError {
  return errorAt(WHOLE_TREE, `the config repo declares ${excess}`, {
    code: 'config-limit',
    hint: 'Look for a loop over too much.',
  });
}

const WHOLE_TREE = { file: '', line: 0, column: 0 };

type About = Pick<Inspection, 'entries' | 'evaluated'> & { readonly book: SpecBook };

function inspection(
  outcomes: readonly Outcome[],
  found: readonly LocatedError[],
  { book, ...counts }: About,
): Inspection {
  const errors = tidyErrors(found);
  const prints = outcomes.flatMap((outcome) => outcome.prints);
  const evaluation: Evaluation =
    errors.length > 0
      ? { ok: false, errors: errors.map(withoutColumn) }
      : { ok: true, declarations: declarationsOf(outcomes, book), prints };
  return { evaluation, errors, prints, ...counts };
}

function declarationsOf(outcomes: readonly Outcome[], specs: SpecBook): Declarations {
  return Object.freeze({
    apps: Object.freeze(outcomes.flatMap(({ apps }) => apps.flatMap(({ declaration }) => declaration ?? []))),
    previews: outcomes.flatMap(({ previews }) => previews)[0]?.policy ?? DEFAULT_PREVIEWS,
    release: outcomes.flatMap(({ releases }) => releases)[0]?.policy ?? DEFAULT_RELEASE,
    specs,
  });
}
