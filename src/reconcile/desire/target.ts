import {
  type AppDeclaration,
  type AppLimits,
  type HealthPolicy,
  healthOf,
  type IdlePolicy,
  idleOf,
  type Overrides,
} from '../../model/app.ts';
import { hashOf } from '../../model/canonical.ts';
import type { Cause } from '../../model/cause.ts';
import type { Blocked, DesiredDeployment, Policy, Target } from '../../model/desired.ts';
import { type EnvKind, envHost } from '../../model/environment.ts';
import type { Problem } from '../../model/errors.ts';
import { type EnvName, STAGE } from '../../model/ids.ts';
import type { JsonObject } from '../../model/json.ts';
import {
  type ArtifactInputs,
  artifactKey,
  type InstanceValues,
  instanceHash,
  type RevisionSpec,
  revisionHash,
} from '../../model/revision.ts';
import type { Settings } from '../../model/settings.ts';
import { type ConfigState, engineKey, type Snapshot, type SourceState } from '../../model/snapshot.ts';
import type { RepoUrl, ResolvedSource } from '../../model/source.ts';
import type { Spec, SpecBook } from '../../model/spec.ts';
import type { SpecRules } from '../../model/spec-table.ts';
import { type ChosenSpec, chooseSpec, isChosen } from '../../specs/choose-spec.ts';
import { type AppDescription, describeApp } from '../../specs/describe-app.ts';
import { ignoredOptions } from '../../specs/ignored-options.ts';
import { refreshPeriod } from '../../specs/refresh-period.ts';
import type { CoreOrigin, Origin, TargetMemo } from './memo.ts';

/** The environment that an app is to run in. */
export interface Place {
  readonly env: EnvName;
  readonly kind: EnvKind;
}

/** The same, with what the policy of previews says of what is new there. */
interface RulesOfPlace extends Place {
  readonly startsAsleep: boolean;
}

/** The part of a target that does not depend on which commits it comes from. */
export type Core = Omit<Target, 'configCommit' | 'sourceCommit' | 'causes' | 'source'>;

/** The commit of the config repo that a declaration is from. */
export type DeclaredIn = Pick<ConfigState, 'repo' | 'commit' | 'cause'>;

/** An app as declared somewhere, with its files. */
export interface Declared {
  readonly app: AppDeclaration;
  readonly config: DeclaredIn;
  /** What the names of specs mean there. */
  readonly specs: SpecBook;
  /** Null: it needs no source. */
  readonly state: SourceState | null;
  /** The branch that its files are from, where that is not the declared one. */
  readonly ref: string | null;
}

/** What should run of an app in an environment, or why that can't be said. */
export function wantOf(declared: Declared, place: Place, snapshot: Snapshot, memo: TargetMemo): Target | Blocked {
  const { app, config, specs, state, ref } = declared;
  const blocked = (problem: Problem): Blocked => ({ problem, configCommit: config.commit, cause: config.cause });
  if (state !== null && 'problem' in state) return blocked(state.problem);
  const { settings, engines, at } = snapshot;
  const refresh = refreshPeriod(app, at);
  const startsAsleep = place.kind === 'preview' && snapshot.config?.declarations.previews.asleep === true;
  const files = `${filesOf(state)}${startsAsleep ? ' asleep' : ''}`;
  const from: CoreOrigin = { files, settings, specs, refresh };
  const core = memo.core(app, from, () => coreOf(app, state, { ...place, startsAsleep }, from));
  if ('code' in core) return blocked(core);
  const off = engines.get(engineKey(core.inputs.engine, place.kind));
  if (off !== undefined) return blocked(off);
  const origin: Origin = { core, state, config, ref };
  return memo.target(app, origin, () => ({
    ...core,
    configCommit: config.commit,
    sourceCommit: state?.commit ?? null,
    causes: { config: config.cause, source: sourceCause(app, state, ref) },
    source: state === null ? null : whereFrom(app, config, state),
  }));
}

/** What a revision is made of, whatever the environment; a problem where that can't be said. */
export interface Described {
  readonly chosen: ChosenSpec;
  readonly inputs: ArtifactInputs;
  readonly revisionSpec: RevisionSpec;
  readonly revision: Target['revision'];
}

/** Describes the revision of an app with these files. `refresh` names the period that its artifact is made for. */
export function describe(
  app: AppDeclaration,
  state: ResolvedSource | null,
  specs: SpecBook,
  refresh: string | null = null,
): Described | Problem {
  const chosen = chooseSpec(app.spec, state, specs);
  if (!isChosen(chosen)) return chosen;
  const description = describeApp(chosen.spec, { app, source: state, refresh });
  if ('code' in description) return description;
  const revisionSpec = revisionSpecOf(app, chosen, description);
  return { chosen, inputs: description.inputs, revisionSpec, revision: revisionHash(revisionSpec) };
}

/** Names the files of an app and what was read of them: an earlier version read less. */
function filesOf(state: ResolvedSource | null): string {
  return state === null ? '' : `${state.tree}${state.survey === undefined ? ' unsurveyed' : ''}`;
}

function coreOf(
  app: AppDeclaration,
  state: ResolvedSource | null,
  place: RulesOfPlace,
  { settings, specs, refresh }: CoreOrigin,
): Core | Problem {
  const described = describe(app, state, specs, refresh);
  if ('code' in described) return described;
  const { chosen, inputs, revisionSpec, revision } = described;
  const overrides = overridesAt(app, place);
  const values = valuesOf(app, overrides, place, settings);
  const policy = policyOf({ app, chosen, overrides, place, settings });
  return {
    revision,
    revisionSpec,
    artifact: revisionSpec.artifact,
    inputs,
    values,
    policy,
    instanceHash: instanceHash(revision, values),
    policyHash: hashOf(policy),
    notes: notesOf(app, chosen),
  };
}

function revisionSpecOf(app: AppDeclaration, { spec }: ChosenSpec, { inputs, run }: AppDescription): RevisionSpec {
  return {
    artifact: artifactKey(inputs),
    engine: spec.engine,
    spec: spec.name,
    params: app.params,
    containerOpts: app.containerOpts,
    containerArgs: app.containerArgs,
    containerVols: app.containerVols,
    appConfig: app.appConfig,
    ...(run === undefined ? {} : { run }),
    overrides: { stage: revisionOverrides(app.stage), previews: revisionOverrides(app.previews) },
  };
}

function revisionOverrides(given: AppDeclaration['stage']): { params: JsonObject; containerOpts: JsonObject } {
  if (typeof given === 'boolean') return { params: {}, containerOpts: {} };
  return { params: given.params ?? {}, containerOpts: given.containerOpts ?? {} };
}

/** What is declared to differ in this environment. */
function overridesAt(app: AppDeclaration, { kind }: Place): Overrides {
  const given = kind === 'stage' ? app.stage : kind === 'preview' ? app.previews : true;
  return typeof given === 'boolean' ? {} : given;
}

function valuesOf(app: AppDeclaration, overrides: Overrides, place: Place, settings: Settings): InstanceValues {
  const { path } = app.route;
  return {
    url: publicUrl(app, place, settings),
    path: path === '/' ? '' : path,
    params: { ...app.params, ...overrides.params },
    containerOpts: { ...app.containerOpts, ...overrides.containerOpts },
  };
}

/** What people type to reach an app in an environment. */
export function publicUrl(app: Pick<AppDeclaration, 'route'>, place: Place, settings: Settings): string {
  const url = new URL(settings.publicUrl);
  // The public URL may have another name than the domain: it is what people type for the default domain's apps.
  if (place.kind !== 'prod' || app.route.host !== '') url.hostname = envHost(place.env, app.route, settings);
  return `${url.protocol}//${url.host}${app.route.path}`;
}

interface PolicyParts {
  readonly app: AppDeclaration;
  readonly chosen: ChosenSpec;
  readonly overrides: Overrides;
  readonly place: RulesOfPlace;
  readonly settings: Settings;
}

function policyOf({ app, chosen, overrides, place, settings }: PolicyParts): Policy {
  const { spec } = chosen;
  const isStagedFirst = place.kind === 'prod' && app.stage !== false && app.promote === 'on_merge';
  return {
    host: envHost(place.env, app.route, settings),
    path: app.route.path,
    stripPath: (spec.rules.stripPathFixed === true ? null : app.stripPath) ?? spec.rules.stripPath,
    ...slashOf(app.slash, spec.rules.slash),
    fallback: spec.fallback,
    health: healthOf({ ...healthAt(spec, app), ...app.health, ...overrides.health }),
    ...limitsOf({ ...app.limits, ...overrides.limits }),
    idle: spec.sleeps ? idleAt({ app, chosen, overrides, place }) : null,
    verify: app.verify,
    strategy: app.strategy,
    promote: app.promote,
    after: isStagedFirst ? STAGE : null,
  };
}

/** What the spec says of health, at the path of the app. */
function healthAt({ health }: Spec, { route }: AppDeclaration): Partial<HealthPolicy> {
  if (health?.path === undefined) return health ?? {};
  return { ...health, path: health.path.replace('{APP_PATH}', route.path === '/' ? '' : route.path) };
}

function idleAt({ app, chosen, overrides, place }: Omit<PolicyParts, 'settings'>): IdlePolicy {
  const idle = idleOf(
    { kind: place.kind, engine: chosen.spec.engine },
    app.idle ?? chosen.spec.idle ?? null,
    overrides.idle,
  );
  return place.startsAsleep && typeof idle === 'object' && idle !== null ? { ...idle, startsAsleep: true } : idle;
}

function slashOf(declared: boolean | null, ruled: SpecRules['slash']): Pick<Policy, 'slash'> {
  return ruled !== 'always' && (declared ?? ruled) ? { slash: true } : {};
}

function limitsOf(limits: AppLimits): Pick<Policy, 'limits'> {
  return Object.keys(limits).length === 0 ? {} : { limits };
}

function notesOf(app: AppDeclaration, chosen: ChosenSpec): string[] {
  return [
    ...(chosen.found === null ? [] : [`spec "auto": found ${chosen.found}, uses "${chosen.spec.name}"`]),
    ...ignoredOptions(chosen.spec, app),
    ...(app.stripPath !== null &&
    chosen.spec.rules.stripPathFixed === true &&
    app.stripPath !== chosen.spec.rules.stripPath
      ? [`strip_path has no effect: spec "${chosen.spec.name}" works one way only`]
      : []),
    ...(app.slash === false && chosen.spec.rules.slash === 'always'
      ? [`slash has no effect: spec "${chosen.spec.name}" always leads its bare path to the one with a slash`]
      : []),
    ...(app.idle === null || chosen.spec.sleeps
      ? []
      : [`idle has no effect: nothing runs of spec "${chosen.spec.name}"`]),
    ...(chosen.spec.sleeps && chosen.spec.engine !== 'docker' && saysPause(app)
      ? [`idle: "pause" has no effect: what engine "${chosen.spec.engine}" runs is only stopped`]
      : []),
    ...app.notInEffect.map((name) => `${name}: not in effect yet in this version`),
  ];
}

function saysPause({ idle, stage, previews }: AppDeclaration): boolean {
  const there = [stage, previews].map((given) => (typeof given === 'boolean' ? undefined : given.idle));
  return [idle, ...there].some((policy) => typeof policy === 'object' && policy?.pauseMs != null);
}

/** Where the files are had from. A folder of the config repo may be unchanged for long: the commit that declares it surely has it. */
function whereFrom(app: AppDeclaration, config: DeclaredIn, state: ResolvedSource): NonNullable<Target['source']> {
  if (app.source.kind === 'repo') return { repo: app.source.url as RepoUrl, auth: app.gitAuth, commit: state.commit };
  return { repo: config.repo, auth: null, commit: config.commit };
}

function sourceCause(app: AppDeclaration, state: ResolvedSource | null, ref: string | null): Cause | null {
  if (state === null || app.source.kind !== 'repo') return null;
  return {
    kind: 'commit',
    repo: app.source.url,
    ref: ref ?? app.gitCommit ?? app.gitBranch ?? 'HEAD',
    commit: state.commit,
    author: state.author,
    pull: null,
  };
}

/** A deployment and what is wanted of it. */
export function deploymentAt(
  declared: Declared,
  place: Place,
  snapshot: Snapshot,
  memo: TargetMemo,
): DesiredDeployment {
  return { env: place.env, app: declared.app.id, want: wantOf(declared, place, snapshot, memo) };
}
