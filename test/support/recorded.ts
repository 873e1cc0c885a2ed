import type { Target } from '../../src/model/desired.ts';
import { type AppId, type InstanceId, PROD } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type {
  LiveState,
  NextState,
  RecordedArtifact,
  RecordedDeployment,
  RecordedInstance,
} from '../../src/model/recorded.ts';
import { acceptEnvironment, tidyEnvironments } from '../../src/reconcile/accept/environments.ts';
import { acceptRelease, tidyReleases } from '../../src/reconcile/accept/releases.ts';
import { acceptStep, dataNameOf } from '../../src/reconcile/accept.ts';
import { type Change, put } from '../../src/store/changes.ts';
import { Recorded } from '../../src/store/recorded.ts';
import { commitCause, targetOf } from './declarations.ts';

/** The instant of these tests. */
export const AT = Date.UTC(2026, 0, 1);

/** What is live, from a target. */
export function live(target: Target, edit: Partial<LiveState> = {}): LiveState {
  return {
    target,
    instance: 'i-live' as InstanceId,
    generation: 1,
    since: new Date(AT).toISOString(),
    asleep: false,
    waking: false,
    suspended: false,
    condition: null,
    ...edit,
  };
}

/** What is on its way: waiting, but for what is said otherwise. */
export function next(target: Target | null, edit: Partial<NextState> = {}): NextState {
  return {
    target,
    removes: false,
    brake: null,
    state: 'waiting',
    reason: null,
    problem: null,
    instance: null,
    release: null,
    generation: 2,
    seenAt: AT,
    deadline: null,
    retryAt: null,
    cause: commitCause(),
    ...edit,
  };
}

/** A recorded deployment of `/a`, with nothing live and nothing on its way. */
export function deployment(
  edit: Partial<Omit<RecordedDeployment, 'app'>> & { readonly app?: string } = {},
): RecordedDeployment {
  const app = (edit.app ?? '/a') as AppId;
  return {
    env: PROD,
    dataName: dataNameOf(PROD, app),
    dataEngine: null,
    kept: [],
    live: null,
    next: null,
    ...edit,
    app,
  };
}

/** A running instance of `/a`. */
export function instance(
  edit: Partial<Omit<RecordedInstance, 'id'>> & { readonly id?: string } = {},
): RecordedInstance {
  return {
    env: PROD,
    app: '/a' as AppId,
    target: targetOf(),
    generation: 1,
    state: 'running',
    route: { kind: 'static', root: '/trees/7', index: 'index.html', fallback: null },
    problem: null,
    attempts: 0,
    startedAt: AT,
    retryAt: null,
    drainUntil: null,
    idleSince: null,
    ...edit,
    id: (edit.id ?? 'i-live') as InstanceId,
  };
}

/** The built artifact of a target. */
export function artifact(target: Target = targetOf(), edit: Partial<RecordedArtifact> = {}): RecordedArtifact {
  return {
    key: target.artifact,
    inputs: target.inputs,
    source: target.source,
    state: 'built',
    digest: null,
    problem: null,
    attempts: 0,
    retryAt: null,
    usedAt: AT,
    ...edit,
  };
}

/** What is recorded: production, and these rows. */
export function recordedWith(...changes: readonly Change[]): Recorded {
  const recorded = new Recorded();
  const environment = {
    name: PROD,
    kind: 'prod',
    identity: PROD,
    parked: null,
    cause: null,
    heads: {},
    goodConfig: null,
    errors: [],
    createdAt: AT,
    activeAt: 0,
    endingSince: null,
  } as const;
  for (const change of [put('environment', environment), ...changes]) recorded.apply(change);
  return recorded;
}

/** What writing a plan down changes, decided from what is recorded before any of it: environments, releases, steps. */
export function changesOf({ environments, releases, steps }: Plan, recorded: Recorded, seenAt = AT): Change[] {
  let { generation } = recorded;
  const context = { recorded, generation: () => (generation += 1), at: AT, seenAt, drainMs: 30_000 };
  return [
    ...environments.flatMap((step) => acceptEnvironment(step, recorded)),
    ...releases.flatMap((step) => acceptRelease(step, recorded, AT)),
    ...steps.flatMap((step) => acceptStep(step, context)),
  ];
}

/** Writes a plan down, as the loop does: environments and releases first, and what is left over last. */
export function acceptPlan(plan: Plan, recorded: Recorded, { atomic = true } = {}): void {
  const steps = { ...plan, environments: [], releases: [] };
  const opening = { ...plan, steps: [] };
  for (const change of changesOf(opening, recorded)) recorded.apply(change);
  for (const change of changesOf(steps, recorded)) recorded.apply(change);
  for (const change of tidyReleases(recorded, { atomic })) recorded.apply(change);
  for (const change of tidyEnvironments(recorded)) recorded.apply(change);
}

/** Rows of deployments as changes. */
export function rows(...deployments: readonly RecordedDeployment[]): Change[] {
  return deployments.map((row) => put('deployment', row));
}
