import { hashOf } from '../model/canonical.ts';
import type { Cause } from '../model/cause.ts';
import { type Desired, type DesiredDeployment, isTarget, type Target } from '../model/desired.ts';
import { type EnvName, PROD } from '../model/ids.ts';
import type { Plan, PlanSide, Step } from '../model/plan.ts';
import type { RecordedDeployment } from '../model/recorded.ts';
import type { RecordedFacts } from '../model/snapshot.ts';
import { deploymentKey } from '../store/tables.ts';
import type { Sliced } from './desire.ts';

const DEPLOYMENTS_PER_SLICE = 500;

/** The ordered steps from recorded to desired. Without a desired state there is nothing to do. */
export function* plan(desired: Desired | null, recorded: RecordedFacts): Sliced<Plan> {
  if (desired === null) return { configCommit: null, steps: [], removalHash: null };
  const steps: Step[] = [];
  const wanted = new Set<string>();
  for (const environment of desired.environments) {
    for (const [index, deployment] of environment.deployments.entries()) {
      if (index % DEPLOYMENTS_PER_SLICE === DEPLOYMENTS_PER_SLICE - 1) yield;
      const key = deploymentKey(deployment);
      wanted.add(key);
      const step = stepFor(deployment, recorded.deployments.get(key), recorded);
      if (step !== null) steps.push(step);
    }
  }
  const removals = removalSteps(desired, wanted, recorded);
  return {
    configCommit: desired.configCommit,
    steps: [...steps, ...removals.steps].sort(byPlace),
    removalHash: removals.hash,
  };
}

function byPlace(a: Step, b: Step): number {
  if (a.env !== b.env) return a.env < b.env ? -1 : 1;
  return a.app < b.app ? -1 : a.app > b.app ? 1 : 0;
}

/** The step that brings one deployment from what is recorded to what is wanted; null if it is there or on its way. */
export function stepFor(
  desired: DesiredDeployment,
  row: RecordedDeployment | undefined,
  recorded: RecordedFacts,
): Step | null {
  const { want } = desired;
  if (!isTarget(want)) return blockedStep(desired, row, recorded);
  const next = row?.next ?? null;
  const live = row?.live ?? null;
  if (next?.target && isSameTarget(next.target, want)) return null;
  if (live !== null && isSameTarget(live.target, want)) {
    if (next === null) return null;
    return {
      ...stepBase(desired, row, recorded),
      kind: 'cancel',
      to: side(live.target, recorded),
      changed: [],
      cause: want.causes.config,
    };
  }
  const current = next?.target ?? live?.target ?? null;
  return {
    ...stepBase(desired, row, recorded),
    kind: live === null ? 'create' : 'update',
    to: side(want, recorded),
    target: want,
    changed: current === null ? [] : changedArguments(current, want),
    effect: live !== null && live.target.instanceHash === want.instanceHash ? 'policy' : 'instance',
    cause: causeOf(current, want),
  };
}

/** Whether two targets would be the very same deployment, whatever commits they come from. */
export function isSameTarget(a: Target, b: Target): boolean {
  return a.instanceHash === b.instanceHash && a.policyHash === b.policyHash;
}

function blockedStep(
  desired: DesiredDeployment,
  row: RecordedDeployment | undefined,
  recorded: RecordedFacts,
): Step | null {
  if (isTarget(desired.want)) return null;
  const { problem, cause } = desired.want;
  const next = row?.next ?? null;
  const known = next?.target === null && next.state !== 'removing' ? next.problem : null;
  if (known !== null && known.code === problem.code && known.message === problem.message) return null;
  return { ...stepBase(desired, row, recorded), kind: 'blocked', to: null, changed: [], problem, cause };
}

function stepBase(
  of: Pick<DesiredDeployment, 'env' | 'app'>,
  row: RecordedDeployment | undefined,
  recorded: RecordedFacts,
) {
  return { env: of.env, app: of.app, from: row?.live ? side(row.live.target, recorded) : null };
}

/** A target as people and scripts see it. */
export function side(target: Target, recorded: Pick<RecordedFacts, 'artifacts'>): PlanSide {
  return {
    revision: target.revision,
    artifact: { key: target.artifact, digest: recorded.artifacts.get(target.artifact)?.digest ?? null },
    config_commit: target.configCommit,
    source_commit: target.sourceCommit,
  };
}

/** The commit that made the difference: of the source where its tree changed, else of the config. */
function causeOf(current: Target | null, want: Target): Cause {
  const { config, source } = want.causes;
  if (source === null || current === null) return config;
  return current.inputs.tree !== want.inputs.tree && current.sourceCommit !== want.sourceCommit ? source : config;
}

/** What differs between two targets, by the names of `app()`'s arguments. */
export function changedArguments(from: Target, to: Target): string[] {
  const differs = (a: unknown, b: unknown) => hashOf({ value: a }) !== hashOf({ value: b });
  const parts: readonly (readonly [string, unknown, unknown])[] = [
    ['path', [from.policy.host, from.policy.path], [to.policy.host, to.policy.path]],
    ['source', from.inputs.tree, to.inputs.tree],
    ['spec', from.revisionSpec.spec, to.revisionSpec.spec],
    ['params', [from.revisionSpec.params, from.values.params], [to.revisionSpec.params, to.values.params]],
    [
      'container_opts',
      [from.revisionSpec.containerOpts, from.values.containerOpts],
      [to.revisionSpec.containerOpts, to.values.containerOpts],
    ],
    ['container_args', from.revisionSpec.containerArgs, to.revisionSpec.containerArgs],
    ['container_vols', from.revisionSpec.containerVols, to.revisionSpec.containerVols],
    ['app_config', from.revisionSpec.appConfig, to.revisionSpec.appConfig],
    ['stage', from.revisionSpec.overrides.stage, to.revisionSpec.overrides.stage],
    ['previews', from.revisionSpec.overrides.previews, to.revisionSpec.overrides.previews],
    ['strip_path', from.policy.stripPath, to.policy.stripPath],
    ['health', from.policy.health, to.policy.health],
    ['idle', from.policy.idle, to.policy.idle],
    ['verify', from.policy.verify, to.policy.verify],
    ['strategy', from.policy.strategy, to.policy.strategy],
    ['promote', from.policy.promote, to.policy.promote],
  ];
  const changed = parts.filter(([, a, b]) => differs(a, b)).map(([name]) => name);
  // Nobody changed the app: the settings give it another address.
  return changed.length === 0 && from.values.url !== to.values.url ? ['public_url'] : changed;
}

/** The share of production's apps above which removals wait for a word in git, and the number that is never questioned below. */
const BRAKE = { share: 0.5, atLeast: 3 };

function removalSteps(
  desired: Desired,
  wanted: ReadonlySet<string>,
  recorded: RecordedFacts,
): { steps: Step[]; hash: string | null } {
  const gone = [...recorded.deployments].flatMap(([key, row]) => (wanted.has(key) ? [] : [row]));
  // What is on its way out already was let through before and is not questioned again.
  const fresh = gone.filter((row) => row.next?.state !== 'removing');
  const hash = brakeHash(
    fresh.filter((row) => row.env === PROD && row.live !== null),
    recorded,
    PROD,
  );
  const held = hash !== null && hash !== desired.allowRemoval ? hash : null;
  const steps = fresh
    .filter((row) => row.env !== PROD || held === null || row.next?.release !== held)
    .map((row): Step => {
      const isInSet = row.env === PROD && row.live !== null;
      const allowed = isInSet && hash !== null && held === null ? { allowed: hash } : {};
      return { ...removeStep(row, desired, recorded), held: isInSet ? held : null, ...allowed };
    });
  return { steps, hash: held };
}

/** The hash of a set of removals that is too large to go on by itself; null if it may. */
function brakeHash(removed: readonly RecordedDeployment[], recorded: RecordedFacts, env: EnvName): string | null {
  if (removed.length < BRAKE.atLeast) return null;
  let all = 0;
  for (const row of recorded.deployments.values())
    if (row.env === env && row.live !== null && row.next?.state !== 'removing') all += 1;
  if (removed.length <= all * BRAKE.share) return null;
  return hashOf(removed.map((row) => row.app).sort()).slice(0, 16);
}

function removeStep(row: RecordedDeployment, desired: Desired, recorded: RecordedFacts) {
  return { ...stepBase(row, row, recorded), kind: 'remove', to: null, changed: [], cause: desired.cause } as const;
}
