import type { LimitName, StarlarkError } from 'starlark-wasm';
import { entrySpot, trailOf } from './collected.ts';
import { FOREIGN_FUNCTIONS } from './foreign-names.ts';
import { errorAt, type LocatedError } from './located-error.ts';
import type { Source } from './source-reader.ts';

/** What was read for an evaluation, by path: the entry and all that loads asked for. */
export type ReadSources = ReadonlyMap<string, Source | undefined>;

/** An error of the evaluator in our words: at the entry's line where a function of a loaded file failed, with a hint where one helps. */
export function configErrorOf(error: StarlarkError, entry: string, sources: ReadSources): LocatedError {
  const at = entrySpot(error.backtrace, entry, error);
  const trail = trailOf(error.backtrace, at, 'It happened');
  const line = lineAt(sources.get(error.file), error.line);
  const loads = error.kind === 'resolve' ? loadFault(line, sources) : undefined;
  const hint = [suggestionOf(error), loads?.hint ?? hintFor(error, line), trail].find((part) => part !== '') ?? '';
  const code = error.kind === 'limit' ? 'config-limit' : 'config-invalid';
  return errorAt(at, loads?.message ?? `${PREFIX[error.kind]}${error.message}`, { code, hint: withTrail(hint, trail) });
}

const PREFIX: Readonly<Record<StarlarkError['kind'], string>> = {
  syntax: 'syntax error: ',
  resolve: '',
  runtime: '',
  limit: '',
};

function withTrail(hint: string, trail: string): string {
  return hint === trail || trail === '' ? hint : `${hint} ${trail}`;
}

function suggestionOf({ suggestion = '' }: StarlarkError): string {
  return suggestion === '' ? '' : `Did you mean "${suggestion}"?`;
}

/** A load of something that is there, but can't be read or loaded: says why, where the load stands. */
function loadFault(
  line: string,
  sources: ReadSources,
): { readonly message: string; readonly hint: string } | undefined {
  for (const [, name = ''] of line.matchAll(/["']\/\/([^"']+)["']/g)) {
    const source = sources.get(name);
    if (source !== undefined && 'fault' in source) {
      const where = source.line > 0 ? ` (line ${source.line})` : '';
      const hint = source.fault.startsWith('an entry file')
        ? 'Move what both need to a file outside of config/, such as lib/team.star.'
        : '';
      return { message: `load: ${name} is ${source.fault}${where}`, hint };
    }
  }
  return undefined;
}

function hintFor(error: StarlarkError, line: string): string {
  if (error.kind === 'limit') return error.limit === undefined ? '' : LIMIT_HINTS[error.limit];
  if (error.kind === 'resolve') return foreignHint(error, line);
  if (error.kind === 'syntax') return SYNTAX_HINTS.find(([pattern]) => pattern.test(line))?.[1] ?? '';
  return '';
}

function foreignHint(error: StarlarkError, line: string): string {
  const name = /^\w+/.exec([...line].slice(error.column - 1).join(''))?.[0] ?? '';
  return Object.hasOwn(FOREIGN_FUNCTIONS, name) ? (FOREIGN_FUNCTIONS[name] ?? '') : '';
}

const SYNTAX_HINTS: readonly (readonly [RegExp, string])[] = [
  [/^\s*(?:import|from)\b/, 'Starlark has no import: load("//lib/team.star", "name").'],
  [/\bf["']/, 'Starlark has no f-strings: "{}".format(name) or "%s" % name.'],
  [/^\s*while\b/, 'There is no while: use for over a list or a range.'],
  [
    /^\s*(?:try|except|raise|class|with|assert|global)\b/,
    'That is Python; Starlark has def, if, for, load and expressions.',
  ],
  [/^\s*(?:true|false|null)\b|[=:,]\s*(?:true|false|null)\b/, 'Starlark writes True, False and None.'],
];

const LIMIT_HINTS: Readonly<Record<LimitName, string>> = {
  steps: 'A config file should be done in a moment: look for a loop over too much.',
  time: 'A config file should be done in a moment; the limit is [starlark] timeout in the settings.',
  memory: 'Look for a string or a list that grows without end; the limit is [starlark] memory in the settings.',
  output: 'Split the file, or declare less in it.',
  input: 'Load less: only what the file needs.',
  nesting: 'Write it flatter.',
  'load-depth': 'Load the file directly instead of through others.',
  'load-cycle': 'Move what both need to a third file.',
  cancelled: '',
};

function lineAt(source: Source | undefined, line: number): string {
  return source !== undefined && 'text' in source ? (source.text.split('\n', line)[line - 1] ?? '') : '';
}
