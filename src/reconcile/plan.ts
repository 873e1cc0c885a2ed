import type { Desired } from '../model/desired.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { RecordedFacts } from '../model/snapshot.ts';
import { deploymentKey } from '../store/tables.ts';
import type { Sliced } from './desire/sliced.ts';
import { environmentSteps } from './plan/environments.ts';
import { withReleases } from './plan/releases.ts';
import { removalSteps } from './plan/removals.ts';
import { stepFor } from './plan/steps.ts';

const DEPLOYMENTS_PER_SLICE = 500;

/** The plan that does nothing. */
export const NO_PLAN: Plan = { configCommit: null, environments: [], releases: [], steps: [], removalHash: null };

/** The ordered steps from recorded to desired, as of an instant. Without a desired state there is nothing to do. */
export function* plan(desired: Desired | null, recorded: RecordedFacts, at: number): Sliced<Plan> {
  if (desired === null) return NO_PLAN;
  const steps: Step[] = [];
  const wanted = new Set<string>();
  let compared = 0;
  for (const { deployments } of desired.environments) {
    for (const deployment of deployments) {
      compared += 1;
      if (compared % DEPLOYMENTS_PER_SLICE === 0) yield;
      const key = deploymentKey(deployment);
      wanted.add(key);
      const step = stepFor(deployment, recorded.deployments.get(key), recorded);
      if (step !== null) steps.push(step);
    }
  }
  const removals = removalSteps(desired, wanted, recorded);
  const released = withReleases([...steps, ...removals.steps].sort(byPlace), recorded, desired);
  return {
    configCommit: desired.configCommit,
    environments: environmentSteps(desired, recorded, at),
    releases: released.releases,
    steps: released.steps,
    removalHash: removals.hash,
  };
}

function byPlace(a: Step, b: Step): number {
  if (a.env !== b.env) return a.env < b.env ? -1 : 1;
  return a.app < b.app ? -1 : a.app > b.app ? 1 : 0;
}
