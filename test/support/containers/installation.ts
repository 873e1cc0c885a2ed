import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import type { Cleanup } from '../cleanup.ts';
import { answer } from './answer.ts';

/** The label by which everything that an installation makes in an engine is known as its own. */
export const installationLabel = 'mainspring.installation';

/**
 * An installation's name of a test's own. Whatever carries it as its label is removed from the engine when the test has
 * ended, however it has ended.
 */
export function testInstallation(t: Cleanup, docker: Docker): string {
  const installation = `test-${randomBytes(6).toString('hex')}`;
  t.after(async () => {
    try {
      await removeInstallation(docker, installation);
    } catch (error) {
      // An engine of the test's own may have been ended before: the order of such calls is nobody's.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  });
  return installation;
}

/** What an installation has in an engine, each thing by its kind and name; empty when nothing is left of it. */
export async function leftOf(docker: Docker, installation: string): Promise<string[]> {
  const filters = { label: [`${installationLabel}=${installation}`] };
  const [containers, networks, { Volumes: volumes }, images] = await Promise.all([
    docker.listContainers({ all: true, filters }),
    docker.listNetworks({ filters }),
    docker.listVolumes({ filters }),
    docker.listImages({ filters }),
  ]);
  return [
    ...containers.map(({ Id, Names }) => `container ${Names[0]?.slice(1) ?? Id}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(volumes ?? []).map(({ Name }) => `volume ${Name}`),
    ...images.map(({ Id, RepoTags }) => `image ${RepoTags?.[0] ?? Id}`),
  ];
}

/** Removes all that carries the label of this installation, and the names that it gave to images. Safe to call twice, and while the product removes it too. */
export async function removeInstallation(docker: Docker, installation: string): Promise<void> {
  const filters = { label: [`${installationLabel}=${installation}`] };
  for (const { Id } of await answer(docker.listContainers({ all: true, filters }))) {
    await gone(docker.getContainer(Id).remove({ force: true, v: true }));
  }
  for (const { Id } of await answer(docker.listNetworks({ filters }))) await gone(docker.getNetwork(Id).remove());
  for (const { Name } of (await answer(docker.listVolumes({ filters }))).Volumes ?? []) {
    await gone(docker.getVolume(Name).remove());
  }
  const names = (await answer(docker.listImages())).flatMap(({ RepoTags }) => RepoTags ?? []);
  for (const name of names.filter((one) => one.startsWith(`localhost/mainspring-${installation}/`))) {
    await gone(docker.getImage(name).remove());
  }
  for (const { Id } of await answer(docker.listImages({ filters })))
    await gone(docker.getImage(Id).remove({ force: true }));
}

/** Waits for a removal. Not there (404) is what is wanted; 409 says that it is being removed already. */
export async function gone(removal: Promise<unknown>): Promise<void> {
  try {
    await removal;
  } catch (error) {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== 404 && statusCode !== 409) throw error;
  }
}
