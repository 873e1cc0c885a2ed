import type { EnvKind } from '../../model/environment.ts';
import type { Problem } from '../../model/errors.ts';
import type { EngineName } from '../../model/revision.ts';
import { engineKey } from '../../model/snapshot.ts';
import type { EngineAvailability } from '../../runtime/engine.ts';

/** Why engines can't be used, by kind of environment, as `Snapshot` has it. */
export function engineProblems(available: EngineAvailability): ReadonlyMap<string, Problem> {
  const problems = new Map<string, Problem>();
  for (const engine of ['static', 'process', 'proxy', 'docker'] satisfies EngineName[]) {
    for (const kind of ['prod', 'stage', 'preview'] satisfies EnvKind[]) {
      const problem = available(engine, kind);
      if (problem !== null) problems.set(engineKey(engine, kind), problem);
    }
  }
  return problems;
}
