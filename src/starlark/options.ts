import type { Value } from 'starlark-wasm';
import type { Json, JsonObject } from '../model/json.ts';
import { judgeTarget, parseAllow } from '../model/proxy-target.ts';
import type { OptionRule, OptionRules, SpecRules, SpecTable } from '../model/spec-table.ts';
import type { Field } from './field.ts';
import { plainJson } from './json-value.ts';
import { nameHint } from './nearest.ts';
import { dictEntries, duration, flag, listOf, number, oneOf, type Shape, size, text } from './shapes.ts';

/** Checks a dict against what a spec documents: unknown names, wrong values, and what is missing. Values stay as they are written. */
export function optionsShape(rules: OptionRules, whole: string): Shape<JsonObject> {
  return (value, field) => {
    const entries = dictEntries('a dict', value, field);
    if (entries === undefined) return undefined;
    requireOptions(rules, new Set(entries.map(([name]) => name)), field);
    const kept = entries.filter(([name, option]) => checkOption({ rules, name, option, whole }, field));
    return Object.fromEntries(kept.map(([name, option]) => [name, plainJson(option)]));
  };
}

/** The options that an environment may override: all but those that decide what a build yields. Nothing of them is required there. */
export function overridable(rules: OptionRules): OptionRules {
  const free = Object.entries(rules).filter(([, { build }]) => build !== true);
  return Object.fromEntries(free.map(([name, rule]) => [name, { ...rule, required: false }]));
}

/** Reports every required option that is not there. */
export function requireOptions(rules: OptionRules, given: ReadonlySet<string>, field: Field): void {
  for (const [name, rule] of Object.entries(rules)) {
    if (rule.required === true && !given.has(name))
      field.fail(`needs "${name}"`, `For example ${EXAMPLES[rule.kind](name)}.`);
  }
}

interface Option {
  readonly rules: OptionRules;
  readonly name: string;
  readonly option: Value;
  readonly whole: string;
}

function checkOption({ rules, name, option, whole }: Option, field: Field): boolean {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (rule === undefined) {
    field.fail(`unknown name "${name}"`, nameHint(name, Object.keys(rules), whole));
    return false;
  }
  return optionShape(rule)(option, field.part(name)) !== undefined;
}

// Which addresses may be reached is for the settings to say, when the gateway connects; here only the form of the URL counts.
const ANY_ADDRESS = parseAllow(['0.0.0.0/0', '::/0']);

const url: Shape<string> = (value, field) => {
  const whole = text('a URL such as "https://docs.example.com"', (one) => one !== '')(value, field);
  const fault = whole === undefined ? undefined : judgeTarget(whole, ANY_ADDRESS);
  return fault === undefined ? whole : field.fail(`${fault}, got ${JSON.stringify(whole)}`);
};

const TEXT = text('a string', (one) => !one.includes('\0'));
const COMMAND = text('a command on one line', (one) => one.trim() !== '' && !/[\0\r\n]/.test(one));
const PATH = text('a path below the source folder such as "public/index.html"', isRelativePath);

function optionShape(rule: OptionRule): Shape<Json> {
  switch (rule.kind) {
    case 'text':
      return rule.pattern === undefined ? TEXT : patternText(rule.form ?? 'a string', new RegExp(rule.pattern));
    case 'flag':
      return flag;
    case 'size':
      return size;
    case 'duration':
      return kept(duration({ minMs: 1 }));
    case 'url':
      return url;
    case 'list':
      return listOf('a list of strings', TEXT);
    case 'command':
      return COMMAND;
    case 'path':
      return PATH;
    case 'integer':
    case 'number':
      return number({ ...rule, whole: rule.kind === 'integer' });
    case 'choice':
      return oneOf(rule.of);
    case 'choices':
      return kept(listOf('a list of names', oneOf(rule.of)));
  }
}

function patternText(form: string, pattern: RegExp): Shape<string> {
  return text(form, (one) => pattern.test(one));
}

function kept(shape: Shape<unknown>): Shape<Json> {
  return (value, field) => (shape(value, field) === undefined ? undefined : value);
}

const EXAMPLES: Readonly<Record<OptionRule['kind'], (name: string) => string>> = {
  text: (name) => `{"${name}": "…"}`,
  flag: (name) => `{"${name}": True}`,
  size: (name) => `{"${name}": "512m"}`,
  duration: (name) => `{"${name}": "10s"}`,
  url: (name) => `{"${name}": "https://docs.example.com"}`,
  list: (name) => `{"${name}": ["…"]}`,
  command: (name) => `{"${name}": "make"}`,
  path: (name) => `{"${name}": "public/index.html"}`,
  integer: (name) => `{"${name}": 1}`,
  number: (name) => `{"${name}": 1}`,
  choice: (name) => `{"${name}": "…"}`,
  choices: (name) => `{"${name}": ["…"]}`,
};

/** Whether a text is a plain relative path that stays inside: no `.`, `..` or empty segments, no backslash. */
export function isRelativePath(path: string): boolean {
  const segments = path.split('/');
  return !/[\0\\\r\n]/.test(path) && segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** The rules of a spec; for `auto` everything that a spec it may become allows; `undefined` for an unknown spec, or one with errors. */
export function rulesOf(spec: string, specs: SpecTable): SpecRules | undefined {
  if (spec !== 'auto') return (Object.hasOwn(specs, spec) ? specs[spec] : undefined) ?? undefined;
  return rulesOfAuto.get(specs) ?? makeRulesOfAuto(specs);
}

/** Made once for a table, not for each of ten thousand apps. */
const rulesOfAuto = new WeakMap<SpecTable, SpecRules>();

function makeRulesOfAuto(specs: SpecTable): SpecRules {
  const candidates = Object.values(specs).filter((rules) => rules?.needsSource === true) as readonly SpecRules[];
  const rules: SpecRules = {
    needsSource: true,
    stripPath: true,
    containers: true,
    slash: false,
    params: candidates.some((rules) => rules.params === 'environment') ? 'environment' : {},
    containerOpts: optionsOfAny(candidates.map((rules) => rules.containerOpts)),
    appConfig: optionsOfAny(candidates.map((rules) => rules.appConfig)),
  };
  rulesOfAuto.set(specs, rules);
  return rules;
}

/** Options that one of several specs knows. Which one it will be is not known: what only one of them requires, or would refuse, is not judged here. */
function optionsOfAny(all: readonly OptionRules[]): OptionRules {
  const merged: Record<string, OptionRule> = {};
  for (const [name, { required: _, ...rule }] of all.flatMap((rules) => Object.entries(rules)))
    merged[name] ??= rule as OptionRule;
  return merged;
}

/** Names of given options that are right but have no effect in this version: `container_opts.NAME`. */
export function idleOptions(argument: string, given: JsonObject, rules: OptionRules): readonly string[] {
  return Object.keys(given).flatMap((name) => (rules[name]?.inEffect === false ? [`${argument}.${name}`] : []));
}
