import { standInsVariable } from '../../../test/support/containers/docker.ts';
import { type DockerDaemon, type DockerOptions, startDocker } from '../../../test/support/containers/docker-daemon.ts';
import { dockerVariable, findDocker } from '../../../test/support/containers/find-docker.ts';
import { enginePrograms, install, mayInstall } from '../../../test/support/containers/packages.ts';
import { GIB, hasPlenty } from '../memory.ts';
import { nothing, type Outcome } from '../outcome.ts';

/** The container engines of a run of the suite. */
export interface Engines {
  /** What bringing them came to. */
  readonly outcome: Outcome;
  /** Ends what was started; what tests have left behind is a failure. */
  end(): Promise<Outcome>;
}

/** Those of a run in which no test needs one. */
export const noEngines: Engines = { outcome: nothing, end: async () => nothing };

/**
 * Finds the Docker Engine for the tests and names it in `env`. Where nobody looks (CI, as root on Debian or Ubuntu) it
 * installs and starts one of its own if there is none, and installs Podman, which tests start themselves. Elsewhere it
 * takes what is there, and says loudly if that is nothing.
 */
export async function bringEngines(env: NodeJS.ProcessEnv): Promise<Engines> {
  if (!mayInstall(env)) return use(await findDocker(env), env);
  try {
    const there = await findDocker(env);
    await install(
      enginePrograms.filter(({ name }) => !there.found || name !== 'dockerd'),
      env,
    );
    // A machine with a service manager has started it with the installation.
    const found = there.found ? there : await findDocker(env);
    return found.found ? use(found, env) : own(await startDocker(env, inMemory()), env);
  } catch (error) {
    const failure = { name: 'a Docker Engine for the tests', detail: (error as Error).message };
    return { ...noEngines, outcome: { ...nothing, failures: [failure] } };
  }
}

/**
 * Images and build caches are very many files (the stand-ins alone 42,000, which take a disk eight seconds to remove): in memory they
 * are made sooner and gone at once. Where there is not enough of it, they are on the disk.
 */
function inMemory(): DockerOptions {
  return hasPlenty() ? { diskBytes: 16 * GIB } : {};
}

function use(engine: Awaited<ReturnType<typeof findDocker>>, env: NodeJS.ProcessEnv): Engines {
  if (engine.found) env[dockerVariable] = engine.host;
  const notices = engine.found ? [] : [loudLine(engine.reason)];
  return { ...noEngines, outcome: { ...nothing, notices } };
}

function own(daemon: DockerDaemon, env: NodeJS.ProcessEnv): Engines {
  Object.assign(env, { [dockerVariable]: daemon.host, [standInsVariable]: 'yes' });
  return {
    outcome: nothing,
    async end() {
      const left = await daemon.end();
      const failures = left.map((name) => ({ name: 'something is left in the Docker Engine', detail: name }));
      return { ...nothing, failures };
    },
  };
}

/** What a run without an engine says at its end. */
export function loudLine(reason: string): string {
  return (
    `CONTAINERS ARE NOT TESTED: there is no Docker Engine (${reason}). Every test that needs one was skipped. ` +
    'Start Docker or Podman, or name one in DOCKER_HOST; with CI=true as root on Debian or Ubuntu one is brought along.'
  );
}
