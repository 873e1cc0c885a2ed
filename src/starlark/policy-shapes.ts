import { type AppLimits, type HealthPolicy, healthOf, type IdlePolicy, type Overrides } from '../model/app.ts';
import { formatDuration } from '../model/duration.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { OptionRules, SpecRules } from '../model/spec-table.ts';
import { describe, isDict } from './field.ts';
import { plainJson } from './json-value.ts';
import { optionsShape, overridable } from './options.ts';
import { paramsShape } from './params.ts';
import { byteSize, dictEntries, duration, fields, listOf, number, requestPath, type Shape } from './shapes.ts';

const HEALTH_FIELDS = fields('a dict such as {"path": "/healthz", "timeout": "30s"}', {
  path: requestPath,
  expect: number({ min: 100, max: 599, whole: true }),
  interval: duration({ minMs: 100 }),
  timeout: duration({ minMs: 100 }),
});

/** `health` of an environment that differs: only what was given, in the model's words. */
const partialHealth: Shape<Partial<HealthPolicy>> = (value, field) => {
  const given = HEALTH_FIELDS(value, field);
  if (given === undefined) return undefined;
  return {
    ...(given.path === undefined ? {} : { path: given.path }),
    ...(given.expect === undefined ? {} : { expect: given.expect }),
    ...(given.interval === undefined ? {} : { intervalMs: given.interval }),
    ...(given.timeout === undefined ? {} : { timeoutMs: given.timeout }),
  };
};

/** `health` of an app: only what was given; with the defaults it has to make sense. */
export const healthShape: Shape<Partial<HealthPolicy>> = (value, field) => {
  const given = partialHealth(value, field);
  const whole = given && healthOf(given);
  if (whole === undefined || whole.timeoutMs >= whole.intervalMs) return given;
  const { intervalMs, timeoutMs } = whole;
  return field.fail(
    `"timeout" (${formatDuration(timeoutMs)}) is shorter than "interval" (${formatDuration(intervalMs)})`,
  );
};

const IDLE_DURATION = duration({ minMs: 1_000 });
const startState: Shape<'asleep' | 'awake'> = (value, field) =>
  value === 'asleep' || value === 'awake' ? value : field.fail(`expected "asleep" or "awake", got ${describe(value)}`);
const IDLE_FIELDS = fields('a dict', { pause: IDLE_DURATION, stop: IDLE_DURATION, start: startState });

/** `idle`: False, a duration after which it stops, or both durations and how what is new starts. */
export const idleShape: Shape<Exclude<IdlePolicy, null>> = (value, field) => {
  if (value === false) return false;
  if (isDict(value)) {
    const given = IDLE_FIELDS(value, field);
    const { pause = null, stop = null } = given ?? {};
    if (pause !== null && stop !== null && stop < pause)
      return field.fail('"stop" is shorter than "pause"', 'An app is paused first and stopped later.');
    return given && { pauseMs: pause, stopMs: stop, ...(given.start === 'asleep' ? { startsAsleep: true } : {}) };
  }
  if (typeof value === 'string') {
    const stopMs = IDLE_DURATION(value, field);
    return stopMs === undefined ? undefined : { pauseMs: null, stopMs };
  }
  return field.fail(
    `expected False, a duration such as "30m" or {"pause": "5m", "stop": "30m"}, got ${describe(value)}`,
    value === true ? 'Leave it out for the default.' : undefined,
  );
};

const LIMITS_FIELDS = fields('a dict such as {"body": "10m", "requests": 50}', {
  body: byteSize({ min: '1k', max: '1024g' }),
  requests: number({ min: 1, max: 100_000, whole: true }),
  queue: number({ min: 0, max: 100_000, whole: true }),
  drain: duration({ minMs: 1_000, maxMs: 86_400_000 }),
});

/** `limits`: only what was given, in the model's words. */
export const limitsShape: Shape<AppLimits> = (value, field) => {
  const given = LIMITS_FIELDS(value, field);
  if (given === undefined) return undefined;
  const { body, requests, queue, drain } = given;
  return {
    ...(body === undefined ? {} : { bodyBytes: body }),
    ...(requests === undefined ? {} : { requests }),
    ...(queue === undefined ? {} : { queue }),
    ...(drain === undefined ? {} : { drainMs: drain }),
  };
};

/** Any dict: where a spec is unknown, what it allows can't be said. */
export const anyDict: Shape<JsonObject> = (value, field) => {
  const entries = dictEntries('a dict', value, field);
  return entries && Object.fromEntries(entries.map(([name, item]): [string, Json] => [name, plainJson(item)]));
};

/** `container_opts` of an environment that differs: what decides a build is the same everywhere. */
function overridesOf(rules: OptionRules, spec: string): Shape<JsonObject> {
  return (value, field) => {
    const built = isDict(value) ? Object.keys(value).filter((name) => rules[name]?.build === true) : [];
    for (const name of built)
      field
        .part(name)
        .fail('decides what is built, which is the same in every environment', 'Say it in container_opts.');
    if (built.length > 0) return undefined;
    return optionsShape(overridable(rules), `Of spec "${spec}", an environment`)(value, field);
  };
}

/** `stage` and `previews`: True, False, or what differs there. */
export function overridesShape(rules: SpecRules | undefined, spec: string): Shape<boolean | Overrides> {
  const dict = fields('True, False or a dict such as {"params": {…}}', {
    params: paramsShape(rules, spec, { partial: true }),
    container_opts: rules === undefined ? anyDict : overridesOf(rules.containerOpts, spec),
    idle: idleShape,
    health: partialHealth,
    limits: limitsShape,
  });
  return (value, field) => {
    if (typeof value === 'boolean') return value;
    const given = dict(value, field);
    if (given === undefined) return undefined;
    const { container_opts: containerOpts, ...rest } = given;
    return containerOpts === undefined ? rest : { ...rest, containerOpts };
  };
}

const PATHS = listOf('True, False, a path or a list of paths', requestPath);

/** `verify`: True, False, or what must answer as well. */
export const verifyShape: Shape<boolean | readonly string[]> = (value, field) => {
  if (typeof value === 'boolean') return value;
  if (typeof value !== 'string') return PATHS(value, field);
  const path = requestPath(value, field);
  return path === undefined ? undefined : [path];
};
