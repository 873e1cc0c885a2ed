import type { AppLimits, HealthPolicy, IdlePolicy } from '../../model/app.ts';
import { hashOf, isSameJson, sha256Hex } from '../../model/canonical.ts';
import type { Target } from '../../model/desired.ts';
import { formatDuration } from '../../model/duration.ts';
import type { Json } from '../../model/json.ts';
import type { ArtifactInputs } from '../../model/revision.ts';

/** An argument of `app()` that differs, with what it was and what it is to be. */
export interface ArgumentChange {
  readonly argument: string;
  readonly from: Json;
  readonly to: Json;
}

/** What differs between two targets, by the names of `app()`'s arguments. */
export function changedArguments(from: Target, to: Target): string[] {
  return changesOf(from, to).map(({ argument }) => argument);
}

/** What differs between two targets, each with its value before and after: the one in this environment, where that is what differs. */
export function changesOf(from: Target, to: Target): ArgumentChange[] {
  const after = valuesOf(to);
  const changes = valuesOf(stagedAs(from, to)).flatMap(([argument, ...before], index): ArgumentChange[] => {
    const [, ...now] = after[index] ?? [argument];
    const shown = before.findIndex((value, which) => differs(value, now[which] ?? null));
    return shown < 0 ? [] : [{ argument, from: before[shown] ?? null, to: now[shown] ?? null }];
  });
  if (changes.length > 0) return changes.map((one) => withCommits(one, from, to));
  // Nobody changed the app: another version of its spec runs it in another way.
  if (from.revision !== to.revision) return [{ argument: 'spec', from: runOf(from), to: runOf(to) }];
  if (from.values.url === to.values.url) return [];
  // Nobody changed the app: the settings give it another address.
  return [{ argument: 'public_url', from: from.values.url, to: to.values.url }];
}

function runOf({ revisionSpec: { spec, run } }: Target): Json {
  return `${spec} ${hashOf((run ?? null) as Json).slice(0, 12)}`;
}

/** A pin has no stage before it: where that is what differs, it is told as `promote` alone. */
function stagedAs(from: Target, { policy: { promote, after } }: Target): Target {
  return from.policy.promote === promote ? from : { ...from, policy: { ...from.policy, after } };
}

function differs(a: Json, b: Json): boolean {
  return !isSameJson({ value: a }, { value: b });
}

/** Files are compared by their tree, for people they are those of a commit. */
function withCommits(change: ArgumentChange, from: Target, to: Target): ArgumentChange {
  if (change.argument !== 'source') return change;
  return { argument: 'source', from: sourceOf(from), to: sourceOf(to) };
}

function sourceOf({ inputs, source, sourceCommit }: Target): Json {
  return inputs.tree === null ? null : { repo: source?.repo ?? null, commit: sourceCommit, tree: inputs.tree };
}

/** The arguments of a target, each with the values that it stands for; what matters most for people first. */
function valuesOf({ policy, revisionSpec, values, inputs }: Target): [string, ...Json[]][] {
  const { overrides } = revisionSpec;
  return [
    ['path', `${policy.host}${policy.path}`],
    ['source', inputs.tree],
    ['spec', revisionSpec.spec, textOfSpec(inputs)],
    ['params', values.params, revisionSpec.params],
    ['container_opts', values.containerOpts, revisionSpec.containerOpts],
    ['container_args', revisionSpec.containerArgs],
    ['container_vols', revisionSpec.containerVols],
    ['refresh', refreshOf(inputs)],
    ['app_config', revisionSpec.appConfig],
    ['stage', overridesOf(overrides.stage), policy.after !== null],
    ['previews', overridesOf(overrides.previews)],
    ['strip_path', policy.stripPath],
    ['slash', policy.slash === true],
    ['health', healthOf(policy.health)],
    ['idle', idleOf(policy.idle)],
    ['limits', limitsOf(policy.limits ?? {})],
    ['verify', policy.verify],
    ['strategy', policy.strategy],
    ['promote', policy.promote],
  ];
}

/** Names the text that a container of it is built by, where its spec brings one: another version of the spec is another text. */
function textOfSpec({ spec, build, engine }: ArtifactInputs): Json {
  const { containerfile } = build;
  return engine === 'docker' && typeof containerfile === 'string'
    ? `${spec} ${sha256Hex(containerfile).slice(0, 12)}`
    : null;
}

/** The period that the artifact is made for. */
function refreshOf({ build, engine }: ArtifactInputs): Json {
  return engine === 'docker' ? (build.refresh ?? null) : null;
}

function overridesOf({ params, containerOpts }: Target['revisionSpec']['overrides']['stage']): Json {
  return { params, container_opts: containerOpts };
}

function healthOf({ path, expect, intervalMs, timeoutMs }: HealthPolicy): Json {
  return { path, expect, interval: formatDuration(intervalMs), timeout: formatDuration(timeoutMs) };
}

function idleOf(idle: IdlePolicy): Json {
  if (idle === null || idle === false) return idle;
  const text = (ms: number | null) => (ms === null ? null : formatDuration(ms));
  return { pause: text(idle.pauseMs), stop: text(idle.stopMs), ...(idle.startsAsleep ? { start: 'asleep' } : {}) };
}

/** Sizes in bytes: what was written is not kept. */
function limitsOf({ bodyBytes, requests, queue, drainMs }: AppLimits): Json {
  return {
    ...(bodyBytes === undefined ? {} : { body: bodyBytes }),
    ...(requests === undefined ? {} : { requests }),
    ...(queue === undefined ? {} : { queue }),
    ...(drainMs === undefined ? {} : { drain: formatDuration(drainMs) }),
  };
}
