import type { Problem } from '../model/errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { FileOption, Spec } from '../model/spec.ts';
import { listed, problem, type SourceFiles } from './choose-spec.ts';

/** Options of `app_config` with their values. */
export interface OptionValues {
  readonly values: JsonObject;
}

/** What the options of `app_config` come to: given, found in the files, or by default. Those without a value are not there. */
export function optionValues(spec: Spec, appConfig: JsonObject, files: SourceFiles | null): OptionValues | Problem {
  const values: Record<string, Json> = {};
  for (const [name, rule] of Object.entries(spec.rules.appConfig)) {
    const fromFiles = spec.container?.fromFiles[name];
    const found = fromFiles === undefined ? undefined : foundValue(fromFiles, files);
    const value = appConfig[name] ?? found ?? rule.default ?? null;
    if (value !== null) values[name] = value;
    else if (fromFiles !== undefined) return notFound(spec, name, fromFiles, files);
  }
  return { values };
}

function foundValue({ files, as }: FileOption, source: SourceFiles | null): string | undefined {
  const file = files.find((name) => source?.entries.includes(name));
  return file === undefined
    ? undefined
    : as.replaceAll('{file}', file).replaceAll('{stem}', file.replace(/\.[^.]*$/, ''));
}

function notFound(spec: Spec, name: string, { files }: FileOption, source: SourceFiles | null): Problem {
  return problem(
    'spec-undetected',
    `spec "${spec.name}": found ${listed(source?.entries ?? [])}, expected ${files.map((file) => `"${file}"`).join(' or ')} at the top of the source folder`,
    `Add it, or say which one it is: app_config = {"${name}": "…"}.`,
  );
}

const OPTION = /\{([a-z][a-z0-9_]*)\}/g;

/** A text with the values of the options that it names; undefined where one has none. */
export function fillIn(template: string, values: JsonObject): string | undefined {
  let isWhole = true;
  const text = template.replaceAll(OPTION, (_match, name: string) => {
    const value = values[name];
    if (value === undefined) isWhole = false;
    return textOf(value);
  });
  return isWhole ? text : undefined;
}

/** A command with the values of the options that it names: what names one without a value is left out, a list stands for its elements. */
export function fillInCommand(templates: readonly string[], values: JsonObject): readonly string[] {
  return templates.flatMap((template) => {
    const [, name = ''] = /^\{([a-z][a-z0-9_]*)\}$/.exec(template) ?? [];
    const value = values[name];
    if (Array.isArray(value)) return value.map(textOf);
    return fillIn(template, values) ?? [];
  });
}

/** The same for texts by name. */
export function fillInAll(templates: Readonly<Record<string, string>>, values: JsonObject): Record<string, string> {
  return Object.fromEntries(
    Object.entries(templates).flatMap(([name, template]) => {
      const text = fillIn(template, values);
      return text === undefined ? [] : [[name, text]];
    }),
  );
}

/** Names of the options that a text refers to. */
export function optionsIn(template: string): readonly string[] {
  return [...template.matchAll(OPTION)].map(([, name = '']) => name);
}

/** A value as a program gets it. */
export function textOf(value: Json | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') return JSON.stringify(value);
  return String(value);
}
