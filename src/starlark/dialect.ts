import type { Builtin, Dialect, Limits, LoadRules, Parameter } from 'starlark-wasm';

/** Every argument of `app()`, in the order of the reference. */
export const APP_ARGUMENTS = [
  'path',
  'source',
  'id',
  'spec',
  'git_branch',
  'git_commit',
  'git_auth',
  'params',
  'container_opts',
  'container_args',
  'container_vols',
  'app_config',
  'stage',
  'previews',
  'promote',
  'strategy',
  'strip_path',
  'slash',
  'health',
  'idle',
  'limits',
  'verify',
  'refresh',
  'auth',
] as const;

/** The name of one argument of `app()`. */
export type AppArgument = (typeof APP_ARGUMENTS)[number];

const REQUIRED = new Set<string>(['path', 'source']);

function parameter(name: string): Parameter {
  return REQUIRED.has(name) ? { name, required: true } : { name, keywordOnly: true };
}

const keyword = (name: string): Parameter => ({ name, keywordOnly: true });

/** What each declaring function takes, by its name. */
export const DIALECT_NAMES: Readonly<Record<string, readonly string[]>> = {
  app: APP_ARGUMENTS,
  previews: ['branches', 'max', 'ttl', 'asleep'],
  release: ['atomic', 'allow_removal'],
};

/** The functions that config files may call. All that declare are lenient, so that every mistake of a file comes out at once. */
export const BUILTINS: readonly Builtin[] = [
  ...Object.entries(DIALECT_NAMES).map(([name, names]): Builtin => {
    const parameters = names.map(name === 'app' ? parameter : keyword);
    return { name, parameters, lenient: true, entryOnly: true };
  }),
  { name: 'secret', parameters: [{ name: 'name', required: true }], kind: 'value' },
];

/**
 * Starlark as config files speak it. `while` and recursion stay off: every file comes to an end. Names may be assigned again,
 * because two loops at the top of a file want to use the same variable.
 */
export const DIALECT: Dialect = { topLevelControl: true, globalReassign: true, struct: true, json: true };

/** Loads name a path from the root of the config repo: `load("//lib/team.star", "team_app")`. */
export const LOADS: LoadRules = { root: '//' };

/** Bounds that are the same on every machine, so that a file is right or wrong wherever it is evaluated. Time and memory come from the settings. */
export const LIMITS: Limits = { steps: 50_000_000, outputBytes: 16 * 1024 ** 2, inputBytes: 16 * 1024 ** 2 };

/** Bounds of a tree: its files, its entry files, one file, all apps, and everything that is declared, as JSON. */
export const TREE_LIMITS = {
  files: 100_000,
  entries: 10_000,
  fileBytes: 1024 ** 2,
  apps: 50_000,
  outputBytes: 128 * 1024 ** 2,
};

/**
 * Part of the key of every cached evaluation. To be raised with every change of what an evaluation yields: the evaluator,
 * the functions and limits above, or the form in which calls are kept.
 */
export const DIALECT_VERSION = 2;
