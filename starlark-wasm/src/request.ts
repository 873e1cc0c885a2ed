import type { Builtin, EvaluateRequest, Files, Limits } from './types.ts';

/** The limits that hold where a request says nothing else. */
export const defaultLimits: Required<Limits> = {
  timeMs: 5_000,
  steps: 30_000_000,
  outputBytes: 8 * 2 ** 20,
  inputBytes: 8 * 2 ** 20,
  loadDepth: 32,
  valueDepth: 64,
};

/** A request that was checked, in the form that a worker takes. */
export interface PreparedRequest {
  readonly entry: string;
  readonly find: (path: string) => string | undefined | Promise<string | undefined>;
  readonly builtins: readonly Builtin[];
  readonly limits: Required<Limits>;
  /** What the program is configured with, as JSON. */
  readonly config: string;
}

/** Fills in defaults; throws a TypeError for a request that makes no sense. */
export function prepareRequest(request: EvaluateRequest, memoryBytes: number): PreparedRequest {
  const limits = prepareLimits(request.limits ?? {});
  const builtins = request.builtins ?? [];
  checkBuiltins(builtins);
  if (request.entry === '' || request.entry.includes('\0')) throw new TypeError('entry: should be a path');
  const config = {
    builtins: builtins.map((builtin) => ({ ...builtin, value: builtin.kind === 'value' })),
    dialect: request.dialect ?? {},
    loads: { root: request.loads?.root ?? '//', relative: request.loads?.relative ?? false },
    limits: { ...limits, memoryBytes },
    globals: request.globals ?? false,
  };
  return { entry: request.entry, find: finder(request.files), builtins, limits, config: JSON.stringify(config) };
}

function prepareLimits(given: Limits): Required<Limits> {
  const limits = { ...defaultLimits };
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(limits, name)) throw new TypeError(`limits/${name}: there is no such limit`);
    // Timers and the program's numbers have 31 bits; steps have more.
    const most = name === 'steps' ? Number.MAX_SAFE_INTEGER : 2 ** 31 - 1_000;
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new TypeError(`limits/${name}: should be an integer from 1 to ${most}, got ${value}`);
    }
    limits[name as keyof Limits] = value;
  }
  return limits;
}

const identifier = /^[\p{L}_][\p{L}\p{Nd}_]*$/u;

function checkBuiltins(builtins: readonly Builtin[]): void {
  const names = new Set<string>();
  for (const builtin of builtins) {
    if (!identifier.test(builtin.name)) throw new TypeError(`builtin "${builtin.name}": should be an identifier`);
    if (names.has(builtin.name)) throw new TypeError(`builtin "${builtin.name}": declared twice`);
    if (builtin.kind === 'value' && builtin.lenient) {
      throw new TypeError(
        `builtin "${builtin.name}": a value builtin can't be lenient, there is no call to list problems in`,
      );
    }
    names.add(builtin.name);
    checkParameters(builtin);
  }
}

function checkParameters(builtin: Builtin): void {
  const names = new Set<string>();
  let keywordOnly = false;
  for (const parameter of builtin.parameters) {
    const subject = `builtin "${builtin.name}", parameter "${parameter.name}"`;
    if (!identifier.test(parameter.name)) throw new TypeError(`${subject}: should be an identifier`);
    if (names.has(parameter.name)) throw new TypeError(`${subject}: declared twice`);
    if (keywordOnly && !parameter.keywordOnly)
      throw new TypeError(`${subject}: follows a keyword-only one, so should be so too`);
    names.add(parameter.name);
    keywordOnly = parameter.keywordOnly ?? false;
  }
}

function finder(files: Files): PreparedRequest['find'] {
  if (typeof files === 'function') return files;
  if (files instanceof Map) return (path) => files.get(path);
  const record = files as { readonly [path: string]: string };
  return (path) => (Object.hasOwn(record, path) ? record[path] : undefined);
}
