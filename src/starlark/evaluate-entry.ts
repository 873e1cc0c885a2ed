import type { EvaluateResult, LimitName, StarlarkPool } from 'starlark-wasm';
import { collectCall } from './collected.ts';
import type { ConfigFile } from './config-tree.ts';
import { BUILTINS, DIALECT, LIMITS, LOADS } from './dialect.ts';
import type { OidOf } from './evaluation-cache.ts';
import { errorAt, type LocatedError } from './located-error.ts';
import type { RawOutcome } from './outcome.ts';
import type { Source, SourceReader } from './source-reader.ts';
import { configErrorOf } from './starlark-errors.ts';

/** What evaluating entries takes. */
export interface EntryContext {
  readonly pool: StarlarkPool;
  readonly reader: SourceReader;
  readonly oidOf: OidOf;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
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
  return { raw: rawOutcome(file, result, errors, context.oidOf), lasting: !hitLimit(result, ['time', 'memory']) };
}

function hitLimit(result: EvaluateResult, limits: readonly LimitName[]): boolean {
  return !result.ok && result.errors.some(({ limit }) => limit !== undefined && limits.includes(limit));
}

function rawOutcome(
  file: ConfigFile,
  result: EvaluateResult,
  errors: readonly LocatedError[],
  oidOf: OidOf,
): RawOutcome {
  const loaded = [...result.loaded, ...result.missing].filter((path) => path !== file.path);
  return {
    loads: [...new Set(loaded)].sort().map((path) => [path, oidOf(path)] as const),
    calls: result.calls.map((call) => collectCall(call, file.path)),
    prints: result.prints.map(({ message, position }) => ({ ...position, text: message })),
    errors,
  };
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
