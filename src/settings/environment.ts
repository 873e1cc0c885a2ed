import type { Entries, Entry, Misplaced } from './entries.ts';
import { nearestName } from './entries.ts';
import { isSectionName, type Key, type KeyTable, LATER_SECTIONS, patternOf } from './keys.ts';

const PREFIX = 'MAINSPRING_';
/** Variables with this prefix are the daemon's own (between its processes, and for tests): no settings. */
const INTERNAL_PREFIX = 'MAINSPRING_INTERNAL_';

/** The environment, or as much of it as matters. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The keys that `MAINSPRING_SECTION__KEY` variables set, their texts turned into values as the file would have them.
 * `sections` are the named sections of the file: `MAINSPRING_GIT_AUTH__ACME_CORP__USERNAME` means `git_auth.acme-corp` there.
 */
export function environmentEntries(env: Variables, keys: KeyTable, sections: readonly string[]): Entries {
  const entries: Entry[] = [];
  const misplaced: Misplaced[] = [];
  const later: string[] = [];
  for (const [variable, text] of Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (text === undefined || !variable.startsWith(PREFIX) || variable.startsWith(INTERNAL_PREFIX)) continue;
    const path = pathOf(variable, sections);
    const pattern = patternOf(path);
    if (LATER_SECTIONS.some((section) => section === path[0])) later.push(variable);
    else if (isKey(pattern, keys) && isNameFine(path, pattern)) {
      entries.push({ path, value: keys[pattern].readText(text), variable });
    } else misplaced.push(unknownVariable(variable, path, keys));
  }
  return { entries, misplaced, later, sections: namedSections(entries) };
}

/** The variable that sets a key. */
export function variableFor(path: readonly string[]): string {
  return PREFIX + path.map(variablePart).join('__');
}

function variablePart(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

function pathOf(variable: string, sections: readonly string[]): string[] {
  const parts = variable.slice(PREFIX.length).split('__');
  const [section = '', name = '', ...rest] = parts.map((part) => part.toLowerCase());
  const named = sections.find((known) => variableFor(known.split('.')) === variableFor([section, name]));
  if (parts.length === 1) return [section];
  return named === undefined ? [section, name, ...rest] : [...named.split('.'), ...rest];
}

function isKey(pattern: string, keys: KeyTable): pattern is Key {
  return Object.hasOwn(keys, pattern);
}

function isNameFine(path: readonly string[], pattern: string): boolean {
  return !pattern.includes('*') || isSectionName(path[1] ?? '');
}

function namedSections(entries: readonly Entry[]): string[] {
  const named = entries.filter(({ path }) => patternOf(path).includes('*'));
  return [...new Set(named.map(({ path }) => path.slice(0, 2).join('.')))];
}

function unknownVariable(variable: string, path: readonly string[], keys: KeyTable): Misplaced {
  const name = path[1] ?? 'NAME';
  const known = Object.keys(keys).map((key) => variableFor(key.replace('*', name).split('.')).slice(PREFIX.length));
  const near = nearestName(variable.slice(PREFIX.length), known);
  const hint =
    near === undefined ? 'Keys of a section are written MAINSPRING_SECTION__KEY.' : `Did you mean ${PREFIX}${near}?`;
  return { path, variable, message: 'is no setting', hint };
}
