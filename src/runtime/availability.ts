import type { EnvKind } from '../model/environment.ts';
import type { Problem } from '../model/errors.ts';
import type { Settings } from '../model/settings.ts';
import type { DockerConnection } from './docker/connection/connection.ts';
import type { EngineAvailability } from './engine.ts';

/**
 * Says why an engine can't be used in an environment: from the settings, and for containers from whether there is an engine, which is a
 * look at some files. Cheap.
 */
export function engineAvailability(
  settings: Pick<Settings, 'engines'>,
  docker: Pick<DockerConnection, 'problem'>,
): EngineAvailability {
  return (engine, kind) => {
    switch (engine) {
      case 'static':
      case 'proxy':
        return null;
      case 'docker':
        return docker.problem();
      case 'process':
        return processProblem(kind, settings.engines.process);
    }
  };
}

function processProblem(kind: EnvKind, setting: Settings['engines']['process']): Problem | null {
  if (setting === 'all') return null;
  if (setting === 'off') {
    return engineOff(
      'process apps are switched off',
      'Set [engines] process = "prod" (or "all", for previews too) in mainspring.toml. There is no isolation: an app can do what its user on this machine can.',
    );
  }
  // What runs in stage is what the followed branch holds: the same people's code as in prod.
  if (kind !== 'preview') return null;
  return engineOff(
    'process apps are switched off in previews',
    'Set [engines] process = "all" in mainspring.toml to run branches and pull requests as processes. There is no isolation: an app can do what its user on this machine can.',
  );
}

function engineOff(message: string, hint: string): Problem {
  return { code: 'engine-off', message, hint, retry: 'needs-human' };
}
