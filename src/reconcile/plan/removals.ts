import { hashOf } from '../../model/canonical.ts';
import { type Cause, observation } from '../../model/cause.ts';
import type { Desired } from '../../model/desired.ts';
import { type EnvName, PROD } from '../../model/ids.ts';
import type { Step } from '../../model/plan.ts';
import type { RecordedDeployment } from '../../model/recorded.ts';
import type { RecordedFacts } from '../../model/snapshot.ts';
import { stepBase } from './steps.ts';

/** The share of production's apps above which removals wait for a word in git, and the number that is never questioned below. */
const BRAKE = { share: 0.5, atLeast: 3 };

/** Removals, and the hash of the set that is held; null if none is. */
export interface Removals {
  readonly steps: readonly Step[];
  readonly hash: string | null;
}

/**
 * What is recorded in an environment that is desired without it, or that is over. Where nothing is said of an environment, nothing
 * of it goes. A set that is a large share of production is held, and has a release of its own that names it.
 */
export function removalSteps(desired: Desired, wanted: ReadonlySet<string>, recorded: RecordedFacts): Removals {
  const causes = causesByEnvironment(desired);
  const gone = [...recorded.deployments].flatMap(([key, row]) =>
    wanted.has(key) || !causes.has(row.env) ? [] : [row],
  );
  const hash = brakeHash(gone.filter(isQuestioned), recorded);
  const held = hash !== null && hash !== desired.allowRemoval ? hash : null;
  const steps = gone.flatMap((row): Step[] => {
    const isInSet = isQuestioned(row);
    const brake = isInSet ? held : null;
    if (row.next?.removes === true && row.next.brake === brake) return [];
    const allowed = isInSet && hash !== null && held === null ? { allowed: hash } : {};
    const cause = causes.get(row.env) ?? desired.cause;
    const base = { ...stepBase(row, row, recorded), to: null, changed: [], cause } as const;
    return [{ ...base, kind: 'remove', held: brake, release: null, ...allowed }];
  });
  return { steps, hash: held };
}

/** What production would lose. What is on its way out already was let through before and is not questioned again. */
function isQuestioned(row: RecordedDeployment): boolean {
  return row.env === PROD && row.live !== null && !isLetThrough(row);
}

function isLetThrough({ next }: RecordedDeployment): boolean {
  return next?.removes === true && next.brake === null;
}

/** What a removal in each environment is caused by: what main says, or what was seen of a preview. */
function causesByEnvironment(desired: Desired): ReadonlyMap<EnvName, Cause> {
  return new Map([
    ...desired.environments.map(({ name, cause }) => [name, cause ?? desired.cause] as const),
    ...desired.ended.map(({ name, why }) => [name, observation(why)] as const),
  ]);
}

/** The hash of a set of removals that is too large to go on by itself; null if it may. */
function brakeHash(removed: readonly RecordedDeployment[], recorded: RecordedFacts): string | null {
  if (removed.length < BRAKE.atLeast) return null;
  let all = 0;
  for (const row of recorded.deployments.values())
    if (row.env === PROD && row.live !== null && !isLetThrough(row)) all += 1;
  if (removed.length <= all * BRAKE.share) return null;
  return hashOf(removed.map((row) => row.app).sort()).slice(0, 16);
}
