import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import type { Settings } from '../model/settings.ts';
import { tomlLines } from '../model/toml-lines.ts';
import { type Entries, type Entry, fileEntries } from './entries.ts';
import { environmentEntries, type Variables } from './environment.ts';
import { type Key, type KeyTable, keyTable, patternOf, type ValueOf } from './keys.ts';
import { ruleErrors } from './rules.ts';
import { faultMessage, type SettingsError } from './settings-error.ts';
import { settingsOf } from './settings-of.ts';

/** What the text of the settings is read with. */
export interface ParseOptions {
  /** The path of the file: its folder is what paths are relative to, its name is what errors say. */
  readonly file: string;
  readonly env: Variables;
  /** Default: as many as this machine has. */
  readonly cores?: number;
}

/** The settings, or every error of them. */
export type SettingsResult =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly errors: readonly SettingsError[] };

/** The checked values, by key. */
export interface Values {
  get<K extends Key>(key: K, name?: string): ValueOf<K> | undefined;
  /** Whether the key was given, right or wrong. */
  isGiven(key: Key, name?: string): boolean;
  /** The names in `[section.NAME]`, in order. */
  names(section: 'git_auth' | 'hooks' | 'registry'): readonly string[];
}

/** Reads the text of `mainspring.toml`; variables of the environment win over it. Reads no file, secret ones least of all. */
export function parseSettings(text: string, options: ParseOptions): SettingsResult {
  const table = parseTable(text, options.file);
  if ('error' in table) return { ok: false, errors: [table.error] };
  const folder = dirname(resolve(options.file));
  const keys = keyTable(folder);
  const fromFile = fileEntries(table.table, keys);
  const fromEnv = environmentEntries(options.env, keys, fromFile.sections);
  const lineOf = tomlLines(text);
  const report = (found: Report): SettingsError => reportOf(found, options.file, lineOf);

  const { values, faults } = judge([fromFile, fromEnv], keys);
  const misplaced = [...fromFile.misplaced, ...fromEnv.misplaced];
  const errors = [...misplaced, ...faults, ...ruleErrors(values)].map(report).sort(byLine);
  if (errors.length > 0) return { ok: false, errors };
  const cores = options.cores ?? availableParallelism();
  return { ok: true, settings: settingsOf(values, { folder, cores, later: [...fromFile.later, ...fromEnv.later] }) };
}

/** Something wrong, before its place is known. */
export interface Report {
  readonly path: readonly string[];
  readonly variable: string | null;
  readonly message: string;
  readonly hint: string | null;
}

function parseTable(text: string, file: string): { table: Record<string, unknown> } | { error: SettingsError } {
  try {
    return { table: parseToml(text) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const what = error.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '') ?? '';
    return { error: { key: '', file, line: error.line, message: `is no valid TOML: ${what}`, hint: null } };
  }
}

function reportOf(found: Report, file: string, lineOf: (path: readonly string[]) => number | null): SettingsError {
  const key = found.path.join('.');
  const { variable, hint } = found;
  if (variable === null) return { key, file, line: lineOf(found.path), message: `${key}: ${found.message}`, hint };
  return { key, file: null, line: null, message: `${variable}: ${found.message}`, hint };
}

function byLine(a: SettingsError, b: SettingsError): number {
  return (a.line ?? Number.MAX_SAFE_INTEGER) - (b.line ?? Number.MAX_SAFE_INTEGER);
}

function judge(sources: readonly Entries[], keys: KeyTable): { values: Values; faults: readonly Report[] } {
  // Later sources win, also over a value that is wrong.
  const given = new Map<string, Entry>();
  for (const entry of sources.flatMap((source) => source.entries)) given.set(entry.path.join('.'), entry);
  const right = new Map<string, unknown>();
  const faults: Report[] = [];
  for (const [key, entry] of given) {
    const checked = keys[patternOf(entry.path) as Key].judge(entry.value);
    if ('value' in checked) right.set(key, checked.value);
    else {
      const { path, variable } = entry;
      for (const fault of checked.faults) {
        faults.push({ path, variable, message: faultMessage(fault, entry.value), hint: fault.hint ?? null });
      }
    }
  }
  return { values: valuesOf(right, given, [...new Set(sources.flatMap((source) => source.sections))]), faults };
}

function valuesOf(
  right: ReadonlyMap<string, unknown>,
  given: ReadonlyMap<string, Entry>,
  sections: readonly string[],
): Values {
  const nameOf = (key: Key, name = '') => key.replace('*', name);
  return {
    get: <K extends Key>(key: K, name?: string) => right.get(nameOf(key, name)) as ValueOf<K> | undefined,
    isGiven: (key, name) => given.has(nameOf(key, name)),
    names: (section) =>
      sections.filter((path) => path.startsWith(`${section}.`)).map((path) => path.slice(section.length + 1)),
  };
}
