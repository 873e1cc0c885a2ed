import type { Cause } from '../../model/cause.ts';
import { type DesiredDeployment, isStay, isTarget, type Target } from '../../model/desired.ts';
import type { PlanSide, Step } from '../../model/plan.ts';
import type { RecordedDeployment } from '../../model/recorded.ts';
import type { RecordedFacts } from '../../model/snapshot.ts';
import { changedArguments } from './changed-arguments.ts';

/** The step that brings one deployment from what is recorded to what is wanted; null if it is there or on its way. */
export function stepFor(
  desired: DesiredDeployment,
  row: RecordedDeployment | undefined,
  recorded: Pick<RecordedFacts, 'artifacts'>,
): Step | null {
  const { want } = desired;
  if (isStay(want)) return want.stay === 'parked' ? parkStep(desired, row, recorded) : null;
  if (!isTarget(want)) return blockedStep(desired, row, recorded);
  const next = row?.next ?? null;
  const live = row?.live ?? null;
  if (next?.target && isSameTarget(next.target, want)) return null;
  if (live !== null && isSameTarget(live.target, want)) {
    if (next === null) return null;
    const to = side(live.target, recorded);
    return { ...stepBase(desired, row, recorded), kind: 'cancel', to, changed: [], cause: want.causes.config };
  }
  const current = next?.target ?? live?.target ?? null;
  return {
    ...stepBase(desired, row, recorded),
    kind: live === null ? 'create' : 'update',
    release: null,
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
  recorded: Pick<RecordedFacts, 'artifacts'>,
): Step | null {
  if (!('problem' in desired.want)) return null;
  const { problem, cause } = desired.want;
  const next = row?.next ?? null;
  const known = next?.target === null && !next.removes ? next.problem : null;
  if (known !== null && known.code === problem.code && known.message === problem.message) return null;
  const base = stepBase(desired, row, recorded);
  return { ...base, kind: 'blocked', release: null, to: null, changed: [], problem, cause };
}

function parkStep(
  desired: DesiredDeployment,
  row: RecordedDeployment | undefined,
  recorded: Pick<RecordedFacts, 'artifacts'>,
): Step | null {
  if (row === undefined || (row.live === null && row.next === null)) return null;
  const cause = { kind: 'observation', what: `"${row.env}" is parked` } as const;
  return { ...stepBase(desired, row, recorded), kind: 'park', to: null, changed: [], cause };
}

/** What every step says. */
export function stepBase(
  of: Pick<DesiredDeployment, 'env' | 'app'>,
  row: RecordedDeployment | undefined,
  recorded: Pick<RecordedFacts, 'artifacts'>,
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
  return isOfSource(current, want) ? source : config;
}

/** Whether other files of another repo's commit are wanted. */
export function isOfSource(current: Target, want: Target): boolean {
  return current.inputs.tree !== want.inputs.tree && current.sourceCommit !== want.sourceCommit;
}
