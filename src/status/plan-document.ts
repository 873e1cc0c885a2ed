import type { ConfigError } from '../model/config.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { PlanDocument, PlanStep } from '../model/surface.ts';

/** What a step means for people, as whoever made the plan worked it out. */
type StepDetail = Required<Pick<PlanStep, 'build' | 'because' | 'changes'>>;

/** What a plan's document says besides the plan. */
export interface PlanRemarks {
  /** By `ENV APP`. */
  readonly steps?: ReadonlyMap<string, StepDetail>;
  readonly releases?: PlanDocument['releases'];
  /** Why the config would be rejected. */
  readonly errors?: readonly ConfigError[];
  readonly notes?: readonly string[];
  readonly notInEffect?: readonly string[];
}

/** A plan as people and scripts get it. Pure: the same plan gives the same document, byte for byte. */
export function planDocument(plan: Plan, remarks: PlanRemarks = {}): PlanDocument {
  const steps = plan.steps.flatMap((step) => stepOf(step, remarks.steps?.get(`${step.env} ${step.app}`)));
  const blocked = plan.steps.flatMap(blockedOf);
  const count = (kind: PlanStep['kind']) => steps.filter((step) => step.kind === kind).length;
  return {
    config_commit: plan.configCommit,
    steps,
    summary: { create: count('create'), update: count('update'), remove: count('remove'), blocked: blocked.length },
    blocked,
    cancelled: plan.steps.flatMap(({ kind, env, app }) => (kind === 'cancel' ? [{ env, app }] : [])),
    releases: remarks.releases ?? [],
    removal_hash: plan.removalHash,
    errors: remarks.errors ?? [],
    notes: remarks.notes ?? [],
    not_in_effect: remarks.notInEffect ?? [],
  };
}

function stepOf(step: Step, detail: StepDetail | undefined): PlanStep[] {
  const { env, app, from, to, changed } = step;
  switch (step.kind) {
    case 'create':
    case 'update': {
      const { effect, kind, target, release } = step;
      const notes = target.notes.length > 0 ? { notes: target.notes } : {};
      return [{ kind, env, app, changed, from, to, effect, ...detail, release, ...notes }];
    }
    case 'remove': {
      const held = step.held === null ? {} : { held: step.held };
      return [{ kind: 'remove', env, app, changed, from, to, release: step.release, ...held }];
    }
    case 'blocked':
    case 'cancel':
    case 'park':
      return [];
  }
}

function blockedOf(step: Step): PlanDocument['blocked'][number][] {
  if (step.kind !== 'blocked') return [];
  const { code, message, hint } = step.problem;
  return [{ env: step.env, app: step.app, code, message, hint }];
}
