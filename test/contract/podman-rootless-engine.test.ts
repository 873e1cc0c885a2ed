import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { askAbilities } from '../../src/runtime/docker/connection/engine-abilities.ts';
import { askAbout } from '../../src/runtime/docker/connection/engine-about.ts';
import { haveBaseImages } from '../support/containers/docker.ts';
import { socketOf } from '../support/containers/find-docker.ts';
import { startRootlessPodman, whyNoRootlessPodman } from '../support/containers/podman.ts';
import { CONTAINER_TRAITS, containerHarness } from './container-harness.ts';
import { describeEngineContract } from './engine-contract.ts';

const skip = await whyNoRootlessPodman();

if (skip === false) {
  const { docker, host } = await startRootlessPodman({ after });
  await haveBaseImages(docker, ['busybox'], { ...process.env, MAINSPRING_TEST_STAND_INS: 'yes' });
  const { isRootless, pauses } = await askAbilities(docker, await askAbout(docker));
  test('it runs without root', () => assert.equal(isRootless, true));
  // Not on cgroup version 1; then the contract is that of an engine that only stops.
  const name = `podman without root${pauses ? '' : ', which can’t pause on cgroup version 1'}`;
  describeEngineContract(name, { ...CONTAINER_TRAITS, pauses }, (t) => containerHarness(t, socketOf(host)));
} else {
  test('engine contract: podman without root', { skip }, () => undefined);
}
