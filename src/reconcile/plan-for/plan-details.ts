import { type AppId, PROD, STAGE } from '../../model/ids.ts';
import type { Plan, Step } from '../../model/plan.ts';
import type { RecordedDeployment } from '../../model/recorded.ts';
import { isStuck } from '../../model/release.ts';
import type { RecordedFacts } from '../../model/snapshot.ts';
import { deploymentKey } from '../../store/tables.ts';
import { type ArgumentChange, changesOf } from '../plan/changed-arguments.ts';

/** What a step means, besides what it says: whether anything is built and why, and what each argument was and is to be. */
export interface StepDetail {
  readonly build: 'reuse' | 'build';
  readonly because: string;
  readonly changes: readonly ArgumentChange[];
}

/** A release as a plan would have it: what switches as one, and who keeps it from switching. */
export interface ReleaseDetail {
  readonly id: string;
  readonly env: string;
  readonly members: readonly string[];
  readonly joins: readonly string[];
  readonly blocked_by: readonly string[];
}

/** What a plan means for people: by `deploymentKey` of its steps, and the releases that there would be. */
export interface PlanDetails {
  readonly steps: ReadonlyMap<string, StepDetail>;
  readonly releases: readonly ReleaseDetail[];
}

type TargetStep = Extract<Step, { readonly kind: 'create' | 'update' }>;

/** Works out what a plan means, from the same recorded facts that it was made from. `reasons`: why a merge has files of its own, by app. */
export function planDetails(plan: Plan, recorded: RecordedFacts, reasons: ReadonlyMap<AppId, string>): PlanDetails {
  const steps = new Map<string, StepDetail>();
  const staged = new Set(
    plan.steps.flatMap((step) => (isTarget(step) && step.env === STAGE ? [step.target.artifact] : [])),
  );
  const runs = environmentsByArtifact(recorded);
  for (const step of plan.steps) {
    if (!isTarget(step)) continue;
    const row = recorded.deployments.get(deploymentKey(step));
    const current = row?.next?.target ?? row?.live?.target ?? null;
    const changes = current === null ? [] : changesOf(current, step.target);
    steps.set(deploymentKey(step), { ...buildOf(step, { recorded, reasons, staged, runs }), changes });
  }
  return { steps, releases: releasesOf(plan, recorded) };
}

function isTarget(step: Step): step is TargetStep {
  return step.kind === 'create' || step.kind === 'update';
}

interface BuildFacts {
  readonly recorded: RecordedFacts;
  readonly reasons: ReadonlyMap<AppId, string>;
  readonly staged: ReadonlySet<string>;
  readonly runs: ReadonlyMap<string, readonly string[]>;
}

function buildOf({ env, app, target }: TargetStep, facts: BuildFacts): Pick<StepDetail, 'build' | 'because'> {
  const row = facts.recorded.artifacts.get(target.artifact);
  if (row?.state === 'built') {
    const runs = facts.runs.get(target.artifact) ?? [];
    return { build: 'reuse', because: runs.length === 0 ? 'built before' : `built before, runs in ${runs.join(', ')}` };
  }
  if (env === PROD && facts.staged.has(target.artifact)) return { build: 'reuse', because: 'built for stage before' };
  if (row === undefined) return { build: 'build', because: facts.reasons.get(app) ?? 'never built' };
  if (row.state === 'building') return { build: 'build', because: 'it is being built already' };
  return {
    build: 'build',
    because: row.state === 'failed' ? 'its build failed before' : 'built before, but collected since',
  };
}

/** Where each artifact runs, production first. */
function environmentsByArtifact(recorded: RecordedFacts): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  const rows = [...recorded.deployments.values()].sort(
    (a, b) => Number(b.env === PROD) - Number(a.env === PROD) || (a.env < b.env ? -1 : 1),
  );
  for (const { env, live } of rows) {
    if (live === null) continue;
    const envs = found.get(live.target.artifact) ?? [];
    if (!envs.includes(env)) found.set(live.target.artifact, [...envs, env]);
  }
  return found;
}

/** The releases that there would be: those of the plan, and those on their way that it leaves as they are. */
function releasesOf(plan: Plan, recorded: RecordedFacts): ReleaseDetail[] {
  const changed = new Map(plan.steps.map((step) => [deploymentKey(step), step]));
  const members = new Map<string, RecordedDeployment[]>();
  for (const row of recorded.deployments.values()) {
    const id = row.next?.release;
    if (id != null) members.set(id, [...(members.get(id) ?? []), row]);
  }
  const stuckIn = (ids: readonly string[]) =>
    ids
      .flatMap((id) => members.get(id) ?? [])
      .filter((row) => !changed.has(deploymentKey(row)) && isStuck(row))
      .map(({ app }) => app);
  const planned = plan.releases.map(({ id, env, members: apps, joins }): ReleaseDetail => {
    const blocked = plan.steps
      .filter((step) => 'release' in step && step.release === id && isBlocked(step))
      .map(({ app }) => app);
    return { id, env, members: apps, joins, blocked_by: [...new Set([...stuckIn([id, ...joins]), ...blocked])].sort() };
  });
  const touched = new Set(plan.releases.flatMap(({ id, joins }) => [id, ...joins]));
  const others = [...recorded.releases.values()].filter(
    ({ id, env }) => !touched.has(id) && (env === PROD || env === STAGE),
  );
  return [
    ...planned,
    ...others.map(({ id, env }) => {
      const rows = members.get(id) ?? [];
      return { id, env, members: rows.map(({ app }) => app).sort(), joins: [], blocked_by: stuckIn([id]).sort() };
    }),
  ];
}

function isBlocked(step: Step): boolean {
  return (
    (step.kind === 'blocked' && step.problem.retry === 'needs-human') || (step.kind === 'remove' && step.held !== null)
  );
}
