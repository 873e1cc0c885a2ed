import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import Docker from 'dockerode';
import { extract } from 'tar-stream';
import type { InstallationId, InstanceId } from '../../src/model/ids.ts';
import type { DockerSettings } from '../../src/model/settings.ts';
import { volumesWith } from '../../src/runtime/docker/connection/listing.ts';
import { DockerEngine, type DockerEngineOptions } from '../../src/runtime/docker/docker-engine.ts';
import { installationLabel, LABEL } from '../../src/runtime/docker/labels.ts';
import { containerName } from '../../src/runtime/docker/names.ts';
import { answer } from '../support/containers/answer.ts';
import { leftOf, removeInstallation } from '../support/containers/installation.ts';
import { systemClock } from './engine-contract.ts';
import { makeTempFolder } from './fixtures.ts';

/** Settings that suit tests: a range of its own, so that they are in nobody's way. */
export const TEST_SETTINGS: DockerSettings = {
  networks: '10.214.0.0/16',
  limits: { memoryBytes: 128 * 1024 ** 2, cpus: 1, pids: 64 },
  capabilities: [],
  binds: [],
  build: {
    builder: 'auto',
    timeoutMs: 120_000,
    bounds: { pids: 4096, memoryBytes: 4 * 2 ** 30 },
    memoryBytes: null,
    cpus: null,
    httpProxy: null,
    httpsProxy: null,
    noProxy: null,
    caBundle: null,
  },
  maxDiskBytes: null,
  minFreeBytes: 0,
};

/** An app that says who it is, notes it in its data folder, and answers with its environment. */
export const STEADY = `FROM busybox
COPY name /www/name
CMD ["/bin/sh", "-c", "echo this is $MAINSPRING_INSTANCE; echo $MAINSPRING_INSTANCE >> $APP_DATA/used; exec httpd -f -p $PORT -h /www"]
`;
/** An app that ends by itself at once. */
export const BRIEF = 'FROM busybox\nCMD ["/bin/sh", "-c", "exit 3"]\n';

/** A docker engine for one test, and the means to make it anew and to look at what it made. */
export interface DockerBench {
  readonly dataDir: string;
  readonly installation: InstallationId;
  /** The engine's API, beside ours. */
  readonly docker: Docker;
  /** The engine of the moment. */
  engine(): DockerEngine;
  /** Lets go of the engine, and makes a new one on what is left. */
  restart(): Promise<DockerEngine>;
  /** Forgets what is kept beside the engine, as if nothing had ever been made. */
  clear(): Promise<void>;
  kill(id: InstanceId): Promise<void>;
  /** The text of a file in the data of an app; empty if there is none. */
  readData(dataName: string, file: string): Promise<string>;
}

/** Makes an engine on a socket. After the test nothing of it is left, also when it failed; what was left is an error. */
export async function dockerBench(
  t: TestContext,
  socketPath: string,
  options: Partial<DockerEngineOptions> = {},
): Promise<DockerBench> {
  const dataDir = await makeTempFolder();
  const installation = randomBytes(6).toString('hex') as InstallationId;
  const docker = new Docker({ socketPath, host: undefined } as Docker.DockerOptions);
  const make = () =>
    new DockerEngine({
      ...{ dataDir, installation, clock: systemClock, engine: socketPath, env: {} },
      ...{ settings: TEST_SETTINGS, registries: {}, closeMetadata: async () => undefined, ...options },
    });
  let engine = make();
  const restart = async () => {
    await engine.close();
    engine = make();
    return engine;
  };
  t.after(async () => {
    try {
      for (const { id } of await engine.list()) await engine.remove(id);
      for (const key of await engine.listArtifacts()) await engine.removeArtifact(key);
      await engine.sweep();
    } finally {
      await engine.close();
      await rm(dataDir, { recursive: true, force: true });
      await removeRest(docker, installation);
    }
  });
  const clear = () => rm(join(dataDir, 'docker'), { recursive: true, force: true });
  const kill = async (id: InstanceId) => {
    const container = docker.getContainer(containerName(installation, id));
    await container.kill();
    await answer(container.wait());
  };
  const readData = (dataName: string, file: string) => readInVolume(docker, { installation, dataName }, file);
  return { dataDir, installation, docker, engine: () => engine, restart, clear, kill, readData };
}

/** Removes what an installation of a test has: containers and networks must be gone by then, volumes and images may be there. */
async function removeRest(docker: Docker, installation: InstallationId): Promise<void> {
  const left = (await leftOf(docker, installation)).filter((one) => /^(container|network) /.test(one));
  await removeInstallation(docker, installation);
  assert.deepEqual(left, [], 'containers or networks were left behind');
}

async function readInVolume(
  docker: Docker,
  { installation, dataName }: { readonly installation: InstallationId; readonly dataName: string },
  file: string,
): Promise<string> {
  const labels = [installationLabel(installation), `${LABEL.data}=${dataName}`];
  const volume = (await volumesWith(docker, labels)).find(({ Name }) => Name.endsWith('.data'));
  if (volume === undefined) return '';
  // Read by the engine itself, through a container that is never started: its folders may be on another machine's disk.
  const container = await docker.createContainer({
    Image: 'busybox',
    Labels: { 'mainspring-test': installation },
    HostConfig: { Binds: [`${volume.Name}:/data:ro`] },
  });
  try {
    const archive: NodeJS.ReadableStream = await container.getArchive({ path: join('/data', file) });
    for await (const entry of archive.pipe(extract())) return await readText(entry);
    return '';
  } catch (error) {
    if (error instanceof Error && 'statusCode' in error && error.statusCode === 404) return '';
    throw error;
  } finally {
    await container.remove({ force: true });
  }
}
