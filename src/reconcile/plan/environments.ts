import { isSameJson } from '../../model/canonical.ts';
import { type Cause, observation } from '../../model/cause.ts';
import type { Desired, DesiredEnvironment } from '../../model/desired.ts';
import type { EnvironmentStep } from '../../model/plan.ts';
import type { RecordedEnvironment } from '../../model/recorded.ts';
import type { RecordedFacts } from '../../model/snapshot.ts';

/** The changes of environments as such: opened, parked, back, over, or with other facts noted. */
export function environmentSteps(desired: Desired, recorded: RecordedFacts, at: number): EnvironmentStep[] {
  return [
    ...desired.environments.flatMap((environment) => stepOf(environment, recorded, desired.cause, at)),
    ...desired.ended.flatMap(({ name, why }): EnvironmentStep[] => {
      const row = recorded.environments.get(name);
      if (row === undefined || row.endingSince !== null) return [];
      return [{ kind: 'end', env: name, row: { ...row, endingSince: at }, why, cause: observation(why) }];
    }),
  ];
}

function stepOf(environment: DesiredEnvironment, recorded: RecordedFacts, main: Cause, at: number): EnvironmentStep[] {
  const known = recorded.environments.get(environment.name);
  const row = rowOf(environment, known, at);
  if (known !== undefined && isSameJson(known, row)) return [];
  const cause = environment.cause ?? main;
  return [{ kind: kindOf(known, row), env: environment.name, row, why: row.parked, cause }];
}

function kindOf(known: RecordedEnvironment | undefined, row: RecordedEnvironment): EnvironmentStep['kind'] {
  if (known === undefined || known.endingSince !== null) return 'open';
  if ((known.parked === null) === (row.parked === null)) return 'settle';
  return row.parked === null ? 'unpark' : 'park';
}

function rowOf(
  environment: DesiredEnvironment,
  known: RecordedEnvironment | undefined,
  at: number,
): RecordedEnvironment {
  const { name, kind, identity, cause, heads, goodConfig, errors, activeAt, parked } = environment;
  const createdAt = known === undefined || known.endingSince !== null ? at : known.createdAt;
  return { name, kind, identity, cause, heads, goodConfig, errors, activeAt, parked, createdAt, endingSince: null };
}
