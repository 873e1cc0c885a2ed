import type { Value } from 'starlark-wasm';
import type { Json, JsonObject } from '../model/json.ts';
import type { OptionRules, SpecRules } from '../model/spec-table.ts';
import { describe, type Field, isDict, isSecret } from './field.ts';
import { plainJson } from './json-value.ts';
import { optionsShape } from './options.ts';
import { dictEntries, type Shape } from './shapes.ts';

const RESERVED = new Set(['PORT', 'APP_URL', 'APP_PATH', 'APP_ENV', 'APP_DATA']);
const RESERVED_PREFIX = 'MAINSPRING_';
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * The shape of `params` under a spec: environment variables of any name, or exactly what the spec documents. Overrides of an
 * environment (`partial`) need not repeat what is required.
 */
export function paramsShape(
  rules: SpecRules | undefined,
  spec: string,
  { partial }: { readonly partial: boolean },
): Shape<JsonObject> {
  if (rules === undefined) return environment;
  if (rules.params === 'environment') return documentedEnvironment(rules.knownParams ?? {}, spec, partial);
  const documented = partial ? withoutRequired(rules.params) : rules.params;
  const shape = optionsShape(documented, `Spec "${spec}"`);
  return (value, field) => (hasSecret(value) ? environment(value, field) : shape(value, field));
}

/** Variables of any name; those that the spec documents have to fit. */
function documentedEnvironment(known: OptionRules, spec: string, partial: boolean): Shape<JsonObject> {
  if (Object.keys(known).length === 0) return environment;
  const shape = optionsShape(partial ? withoutRequired(known) : known, `Spec "${spec}"`);
  return (value, field) => {
    const given = environment(value, field);
    if (given === undefined || !isDict(value)) return given;
    const documented = Object.entries(value).filter(
      ([name]) => Object.hasOwn(known, name) && Object.hasOwn(given, name),
    );
    shape(Object.fromEntries(documented), field);
    return given;
  };
}

function withoutRequired(rules: OptionRules): OptionRules {
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, { ...rule, required: false }]));
}

const environment: Shape<JsonObject> = (value, field) => {
  const entries = dictEntries('a dict such as {"BUCKET": "reports"}', value, field);
  const kept = entries?.filter(([name, item]) =>
    [checkName(name, field), checkValue(name, item, field)].every(Boolean),
  );
  return kept && Object.fromEntries(kept.map(([name, item]): [string, Json] => [name, plainJson(item)]));
};

function checkName(name: string, field: Field): boolean {
  if (RESERVED.has(name) || name.startsWith(RESERVED_PREFIX)) {
    field.fail(
      `"${name}" is reserved: Mainspring sets it`,
      `Reserved are ${[...RESERVED].join(', ')} and all that begin with ${RESERVED_PREFIX}.`,
    );
    return false;
  }
  if (NAME.test(name)) return true;
  field.fail(
    `${describe(name)} can't be the name of an environment variable`,
    'Names are letters, digits and "_", and do not begin with a digit.',
  );
  return false;
}

function checkValue(name: string, value: Value, field: Field): boolean {
  const part = field.part(name);
  if (hasSecret(value))
    part.fail(
      'secrets do not exist yet',
      'References to secrets come with a later version; do not write the secret itself into git.',
    );
  else if (value === null)
    part.fail('expected a string, a number, a bool, a list or a dict, got None', 'Leave the name out instead.');
  else if (hasNul(value)) part.fail('a string holds a NUL character, which no environment variable can');
  else return true;
  return false;
}

function hasSecret(value: Value): boolean {
  if (isSecret(value)) return true;
  return Array.isArray(value) || isDict(value) ? Object.values(value).some(hasSecret) : false;
}

function hasNul(value: Value): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return Array.isArray(value) || isDict(value) ? Object.values(value).some(hasNul) : false;
}
