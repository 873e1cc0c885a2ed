import { distance } from 'fastest-levenshtein';
import type { AppDeclaration } from '../model/app.ts';
import type { ErrorCode, Problem } from '../model/errors.ts';
import type { TreeId } from '../model/ids.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { ArtifactInputs, EngineName } from '../model/revision.ts';
import type { OptionRules, SpecRules, SpecTable } from '../model/spec-table.ts';
import { formatProcfileFault, webCommand } from './process/procfile.ts';

/** One app spec: which engine runs it, what an app may say, what goes into a build. */
export interface Spec {
  readonly name: string;
  readonly engine: EngineName;
  readonly rules: SpecRules;
  /** Whether something of it runs that may be stopped while nobody uses it. */
  readonly sleeps: boolean;
  /** The file that a static tree serves for what does not exist; null: 404, or nothing static. */
  readonly fallback: string | null;
  /** Names in `app_config` that decide what a build yields. All others may change without one. */
  readonly buildOptions: readonly string[];
}

/** What is looked at to find a spec: the top of the source folder. */
export interface SourceFiles {
  /** Names of the entries; folders end with a slash. */
  readonly entries: readonly string[];
  /** The text of `Procfile`, if there is one. */
  readonly procfile: string | null;
}

/** The spec that an app gets, and for `auto` what was found, for the plan. */
export interface ChosenSpec {
  readonly spec: Spec;
  readonly found: string | null;
}

const STATIC_CONFIG: OptionRules = { index: { kind: 'path' } };

const STATIC: Spec = {
  name: 'static',
  engine: 'static',
  rules: {
    needsSource: true,
    stripPath: true,
    slash: 'always',
    params: {},
    containerOpts: {},
    appConfig: STATIC_CONFIG,
  },
  sleeps: false,
  fallback: null,
  buildOptions: [],
};

const STATIC_SINGLE: Spec = { ...STATIC, name: 'static_single', fallback: 'index.html' };

const PROCFILE: Spec = {
  name: 'procfile',
  engine: 'process',
  rules: {
    needsSource: true,
    stripPath: true,
    // The app may well answer there itself.
    slash: false,
    params: 'environment',
    containerOpts: {
      memory: { kind: 'size' },
      cpus: { kind: 'number', min: 0.01 },
      pids: { kind: 'integer', min: 1 },
      nofile: { kind: 'integer', min: 16 },
    },
    appConfig: { build: { kind: 'command' }, build_timeout: { kind: 'duration' } },
  },
  sleeps: true,
  fallback: null,
  buildOptions: ['build', 'build_timeout'],
};

const PROXY: Spec = {
  name: 'proxy',
  engine: 'proxy',
  rules: {
    needsSource: false,
    stripPath: true,
    slash: false,
    params: { url: { kind: 'url', required: true } },
    containerOpts: {},
    appConfig: {},
  },
  sleeps: false,
  fallback: null,
  buildOptions: [],
};

/** The specs of this version. */
export const SPECS: readonly Spec[] = [STATIC, STATIC_SINGLE, PROCFILE, PROXY];

/** What the config dialect checks apps against. */
export const SPEC_TABLE: SpecTable = Object.fromEntries(SPECS.map((spec) => [spec.name, spec.rules]));

/** Names of all specs, in order. */
export const SPEC_NAMES: readonly string[] = SPECS.map((spec) => spec.name);

/** The spec of that name; `auto` is none. */
export function findSpec(name: string): Spec | undefined {
  return SPECS.find((spec) => spec.name === name);
}

/** The spec that a declaration means: the named one, or for `auto` what the files say. A problem where that can't be used. */
export function chooseSpec(name: string, files: SourceFiles | null): ChosenSpec | Problem {
  if (name === 'auto') return files === null ? noSource() : detectSpec(files);
  const spec = findSpec(name);
  if (spec === undefined) return unknownSpec(name);
  if (spec.rules.needsSource && files === null) return noSource(name);
  return procfileProblem(spec, files) ?? { spec, found: null };
}

/** Whether choosing gave a spec. */
export function isChosen(chosen: ChosenSpec | Problem): chosen is ChosenSpec {
  return 'spec' in chosen;
}

/** What `auto` makes of the files of a source folder. */
export function detectSpec(files: SourceFiles): ChosenSpec | Problem {
  const has = (name: string) => files.entries.includes(name);
  if (has('Procfile')) return procfileProblem(PROCFILE, files) ?? { spec: PROCFILE, found: 'Procfile' };
  const container = ['Containerfile', 'Dockerfile'].find(has);
  if (container !== undefined) return containerProblem(container, has('index.html'));
  if (has('index.html')) return { spec: STATIC, found: 'index.html' };
  return problem(
    'spec-undetected',
    `spec "auto": found ${listed(files.entries)}, expected a Procfile or an index.html at the top of the source folder`,
    'Add a Procfile ("web: command") or an index.html, name the subfolder in the source, or name a spec in app().',
  );
}

/** What of `app_config` decides what a build yields: a part of the artifact's key. */
export function buildInputs(spec: Spec, appConfig: JsonObject): JsonObject {
  const used = spec.buildOptions.flatMap((name): [string, Json][] => {
    const value = appConfig[name];
    return value === undefined || value === null ? [] : [[name, value]];
  });
  return Object.fromEntries(used);
}

/** Everything that decides what a build yields. Params, limits and all that an environment may override are not in it. */
export function artifactInputs(spec: Spec, tree: TreeId | null, appConfig: JsonObject): ArtifactInputs {
  return {
    engine: spec.engine,
    spec: spec.name,
    tree: spec.rules.needsSource ? tree : null,
    build: buildInputs(spec, appConfig),
  };
}

/** What an app says that the spec found by `auto` does not know: has no effect, and is told in the plan. */
export function ignoredOptions(
  spec: Spec,
  app: Pick<AppDeclaration, 'params' | 'containerOpts' | 'appConfig'>,
): string[] {
  const unknown = (what: string, given: JsonObject, rules: OptionRules) =>
    Object.keys(given)
      .filter((name) => !Object.hasOwn(rules, name))
      .map((name) => `${what} "${name}" has no effect: spec "${spec.name}" does not know it`);
  return [
    ...(spec.rules.params === 'environment' ? [] : unknown('params', app.params, spec.rules.params)),
    ...unknown('container_opts', app.containerOpts, spec.rules.containerOpts),
    ...unknown('app_config', app.appConfig, spec.rules.appConfig),
  ];
}

/** The file that is served for a folder of a static app. */
export function indexFile(appConfig: JsonObject): string {
  return typeof appConfig.index === 'string' ? appConfig.index : 'index.html';
}

function procfileProblem(spec: Spec, files: SourceFiles | null): Problem | null {
  if (spec.name !== 'procfile' || files === null) return null;
  if (files.procfile === null) {
    const message = `spec "procfile": found ${listed(files.entries)}, expected a file Procfile at the top of the source folder`;
    return problem('spec-undetected', message, 'Add a Procfile with a line "web: command".');
  }
  const web = webCommand(files.procfile);
  if ('command' in web) return null;
  return problem('spec-undetected', formatProcfileFault(web), 'A line of a Procfile is "web: command".');
}

function containerProblem(file: string, hasIndex: boolean): Problem {
  const aside = hasIndex ? ', or say spec = "static" to serve the files as they are' : '';
  return problem(
    'spec-undetected',
    `spec "auto": found ${file}, but this version runs no containers; they come with a later one`,
    `Until then: add a Procfile ("web: command")${aside}.`,
  );
}

function unknownSpec(name: string): Problem {
  const nearest = SPEC_NAMES.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
  const guess = distance(name, nearest) <= 3 ? `Did you mean "${nearest}"? ` : '';
  return problem('spec-unknown', `spec "${name}" is not known`, `${guess}There are: auto, ${SPEC_NAMES.join(', ')}.`);
}

function noSource(name = 'auto'): Problem {
  return problem(
    'spec-undetected',
    `spec "${name}" needs a source, found "-"`,
    'Give app() a source, or spec = "proxy".',
  );
}

function listed(entries: readonly string[]): string {
  if (entries.length === 0) return 'an empty folder';
  const shown = entries.slice(0, 8).map((entry) => `"${entry}"`);
  return entries.length > shown.length
    ? `${shown.join(', ')} and ${entries.length - shown.length} more`
    : shown.join(', ');
}

function problem(code: ErrorCode, message: string, hint: string): Problem {
  return { code, message, hint, retry: 'needs-human' };
}
