import { type AppDeclaration, healthOf } from '../model/app.ts';
import { hashOf } from '../model/canonical.ts';
import type { Cause } from '../model/cause.ts';
import type { Desired, DesiredDeployment, Policy, Target } from '../model/desired.ts';
import type { Problem } from '../model/errors.ts';
import { PROD } from '../model/ids.ts';
import type { JsonObject } from '../model/json.ts';
import {
  artifactKey,
  type EngineName,
  type InstanceValues,
  instanceHash,
  type RevisionSpec,
  revisionHash,
} from '../model/revision.ts';
import { prodHost } from '../model/route.ts';
import type { Settings } from '../model/settings.ts';
import { type ConfigState, engineKey, type Snapshot, type SourceState, sourceKey } from '../model/snapshot.ts';
import type { RepoUrl, ResolvedSource } from '../model/source.ts';
import { artifactInputs, type ChosenSpec, chooseSpec, ignoredOptions, isChosen } from '../runtime/specs.ts';

/** Work that is cut into slices: each `yield` is a place where other work may run. */
export type Sliced<T> = Generator<undefined, T>;

const APPS_PER_SLICE = 250;

/** The part of a target that does not depend on which commits it comes from. */
type Core = Omit<Target, 'configCommit' | 'sourceCommit' | 'causes' | 'source'>;

/**
 * What was worked out before, by declaration. Only saves work: a declaration that was not evaluated again is the same object,
 * and with the same files behind it, yields the same target.
 */
export class DesireMemo {
  readonly #cores = new WeakMap<AppDeclaration, { files: string; settings: Settings; core: Core | Problem }>();
  readonly #targets = new WeakMap<AppDeclaration, { of: Origin; target: Target }>();

  /** The remembered value, or the one that `make` yields. */
  core(app: AppDeclaration, files: string, settings: Settings, make: () => Core | Problem): Core | Problem {
    const known = this.#cores.get(app);
    if (known !== undefined && known.files === files && known.settings === settings) return known.core;
    const core = make();
    this.#cores.set(app, { files, settings, core });
    return core;
  }

  /** The remembered target, while it is made from the very same values, or the one that `make` yields. */
  target(app: AppDeclaration, of: Origin, make: () => Target): Target {
    const known = this.#targets.get(app);
    if (known !== undefined && isSameOrigin(known.of, of)) return known.target;
    const target = make();
    this.#targets.set(app, { of, target });
    return target;
  }
}

/** Everything that a target is made from besides its declaration. */
interface Origin {
  readonly core: Core;
  readonly state: ResolvedSource | null;
  readonly config: ConfigState;
}

function isSameOrigin(a: Origin, b: Origin): boolean {
  const { repo, commit, cause } = a.config;
  if (a.core !== b.core || a.state !== b.state) return false;
  return repo === b.config.repo && commit === b.config.commit && cause === b.config.cause;
}

/**
 * What should be, from nothing but the snapshot. Null while no commit of the config repo was accepted: then nothing is wanted
 * and, above all, nothing is unwanted.
 */
export function* desire(snapshot: Snapshot, memo = new DesireMemo()): Sliced<Desired | null> {
  const { config } = snapshot;
  if (config === null) return null;
  const deployments: DesiredDeployment[] = [];
  const apps = config.declarations.apps.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  for (const [index, app] of apps.entries()) {
    if (index % APPS_PER_SLICE === APPS_PER_SLICE - 1) yield;
    deployments.push({ env: PROD, app: app.id, want: wantOf(app, config, snapshot, memo) });
  }
  return {
    configCommit: config.commit,
    cause: config.cause,
    environments: [{ name: PROD, kind: 'prod', cause: null, deployments }],
    allowRemoval: config.declarations.release.allowRemoval,
  };
}

function wantOf(
  app: AppDeclaration,
  config: ConfigState,
  snapshot: Snapshot,
  memo: DesireMemo,
): DesiredDeployment['want'] {
  const key = sourceKey(app);
  const state = key === null ? null : (snapshot.sources.get(key) ?? unseen(key, snapshot));
  const blocked = (problem: Problem) => ({ problem, configCommit: config.commit, cause: config.cause });
  if (state !== null && 'problem' in state) return blocked(state.problem);
  const core = memo.core(app, filesOf(state), snapshot.settings, () => coreOf(app, state, snapshot.settings));
  if ('code' in core) return blocked(core);
  const off = snapshot.engines.get(engineKey(core.inputs.engine, PROD));
  if (off !== undefined) return blocked(off);
  return memo.target(app, { core, state, config }, () => ({
    ...core,
    configCommit: config.commit,
    sourceCommit: state?.commit ?? null,
    causes: { config: config.cause, source: sourceCause(app, state) },
    source: state === null ? null : whereFrom(app, config, state),
  }));
}

/** A source that was never read: because its repo can't be listed, or because nobody looked yet. */
function unseen(key: string, snapshot: Snapshot): SourceState {
  const [url] = key.split('\n');
  const error = snapshot.repos.find(({ repo }) => repo === url)?.error;
  if (error != null) return { problem: error };
  const message = `source "${url}": not looked at yet`;
  return { problem: { code: 'git-list-failed', message, hint: null, retry: 'after-interval' } };
}

/** What of a source's state the target depends on. */
function filesOf(state: ResolvedSource | null): string {
  return state === null ? '' : state.tree;
}

function coreOf(app: AppDeclaration, state: ResolvedSource | null, settings: Settings): Core | Problem {
  const chosen = chooseSpec(app.spec, state);
  if (!isChosen(chosen)) return chosen;
  const { spec } = chosen;
  const inputs = artifactInputs(spec, state?.tree ?? null, app.appConfig);
  const artifact = artifactKey(inputs);
  const revisionSpec = revisionSpecOf(app, chosen, artifact);
  const revision = revisionHash(revisionSpec);
  const values = valuesOf(app, settings);
  const policy = policyOf(app, chosen, settings);
  return {
    revision,
    revisionSpec,
    artifact,
    inputs,
    values,
    policy,
    instanceHash: instanceHash(revision, values),
    policyHash: hashOf(policy),
    notes: notesOf(app, chosen),
  };
}

function revisionSpecOf(app: AppDeclaration, { spec }: ChosenSpec, artifact: Target['artifact']): RevisionSpec {
  const engine: EngineName = spec.engine;
  return {
    artifact,
    engine,
    spec: spec.name,
    params: app.params,
    containerOpts: app.containerOpts,
    containerArgs: app.containerArgs,
    containerVols: app.containerVols,
    appConfig: app.appConfig,
    overrides: { stage: overridesOf(app.stage), previews: overridesOf(app.previews) },
  };
}

function overridesOf(given: AppDeclaration['stage']): { params: JsonObject; containerOpts: JsonObject } {
  if (typeof given === 'boolean') return { params: {}, containerOpts: {} };
  return { params: given.params ?? {}, containerOpts: given.containerOpts ?? {} };
}

function valuesOf(app: AppDeclaration, settings: Settings): InstanceValues {
  const { path } = app.route;
  return {
    url: publicUrl(app, settings),
    path: path === '/' ? '' : path,
    params: app.params,
    containerOpts: app.containerOpts,
  };
}

/** What people type to reach an app in production. */
export function publicUrl(app: Pick<AppDeclaration, 'route'>, settings: Settings): string {
  const url = new URL(settings.publicUrl);
  if (app.route.host !== '') url.hostname = prodHost(app.route, settings.domain);
  return `${url.protocol}//${url.host}${app.route.path}`;
}

function policyOf(app: AppDeclaration, { spec }: ChosenSpec, settings: Settings): Policy {
  return {
    host: prodHost(app.route, settings.domain),
    path: app.route.path,
    stripPath: app.stripPath ?? spec.rules.stripPath,
    fallback: spec.fallback,
    health: healthOf(app.health),
    idle: app.idle,
    verify: app.verify,
    strategy: app.strategy,
    promote: app.promote,
  };
}

function notesOf(app: AppDeclaration, chosen: ChosenSpec): string[] {
  return [
    ...(chosen.found === null ? [] : [`spec "auto": found ${chosen.found}, uses "${chosen.spec.name}"`]),
    ...ignoredOptions(chosen.spec, app),
    ...app.notInEffect.map((name) => `${name}: not in effect yet in this version`),
  ];
}

/** Where the files are had from. A folder of the config repo may be unchanged for long: the commit that is followed surely has it. */
function whereFrom(app: AppDeclaration, config: ConfigState, state: ResolvedSource): NonNullable<Target['source']> {
  if (app.source.kind === 'repo') return { repo: app.source.url as RepoUrl, auth: app.gitAuth, commit: state.commit };
  return { repo: config.repo, auth: null, commit: config.commit };
}

function sourceCause(app: AppDeclaration, state: ResolvedSource | null): Cause | null {
  if (state === null || app.source.kind !== 'repo') return null;
  return {
    kind: 'commit',
    repo: app.source.url,
    ref: app.gitCommit ?? app.gitBranch ?? 'HEAD',
    commit: state.commit,
    author: state.author,
    pull: null,
  };
}
