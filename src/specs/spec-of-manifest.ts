import type { IdlePolicy } from '../model/app.ts';
import { parseDurationMs } from '../model/duration.ts';
import type { ContainerOrigin, ContainerSpec, DetectRule, FileOption, Spec } from '../model/spec.ts';
import type { OptionRule, OptionRules } from '../model/spec-table.ts';
import { containerOptions } from './container-options.ts';
import type { Manifest, ManifestOption } from './manifest-schema.ts';
import { optionsIn, textOf } from './option-values.ts';
import type { LineOf, SpecFault } from './parse-manifest.ts';

/** A manifest that was read, and what belongs to it. */
export interface ManifestParts {
  readonly name: string;
  readonly manifest: Manifest;
  readonly origin: ContainerOrigin;
}

/** The spec that a manifest describes. */
export function specOfManifest({ name, manifest, origin }: ManifestParts): Spec {
  const { description, detect } = manifest;
  const health = healthOf(manifest.health);
  const idle = idleOf(manifest.idle);
  return {
    name,
    description,
    engine: 'docker',
    rules: {
      needsSource: manifest.source,
      stripPath: manifest.strip_path,
      ...(manifest.strip_path_fixed ? { stripPathFixed: true } : {}),
      containers: true,
      slash: manifest.slash,
      params: 'environment',
      knownParams: rulesOf(manifest.params),
      containerOpts: containerOptions(origin.kind),
      appConfig: rulesOf(manifest.app_config),
    },
    sleeps: true,
    fallback: null,
    buildOptions: [],
    container: containerOf(manifest, origin),
    ...(health === undefined ? {} : { health }),
    ...(idle === undefined ? {} : { idle }),
    ...(detect === undefined ? {} : { detect: detectOf(detect) }),
  };
}

/** What is wrong with a manifest beyond its shape: names of options that it lacks, defaults that are no choice. */
export function manifestFaults(manifest: Manifest, lineOf: LineOf): SpecFault[] {
  const known = new Set(Object.keys(manifest.app_config));
  const templates: readonly (readonly [readonly string[], string])[] = [
    ...manifest.command.map((one) => [['command'], one] as const),
    ...Object.entries(manifest.variables).map(([name, one]) => [['variables', name], one] as const),
    ...Object.entries(manifest.args).map(([name, one]) => [['args', name], one] as const),
    ...(manifest.image === undefined ? [] : [[['image'], manifest.image] as const]),
  ];
  return [
    ...templates.flatMap(([path, template]) =>
      optionsIn(template)
        .filter((name) => !known.has(name))
        .map((name) => ({ line: lineOf(path), message: `${path.join('.')}: {${name}} names no option of app_config` })),
    ),
    ...Object.entries(manifest.app_config).flatMap(([name, option]) =>
      optionFaults(['app_config', name], option, lineOf),
    ),
    ...Object.entries(manifest.params).flatMap(([name, option]) => optionFaults(['params', name], option, lineOf)),
  ];
}

function optionFaults(path: readonly string[], option: ManifestOption, lineOf: LineOf): SpecFault[] {
  const fault = (key: string, message: string) => ({
    line: lineOf([...path, key]),
    message: `${[...path, key].join('.')}: ${message}`,
  });
  if (option.type === 'choice' && option.default !== undefined && !option.of.includes(option.default))
    return [fault('default', 'is none of the choices')];
  return 'as' in option && option.as !== undefined && option.from_files === undefined
    ? [fault('as', 'says what from_files stands for, which is missing')]
    : [];
}

function rulesOf(options: Readonly<Record<string, ManifestOption>>): OptionRules {
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, ruleOf(option)]));
}

function ruleOf(option: ManifestOption): OptionRule {
  const { type: kind, ...rest } = option;
  const { from_files: _files, as: _as, ...rule } = rest as typeof rest & { from_files?: unknown; as?: unknown };
  const given = Object.entries(rule).filter(([, value]) => value !== undefined);
  return { kind, ...Object.fromEntries(given) } as OptionRule;
}

function containerOf(manifest: Manifest, origin: ContainerOrigin): ContainerSpec {
  const byDefault = Object.entries(manifest.params).flatMap(([name, option]) =>
    option.default === undefined ? [] : [[name, textOf(option.default)] as const],
  );
  return {
    origin,
    args: manifest.args,
    command: manifest.command,
    port: manifest.port ?? null,
    variables: { ...Object.fromEntries(byDefault), ...manifest.variables },
    fromFiles: fileOptions(manifest.app_config),
    needs: manifest.needs.map((one) => (typeof one === 'string' ? [one] : one)),
  };
}

function fileOptions(options: Manifest['app_config']): Readonly<Record<string, FileOption>> {
  const found = Object.entries(options).flatMap(([name, option]): [string, FileOption][] =>
    'from_files' in option && option.from_files !== undefined
      ? [[name, { files: option.from_files, as: option.as ?? '{file}' }]]
      : [],
  );
  return Object.fromEntries(found);
}

function detectOf({ files, dependencies, script, order }: NonNullable<Manifest['detect']>): DetectRule {
  return {
    ...(files === undefined ? {} : { files }),
    ...(dependencies === undefined ? {} : { dependencies }),
    ...(script === undefined ? {} : { script }),
    order,
  };
}

function healthOf(health: Manifest['health']): Spec['health'] {
  if (health === undefined) return undefined;
  const intervalMs = health.interval === undefined ? undefined : parseDurationMs(health.interval);
  const timeoutMs = health.timeout === undefined ? undefined : parseDurationMs(health.timeout);
  return {
    ...(health.path === undefined ? {} : { path: health.path }),
    ...(health.expect === undefined ? {} : { expect: health.expect }),
    ...(intervalMs === undefined ? {} : { intervalMs }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
}

function idleOf(idle: Manifest['idle']): Exclude<IdlePolicy, null> | undefined {
  if (idle === undefined || idle === false) return idle;
  const of = typeof idle === 'string' ? { stop: idle } : idle;
  const ms = (one: string | undefined) => (one === undefined ? null : (parseDurationMs(one) ?? null));
  return { pauseMs: ms('pause' in of ? of.pause : undefined), stopMs: ms(of.stop) };
}
