import { closest, distance } from 'fastest-levenshtein';
import { isSectionName, type KeyTable, LATER_SECTIONS, NAME_FORM, patternOf } from './keys.ts';

/** One value that was given, by the file or by the environment. */
export interface Entry {
  readonly path: readonly string[];
  readonly value: unknown;
  /** The environment variable it comes from; null: the file. */
  readonly variable: string | null;
}

/** Something that can't be read as an entry. */
export interface Misplaced {
  readonly path: readonly string[];
  readonly variable: string | null;
  readonly message: string;
  readonly hint: string | null;
}

/** What a file or an environment gives. */
export interface Entries {
  readonly entries: readonly Entry[];
  readonly misplaced: readonly Misplaced[];
  /** Sections with a chosen name, as `git_auth.acme`. */
  readonly sections: readonly string[];
  /** Sections of later versions. */
  readonly later: readonly string[];
}

/** Takes a parsed file apart into keys and values. Nothing is judged here but the names. */
export function fileEntries(table: Readonly<Record<string, unknown>>, keys: KeyTable): Entries {
  const found = { entries: [], misplaced: [], sections: [], later: [] } as MutableEntries;
  walk(table, [], { found, known: Object.keys(keys) });
  return found;
}

interface MutableEntries {
  entries: Entry[];
  misplaced: Misplaced[];
  sections: string[];
  later: string[];
}

interface Walk {
  readonly found: MutableEntries;
  readonly known: readonly string[];
}

function walk(table: Readonly<Record<string, unknown>>, parents: readonly string[], at: Walk): void {
  for (const [name, value] of Object.entries(table)) visit([...parents, name], value, at);
}

function visit(path: readonly string[], value: unknown, at: Walk): void {
  const { found, known } = at;
  const pattern = patternOf(path);
  if (isLater(path)) found.later.push(...laterNames(path, value));
  else if (known.includes(pattern)) found.entries.push({ path, value, variable: null });
  else if (!known.some((key) => isWithin(key, pattern))) found.misplaced.push(unknownKey(path, known));
  else if (!isTable(value)) found.misplaced.push(notASection(path));
  else if (pattern.endsWith('.*') && !isSectionName(path.at(-1) ?? '')) found.misplaced.push(badName(path));
  else {
    if (pattern.endsWith('.*')) found.sections.push(path.join('.'));
    walk(value, path, at);
  }
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** Whether a key lies within a section, given its pattern. */
function isWithin(key: string, section: string): boolean {
  return key.startsWith(`${section}.`);
}

function isLater(path: readonly string[]): boolean {
  return LATER_SECTIONS.some((section) => section === path[0]);
}

function laterNames(path: readonly string[], value: unknown): string[] {
  const section = path[0] ?? '';
  if (!isTable(value)) return [`[${section}]`];
  return Object.keys(value).map((name) => `[${section}.${name}]`);
}

function unknownKey(path: readonly string[], known: readonly string[]): Misplaced {
  const parent = path.slice(0, -1);
  const prefix = parent.length === 0 ? '' : `${patternOf(parent)}.`;
  const siblings = known
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split('.')[0] ?? '');
  const names = [...new Set(parent.length === 0 ? [...siblings, ...LATER_SECTIONS] : siblings)];
  const where = parent.length === 0 ? 'the settings know' : `[${parent.join('.')}] knows`;
  const near = nearestName(path.at(-1) ?? '', names);
  const elsewhere = known.filter((key) => key.split('.').at(-1) === path.at(-1));
  const hint =
    near !== undefined ? `Did you mean "${[...parent, near].join('.')}"?` : elsewhereHint(elsewhere, names, where);
  return { path, variable: null, message: 'is no setting', hint };
}

function elsewhereHint(elsewhere: readonly string[], names: readonly string[], where: string): string {
  if (elsewhere.length > 0) return `Did you mean "${elsewhere[0]}"?`;
  return `Here ${where} ${names.join(', ')}.`;
}

/** The nearest of some names, if one is near enough to have been meant. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const near = closest(name, names);
  return distance(name, near) <= Math.max(1, Math.floor(name.length / 3)) ? near : undefined;
}

function notASection(path: readonly string[]): Misplaced {
  const name = patternOf([...path, 'x']).endsWith('.*') ? `${path.join('.')}.NAME` : path.join('.');
  return { path, variable: null, message: 'should be a section', hint: `Write [${name}] and its keys below it.` };
}

function badName(path: readonly string[]): Misplaced {
  return { path, variable: null, message: `should have a name of ${NAME_FORM}`, hint: null };
}
