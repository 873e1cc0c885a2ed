import {
  type Builtin,
  createStarlarkPool,
  type EvaluateFailure,
  type EvaluateRequest,
  type EvaluateResult,
  type EvaluateSuccess,
  type PoolOptions,
  type StarlarkPool,
} from '../src/index.ts';

/** A pool that is closed when the test ends. */
export function testPool(t: { after(close: () => Promise<void>): void }, options: PoolOptions = {}): StarlarkPool {
  const pool = createStarlarkPool(options);
  t.after(() => pool.close());
  return pool;
}

/** A request with one file, `main.star`. */
export function source(text: string, rest: Partial<EvaluateRequest> = {}): EvaluateRequest {
  return { entry: 'main.star', files: { 'main.star': text }, ...rest };
}

/** A strict builtin; `?` after a name makes the parameter optional, `*` before it keyword-only. */
export function builtin(name: string, parameters: readonly string[], rest: Partial<Builtin> = {}): Builtin {
  return {
    name,
    parameters: parameters.map((spelled) => ({
      name: spelled.replace(/[*?]/g, ''),
      required: !spelled.endsWith('?'),
      keywordOnly: spelled.startsWith('*'),
    })),
    ...rest,
  };
}

export function succeeded(result: EvaluateResult): EvaluateSuccess {
  if (!result.ok) throw new Error(`the evaluation failed: ${errorLines(result).join('; ')}`);
  return result;
}

export function failed(result: EvaluateResult): EvaluateFailure {
  if (result.ok) throw new Error('the evaluation succeeded');
  return result;
}

/** Each error as `file:line:column kind: message`, with its suggestion. */
export function errorLines(result: EvaluateResult): string[] {
  return failed(result).errors.map((error) => {
    const kind = error.limit ? `limit ${error.limit}` : error.kind;
    const hint = error.suggestion ? ` (${error.suggestion}?)` : '';
    return `${error.file}:${error.line}:${error.column} ${kind}: ${error.message}${hint}`;
  });
}
