/** A place in a source file. Lines and columns begin at 1, columns count Unicode code points; 0 means "not known". */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One frame of a call stack: the function (`<toplevel>` for a module's own code) and where it stands. */
export interface Frame extends Position {
  readonly name: string;
}

/**
 * A Starlark value as plain, JSON-safe data. `None` is null; lists and tuples are arrays; dicts with string keys and
 * structs are plain objects in the dict's order (but JavaScript puts keys that look like array indexes first).
 * Integers beyond ±(2^53 − 1), floats that are not finite, sets, bytes, functions, dicts with other keys, and values
 * that contain themselves are errors at the call that passes them.
 */
export type Value = null | boolean | number | string | readonly Value[] | { readonly [key: string]: Value };

/**
 * What a builtin of kind `value` returned, as it shows up in data. The key `$builtin` is reserved: a dict or a struct
 * of the user's that has it is an error, so no user data can pass for one of these. Tell them apart by `isConstructed`.
 */
export interface Constructed {
  readonly $builtin: string;
  readonly args: { readonly [name: string]: Value };
  readonly position: Position;
}

/** A parameter of a declared builtin. It can be given by place or by name unless it is `keywordOnly`. */
export interface Parameter {
  readonly name: string;
  /** Default false: may be left out, and is then absent from `args`. */
  readonly required?: boolean;
  /** Default false. Parameters after a keyword-only one are keyword-only, too. */
  readonly keywordOnly?: boolean;
}

/** A function that Starlark code may call, declared as data. */
export interface Builtin {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  /** `collect` (default): each call is added to `calls`, and returns None. `value`: a call returns an opaque value, see `Constructed`. */
  readonly kind?: 'collect' | 'value';
  /**
   * Default false: a wrong call is a runtime error, which ends the evaluation. True: what is wrong is listed in the
   * call's `problems` and evaluation goes on, so that all mistakes of a file come out at once. Only for `collect`.
   */
  readonly lenient?: boolean;
  /** Default false. True: a call while a loaded file's own top level runs is wrong (functions of it called by the entry may). */
  readonly entryOnly?: boolean;
}

/** What is wrong with a call of a lenient builtin. */
export interface ArgumentProblem {
  /**
   * `unknown`: a keyword that is no parameter. `missing`: a required parameter without a value. `extra`: a positional
   * argument too many. `duplicate`: given twice. `invalid`: the value is no data (see `Value`). `loaded`: an
   * `entryOnly` builtin called by the top level of a loaded file.
   */
  readonly kind: 'unknown' | 'missing' | 'extra' | 'duplicate' | 'invalid' | 'loaded';
  /** The parameter or keyword; empty for `extra` and `loaded`. */
  readonly name: string;
  /** A sentence without position, as a strict builtin would have raised it. */
  readonly message: string;
  /** The argument's own place where that is known, else the call's. */
  readonly position: Position;
  /** The nearest parameter name, for `unknown`. */
  readonly suggestion?: string;
}

/** One call of a builtin of kind `collect`, in the order of calling. */
export interface Call {
  readonly builtin: string;
  /** The arguments that were given and are data, by parameter name. */
  readonly args: { readonly [name: string]: Value };
  /** Where the called name stands in the source. */
  readonly position: Position;
  /** Where each argument stands (a keyword's name, a positional argument's first token); absent for what came through `*args` or `**kwargs`. */
  readonly positions: { readonly [name: string]: Position };
  /** The file whose top level was running: the entry, or the loaded file that was being loaded. */
  readonly module: string;
  /** The Starlark frames that led to the call, outermost first; the last one stands at the call. */
  readonly stack: readonly Frame[];
  /** Empty unless the builtin is lenient. */
  readonly problems: readonly ArgumentProblem[];
}

/** One `print(…)`. */
export interface Print {
  readonly message: string;
  readonly position: Position;
}

/** What went beyond its bounds. `nesting` is source, values or calls nested too deep; `cancelled` is the caller's signal. */
export type LimitName =
  | 'steps'
  | 'time'
  | 'memory'
  | 'output'
  | 'input'
  | 'nesting'
  | 'load-depth'
  | 'load-cycle'
  | 'cancelled';

/** An error of an evaluation. Unknown positions have line 0; a limit that needed force names the statement that ran last. */
export interface StarlarkError extends Position {
  /** `resolve` includes loads of files that are not there and of names that the loaded file does not define. */
  readonly kind: 'syntax' | 'resolve' | 'runtime' | 'limit';
  /** Without position and without the suggestion. */
  readonly message: string;
  /** Which limit, for kind `limit`. */
  readonly limit?: LimitName;
  /** The nearest name that would have been valid. */
  readonly suggestion?: string;
  /** The Starlark frames, outermost first; empty for syntax and resolve errors. */
  readonly backtrace: readonly Frame[];
}

/** Dialect switches, all off by default as in go.starlark.net. */
export interface Dialect {
  readonly recursion?: boolean;
  readonly while?: boolean;
  /** `if`, `for` (and `while`) at the top level of a file. */
  readonly topLevelControl?: boolean;
  readonly sets?: boolean;
  /** Top-level names may be assigned more than once. */
  readonly globalReassign?: boolean;
  /** The predeclared function `struct(**kwargs)`. */
  readonly struct?: boolean;
  /** The predeclared module `json` (encode, decode, indent). */
  readonly json?: boolean;
  /** The predeclared module `math`. */
  readonly math?: boolean;
}

/** How names in `load("…")` become paths. */
export interface LoadRules {
  /** What names a path from the root of the files; default `//`. Names without it are errors (but see `relative`). */
  readonly root?: string;
  /** Default false. True: `:x.star`, `./x.star` and `../x.star` are taken from the loading file's folder. */
  readonly relative?: boolean;
}

/** Bounds of one evaluation. Memory is bounded for the whole pool, see `PoolOptions`. */
export interface Limits {
  /** Wall time from the moment a worker takes it up; default 5,000. It is stopped by force 250 ms later if it does not stop by itself. */
  readonly timeMs?: number;
  /** Starlark computation steps (a loop turn is about ten); default 30,000,000. The same on every machine. */
  readonly steps?: number;
  /** Bytes of calls, prints and globals as JSON; default 8 MiB. */
  readonly outputBytes?: number;
  /** Bytes of all source files that are read; default 8 MiB. */
  readonly inputBytes?: number;
  /** How many files a chain of loads may span below the entry; default 32. */
  readonly loadDepth?: number;
  /** How deep a value handed to a builtin may be nested; default 64. */
  readonly valueDepth?: number;
}

/** Sources by path (`lib/team.star`, no leading slash), or a function that finds one; undefined means there is no such file. */
export type Files =
  | { readonly [path: string]: string }
  | ReadonlyMap<string, string>
  | ((path: string) => string | undefined | Promise<string | undefined>);

/** One evaluation: an entry file with what it loads. Only the entry and the files that loads reach are read. */
export interface EvaluateRequest {
  readonly entry: string;
  readonly files: Files;
  readonly builtins?: readonly Builtin[];
  readonly dialect?: Dialect;
  readonly loads?: LoadRules;
  readonly limits?: Limits;
  /** Default false. True: `globals` of the result holds the entry's own names that are data and don't begin with `_`. */
  readonly globals?: boolean;
}

/** What an evaluation leaves behind, whether it succeeded or not. After a stop by force (`time`, `memory`) only `loaded` and `missing` are filled. */
export interface Evaluated {
  /** Calls of builtins of kind `collect`, in order; up to the error if there was one. */
  readonly calls: readonly Call[];
  readonly prints: readonly Print[];
  /** The files that were read: the entry first, then what its loads reach. The result depends on their content alone, and on `missing`. */
  readonly loaded: readonly string[];
  /** Paths that were asked for and are not there. */
  readonly missing: readonly string[];
  /** Computation steps used. */
  readonly steps: number;
}

/** Everything ran to the end. */
export interface EvaluateSuccess extends Evaluated {
  readonly ok: true;
  readonly globals: { readonly [name: string]: Value };
}

/** It did not: at least one error. All syntax and resolve errors of all files read are listed; a runtime error is alone. */
export interface EvaluateFailure extends Evaluated {
  readonly ok: false;
  readonly errors: readonly [StarlarkError, ...StarlarkError[]];
}

/** The outcome of an evaluation. Whatever a source does is a value here, never a rejection. */
export type EvaluateResult = EvaluateSuccess | EvaluateFailure;

/** How many evaluations run side by side, and what each may take. */
export interface PoolOptions {
  /** Worker threads at most; default as many as cores, at most 4. They start when needed. */
  readonly workers?: number;
  /** A worker without work for so long is stopped; default 5,000. */
  readonly idleMs?: number;
  /** Memory of one evaluation, rounded up to 64 KiB pages; default 256 MiB, at least 16 MiB, at most 2 GiB. */
  readonly memoryBytes?: number;
}

/** Evaluates Starlark in worker threads. A pool keeps no process alive by itself. */
export interface StarlarkPool {
  /**
   * Evaluates one entry; waits for a free worker. Aborting the signal ends it with the limit `cancelled`.
   * Rejects only for a request that is wrong in itself (TypeError), a `files` function that throws, or a closed pool.
   */
  evaluate(request: EvaluateRequest, signal?: AbortSignal): Promise<EvaluateResult>;
  /** Worker threads that live at the moment. */
  readonly size: number;
  /** Ends what runs or waits with the limit `cancelled`, stops all workers, and waits for them. Safe to call twice. */
  close(): Promise<void>;
}
