import type { AppDeclaration } from '../model/app.ts';
import { mountedFiles } from '../model/container.ts';
import type { AppId } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import { formatRoute, type Route } from '../model/route.ts';
import type { OptionRules, SpecRules, SpecTable } from '../model/spec-table.ts';
import { argumentsShape, authShape, idShape, refreshShape, routeShape, specShape, volumesShape } from './app-shapes.ts';
import { CallChecker } from './call-checker.ts';
import type { CollectedCall } from './collected.ts';
import { describe, fieldOf } from './field.ts';
import { branchName, commitId, credentialName, sourceShape } from './git-arguments.ts';
import { deepFreeze } from './json-value.ts';
import type { LocatedError, Spot } from './located-error.ts';
import { namesNotInEffect } from './not-in-effect.ts';
import { optionsShape, requireOptions, rulesOf } from './options.ts';
import { paramsShape } from './params.ts';
import { anyDict, healthShape, idleShape, limitsShape, overridesShape, verifyShape } from './policy-shapes.ts';
import { flag, oneOf } from './shapes.ts';

/** One `app()` call as far as it could be read. What is compared across files is there also where something else is wrong. */
export interface CheckedApp {
  readonly route: Route | null;
  /** The `id` argument. */
  readonly id: string | null;
  /** The folder of the config repo that it is made from. */
  readonly folder: string | null;
  readonly at: Spot;
  /** Where `source` stands. */
  readonly sourceAt: Spot;
  readonly trail: string;
  /** Null when there is at least one error. */
  readonly declaration: AppDeclaration | null;
}

/** Checks one `app()` call: the whole table of its arguments. */
export function checkApp(
  call: CollectedCall,
  specs: SpecTable,
): { readonly app: CheckedApp; readonly errors: readonly LocatedError[] } {
  const path = call.args.path;
  const check = new CallChecker(call, typeof path === 'string' ? `app ${describe(path)}` : 'app()');
  const parts = readParts(check, specs);
  const declaration = check.errors.length === 0 ? declare(parts, call) : null;
  const spot = call.argumentSpots.source;
  const app: CheckedApp = {
    route: parts.route ?? null,
    id: parts.id ?? null,
    folder: parts.source?.kind === 'config' ? parts.source.folder : null,
    at: call.at,
    sourceAt: spot === undefined ? call.at : { file: call.at.file, line: spot[0], column: spot[1] },
    trail: call.trail,
    declaration,
  };
  return { app: deepFreeze(app), errors: check.errors };
}

type Parts = ReturnType<typeof readParts>;

function readParts(check: CallChecker, specs: SpecTable) {
  const named = check.take('spec', specShape(specs));
  const spec = named ?? 'auto';
  // Where the spec is wrong, what it allows can't be said: only the shape of what depends on it is checked.
  const rules = check.has('spec') && named === undefined ? undefined : rulesOf(spec, specs);
  check.take('auth', authShape);
  return {
    route: check.need('path', routeShape),
    id: check.take('id', idShape),
    spec,
    ...readSourceAndOptions(check, rules, spec),
    ...readPolicy(check),
    stripPath: readStripPath(check, rules, spec),
    slash: readSlash(check, rules, spec),
    stage: check.take('stage', overridesShape(rules, spec)) ?? true,
    previews: check.take('previews', overridesShape(rules, spec)) ?? true,
    refresh: check.take('refresh', refreshShape),
    rules,
  };
}

/** What an app mounts of its source decides whether it may, and has to, have one. */
function readSourceAndOptions(check: CallChecker, rules: SpecRules | undefined, spec: string) {
  const source = readSource(check);
  const options = readOptions(check, rules, spec);
  const [mounted] = mountedFiles(options.containerVols);
  if (source.source !== undefined && rules !== undefined) checkSource(check, source.source, { rules, spec, mounted });
  return { ...source, ...options };
}

interface SourceRules {
  readonly rules: SpecRules;
  readonly spec: string;
  /** A path of the source that is mounted; undefined: none is. */
  readonly mounted: string | undefined;
}

function checkSource(
  check: CallChecker,
  { kind }: AppDeclaration['source'],
  { rules, spec, mounted }: SourceRules,
): void {
  if (rules.needsSource && kind === 'none') {
    const hint = spec === 'auto' ? 'Name a spec that needs none, such as spec = "proxy", or give a source.' : '';
    check.fail('source', `source: spec "${spec}" needs one, got "-"`, hint);
  }
  const mayHaveOne = rules.needsSource || (rules.containers === true && mounted !== undefined);
  if (!mayHaveOne && kind !== 'none') check.fail('source', `source: spec "${spec}" takes none: expected "-"`);
  if (!rules.needsSource && kind === 'none' && mounted !== undefined)
    check.fail('container_vols', `container_vols: "./${mounted}" is a path of the source, and there is none ("-")`);
}

function readSource(check: CallChecker) {
  const source = check.need('source', sourceShape);
  const gitBranch = check.take('git_branch', branchName) ?? null;
  const gitCommit = check.take('git_commit', commitId) ?? null;
  const gitAuth = check.take('git_auth', credentialName) ?? null;
  if (source === undefined) return { source, gitBranch, gitCommit, gitAuth };
  if (source.kind !== 'repo') refuseGitArguments(check);
  return { source, gitBranch, gitCommit, gitAuth };
}

function refuseGitArguments(check: CallChecker): void {
  for (const name of ['git_branch', 'git_commit', 'git_auth']) {
    const hint = 'A folder of the config repo is taken from the same commit as the config itself.';
    if (check.has(name)) check.fail(name, `${name}: only an app whose source is a repo has one`, hint);
  }
}

function readOptions(check: CallChecker, rules: SpecRules | undefined, spec: string) {
  const whole = `Spec "${spec}"`;
  const params = check.take('params', paramsShape(rules, spec, { partial: false })) ?? {};
  if (rules !== undefined && !check.has('params'))
    requireIn(check, 'params', rules.params === 'environment' ? (rules.knownParams ?? {}) : rules.params);
  return {
    params,
    containerOpts: check.take('container_opts', rules ? optionsShape(rules.containerOpts, whole) : anyDict) ?? {},
    containerArgs: check.take('container_args', argumentsShape) ?? {},
    containerVols: check.take('container_vols', volumesShape) ?? [],
    appConfig: readAppConfig(check, rules, whole),
  };
}

function readAppConfig(check: CallChecker, rules: SpecRules | undefined, whole: string): JsonObject {
  const given = check.take('app_config', rules ? optionsShape(rules.appConfig, whole) : anyDict);
  if (rules !== undefined && !check.has('app_config')) requireIn(check, 'app_config', rules.appConfig);
  return given ?? {};
}

/** Says what is required of an argument that was not given at all. */
function requireIn(check: CallChecker, argument: string, rules: OptionRules): void {
  requireOptions(
    rules,
    new Set(),
    fieldOf((name, message, hint) => check.fail(name, message, hint), argument),
  );
}

function readPolicy(check: CallChecker) {
  return {
    promote: readPromote(check),
    strategy: check.take('strategy', oneOf(['blue_green', 'replace'])) ?? 'blue_green',
    health: check.take('health', healthShape) ?? {},
    idle: check.take('idle', idleShape) ?? null,
    limits: check.take('limits', limitsShape) ?? {},
    verify: check.take('verify', verifyShape) ?? true,
  } as const;
}

function readStripPath(check: CallChecker, rules: SpecRules | undefined, spec: string): boolean | null {
  const stripPath = check.take('strip_path', flag) ?? null;
  if (stripPath !== null && rules?.stripPathFixed === true && stripPath !== rules.stripPath) {
    const [expected, given] = [rules.stripPath, stripPath].map((one) => (one ? 'True' : 'False'));
    check.fail('strip_path', `strip_path: spec "${spec}" works with ${expected} only, got ${given}`, 'Leave it out.');
  }
  return stripPath;
}

function readSlash(check: CallChecker, rules: SpecRules | undefined, spec: string): boolean | null {
  const slash = check.take('slash', flag) ?? null;
  if (slash === false && rules?.slash === 'always')
    check.fail(
      'slash',
      `slash: spec "${spec}" always leads its bare path to the one with a slash: expected True, got False`,
    );
  return slash;
}

/** Without a pin there is nothing that production could follow. */
function readPromote(check: CallChecker): AppDeclaration['promote'] {
  const promote = check.take('promote', oneOf(['on_merge', 'pinned'])) ?? 'on_merge';
  if (promote === 'pinned' && !check.has('git_commit')) {
    const hint = 'Name the commit that production is to run; stage and previews follow the branch.';
    check.fail('promote', 'promote: "pinned" needs git_commit', hint);
  }
  return promote;
}

function declare(parts: Parts, call: CollectedCall): AppDeclaration | null {
  const { route, id, source, rules, refresh, ...rest } = parts;
  if (route === undefined || source === undefined || rules === undefined) return null;
  const period = refresh === undefined ? {} : { refresh };
  const app = { ...rest, ...period, route, source, id: (id ?? formatRoute(route)) as AppId, position: call.at };
  return { ...app, notInEffect: namesNotInEffect(app, rules) };
}
