import type { EvaluateResult, LimitName, StarlarkPool } from 'starlark-wasm';
import { type CollectedCall, collectCall } from './collected.ts';
import type { ConfigFile } from './config-tree.ts';
import { BUILTINS, DIALECT, LIMITS, LOADS } from './dialect.ts';
import type { OidOf } from './evaluation-cache.ts';
import { clipped, errorAt } from './located-error.ts';
import type { RawOutcome } from './outcome.ts';
import type { Source, SourceReader } from './source-reader.ts';
import { configErrorOf } from './starlark-errors.ts';
import type { TimeSlice } from './time-slice.ts';

/** What evaluating entries takes. */
export interface EntryContext {
  readonly pool: StarlarkPool;
  readonly reader: SourceReader;
  readonly oidOf: OidOf;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly slice: TimeSlice;
}

/** An outcome, and whether it would be the same the next time and on another machine. `null`: it was cut short from outside. */
export type EvaluatedEntry = { readonly raw: RawOutcome; readonly lasting: boolean } | null;

/** Evaluates one entry file with what it loads. */
export async function evaluateEntry(file: ConfigFile, source: Source, context: EntryContext): Promise<EvaluatedEntry> {
  if ('fault' in source) return { raw: faultOutcome(file, source), lasting: true };
  const sources = new Map<string, Source | undefined>();
  const files = async (path: string) => {
    const found = path === file.path ? source : await context.reader.readLoaded(path);
    sources.set(path, found);
    return found !== undefined && 'text' in found ? found.text : undefined;
  };
  const limits = { ...LIMITS, timeMs: context.timeoutMs };
  const request = { entry: file.path, files, builtins: BUILTINS, dialect: DIALECT, loads: LOADS, limits };
  const result = await context.pool.evaluate(request, context.signal);
  if (hitLimit(result, ['cancelled'])) return null;
  const errors = result.ok ? [] : result.errors.map((error) => configErrorOf(error, file.path, sources));
  const lasting = !hitLimit(result, ['time', 'memory']);
  const loaded = [...result.loaded, ...result.missing].filter((path) => path !== file.path);
  const raw = {
    loads: [...new Set(loaded)].sort().map((path) => [path, context.oidOf(path)] as const),
    calls: await collectCalls(result, file.path, context.slice),
    prints: result.prints
      .slice(0, MAX_PRINTS)
      .map(({ message, position }) => ({ ...position, text: clipped(message) })),
    errors,
  };
  return { raw, lasting };
}

const MAX_PRINTS = 100;

/** What a file declared before it ran into a limit is no use to anybody, and may be very much. */
async function collectCalls(
  result: EvaluateResult,
  entry: string,
  slice: TimeSlice,
): Promise<readonly CollectedCall[]> {
  if (!result.ok && result.errors.some(({ kind }) => kind === 'limit')) return [];
  const calls: CollectedCall[] = [];
  for (const call of result.calls) {
    calls.push(collectCall(call, entry));
    await slice.pause();
  }
  return calls;
}

function hitLimit(result: EvaluateResult, limits: readonly LimitName[]): boolean {
  return !result.ok && result.errors.some(({ limit }) => limit !== undefined && limits.includes(limit));
}

/** The outcome of an entry file that can't be read as text. */
export function faultOutcome(
  file: ConfigFile,
  { fault, line }: { readonly fault: string; readonly line: number },
): RawOutcome {
  const code = fault.startsWith('larger') ? 'config-limit' : 'config-invalid';
  const hint = fault.startsWith('larger') ? 'Split the file; several files may load what they share.' : '';
  const error = errorAt(
    { file: file.path, line, column: 0 },
    line > 0 ? `the line is ${fault}` : `the file is ${fault}`,
    {
      code,
      hint: fault.startsWith('not UTF-8') ? 'Save the file as UTF-8.' : hint,
    },
  );
  return { loads: [], calls: [], prints: [], errors: [error] };
}
