import { NO_FACTS } from '../model/git-facts.ts';
import type { Settings } from '../model/settings.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { engineProblems } from '../reconcile/observe/engine-problems.ts';
import { sourceStates } from '../reconcile/observe/source-states.ts';
import { engineAvailability } from '../runtime/availability.ts';
import { DockerConnection } from '../runtime/docker/connection/connection.ts';
import type { RecordedView } from '../store/recorded.ts';
import type { Environment } from './environment.ts';

/** Everything that decides, as a data folder has it recorded; which config holds is what the plan is asked about. */
export function folderSnapshot(settings: Settings, recorded: RecordedView, at: number, env: Environment): Snapshot {
  return {
    at,
    settings,
    config: null,
    repos: [...recorded.repos.values()],
    sources: sourceStates(recorded.sources),
    facts: NO_FACTS,
    recorded,
    engines: engineProblems(engineAvailability(settings, new DockerConnection(settings.engines.docker, env))),
  };
}
