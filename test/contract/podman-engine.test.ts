import { after, test } from 'node:test';
import { haveBaseImages } from '../support/containers/docker.ts';
import { socketOf } from '../support/containers/find-docker.ts';
import { startPodman, whyNoPodman } from '../support/containers/podman.ts';
import { CONTAINER_TRAITS, containerHarness } from './container-harness.ts';
import { describeEngineContract } from './engine-contract.ts';

const skip = await whyNoPodman();

if (skip === false) {
  const { docker, host } = await startPodman({ after });
  await haveBaseImages(docker, ['busybox'], { ...process.env, MAINSPRING_TEST_STAND_INS: 'yes' });
  describeEngineContract('podman', CONTAINER_TRAITS, (t) => containerHarness(t, socketOf(host)));
} else {
  test('engine contract: podman', { skip }, () => undefined);
}
