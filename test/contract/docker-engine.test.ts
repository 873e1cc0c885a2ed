import { artifactTag } from '../../src/runtime/docker/names.ts';
import { BRIEF, called, dockerBench, STEADY } from './docker-fixture.ts';
import { describeEngineContract } from './engine-contract.ts';
import { exporting } from './fixtures.ts';

const socket = (process.env.MAINSPRING_TEST_DOCKER ?? '').replace(/^unix:\/\//, '');

if (socket === '') {
  console.log('SKIPPED: the contract of the docker engine: MAINSPRING_TEST_DOCKER names no engine');
} else {
  describeEngineContract(
    'docker',
    { builds: true, runs: true, pauses: true, noticesLostArtifacts: true },
    async (t) => {
      const bench = await dockerBench(t, socket);
      return {
        engine: bench.engine(),
        restart: bench.restart,
        source: (kind, name) => ({
          spec: 'container',
          exportTree: exporting(kind === 'brief' ? { Containerfile: BRIEF } : { Containerfile: STEADY, name }),
        }),
        kill: bench.kill,
        loseArtifact: async (key) => {
          await called(bench.docker.getImage(artifactTag(bench.installation, key)).remove({ force: true }));
        },
        dataUsers: async (dataName) => (await bench.readData(dataName, 'used')).split('\n').filter(Boolean),
      };
    },
  );
}
