import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { CONTAINER_TRAITS, containerHarness } from './container-harness.ts';
import { describeEngineContract } from './engine-contract.ts';

const { docker, socket, skip } = await dockerForTests();

if (skip === false) {
  await haveBaseImages(docker, ['busybox']);
  describeEngineContract('docker', CONTAINER_TRAITS, (t) => containerHarness(t, socket));
} else {
  test('engine contract: docker', { skip }, () => undefined);
}
