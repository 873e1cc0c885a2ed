import type Docker from 'dockerode';
import { hasImage, makeStandIn } from './base-images/base-images.ts';
import { findDocker, socketOf } from './find-docker.ts';

/** Set where stand-ins may take the names of official images: in an engine that is the suite's own, or by hand. */
export const standInsVariable = 'MAINSPRING_TEST_STAND_INS';

/** The Docker Engine of a test file. */
export interface TestDocker {
  /** For the option of that name of each test that needs it: false, or why there is no engine. */
  readonly skip: string | false;
  /** As in DOCKER_HOST. */
  readonly host: string;
  /** The path of its socket, as settings name it. */
  readonly socket: string;
  /** A client for it. */
  readonly docker: Docker;
}

/**
 * The Docker Engine that the tests of this file may use, found once at its top:
 * `const { docker, skip } = await dockerForTests();` and then `test('…', { skip }, …)`.
 */
export async function dockerForTests(env: NodeJS.ProcessEnv = process.env): Promise<TestDocker> {
  const engine = await findDocker(env);
  if (engine.found) return { skip: false, host: engine.host, socket: socketOf(engine.host), docker: engine.docker };
  const skip = `there is no Docker Engine: ${engine.reason}`;
  const docker = new Proxy({} as Docker, {
    get() {
      throw new Error(`this test lacks the option "skip": ${skip}`);
    },
  });
  return { skip, host: '', socket: '', docker };
}

/**
 * Makes sure that the engine has the base images with these official names. In an engine of the suite's own they are
 * stand-ins made of what this machine has, or pulled where it has not got that; in any other they are pulled.
 */
export async function haveBaseImages(
  docker: Docker,
  names: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  for (const name of names) {
    if (await hasImage(docker, name)) continue;
    const error = env[standInsVariable] === 'yes' ? await errorOf(makeStandIn(docker, name)) : undefined;
    if (error === undefined && (await hasImage(docker, name))) continue;
    const pullError = await errorOf(pull(docker, name));
    if (!(await hasImage(docker, name))) throw new Error(missingImage(name, [error, pullError]));
  }
}

function missingImage(name: string, errors: readonly (string | undefined)[]): string {
  const reasons = errors.filter((error) => error !== undefined).join('; ');
  return (
    `the engine lacks the base image ${name} (${reasons}): where no registry can be reached, ` +
    `node scripts/base-images.ts ${name} puts a stand-in into the engine that DOCKER_HOST names`
  );
}

async function errorOf(work: Promise<void>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

async function pull(docker: Docker, name: string): Promise<void> {
  const progress = await docker.pull(name);
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(progress, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}
