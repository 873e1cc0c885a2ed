import type { Problem } from '../model/errors.ts';
import { PROD } from '../model/ids.ts';
import type { EngineName } from '../model/revision.ts';
import type { Settings } from '../model/settings.ts';
import { engineKey, type Snapshot } from '../model/snapshot.ts';
import { sourceStates } from '../reconcile/observe/source-states.ts';
import { engineAvailability } from '../runtime/availability.ts';
import type { RecordedView } from '../store/recorded.ts';

/** Everything that decides, as a data folder has it recorded; which config holds is what the plan is asked about. */
export function folderSnapshot(settings: Settings, recorded: RecordedView, at: number): Snapshot {
  const available = engineAvailability(settings);
  const engines = new Map<string, Problem>();
  for (const engine of ['static', 'process', 'proxy', 'docker'] satisfies EngineName[]) {
    const problem = available(engine, PROD);
    if (problem !== null) engines.set(engineKey(engine, PROD), problem);
  }
  return {
    at,
    settings,
    config: null,
    repos: [...recorded.repos.values()],
    sources: sourceStates(recorded.sources),
    recorded,
    engines,
  };
}
