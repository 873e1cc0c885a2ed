import type { TestContext } from 'node:test';
import { artifactTag, containerName } from '../../src/runtime/docker/names.ts';
import { answer } from '../support/containers/answer.ts';
import { BRIEF, dockerBench, STEADY } from './docker-fixture.ts';
import type { EngineHarness } from './engine-contract.ts';
import { exporting } from './fixtures.ts';

/** What an engine that runs containers has. */
export const CONTAINER_TRAITS = { builds: true, runs: true, pauses: true, noticesLostArtifacts: true } as const;

/** The docker engine on a socket, for the contract. */
export async function containerHarness(t: TestContext, socket: string): Promise<EngineHarness> {
  const bench = await dockerBench(t, socket);
  return {
    engine: bench.engine(),
    restart: bench.restart,
    source: (kind, name) => ({
      spec: 'container',
      exportTree: exporting(kind === 'brief' ? { Containerfile: BRIEF } : { Containerfile: STEADY, name }),
    }),
    kill: bench.kill,
    pauseByHand: (id) => answer(bench.docker.getContainer(containerName(bench.installation, id)).pause()),
    loseArtifact: (key) => answer(bench.docker.getImage(artifactTag(bench.installation, key)).remove({ force: true })),
    dataUsers: async (dataName) => (await bench.readData(dataName, 'used')).split('\n').filter(Boolean),
  };
}
