import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { CONTAINER_TRAITS, containerHarness } from './container-harness.ts';
import { describeEngineContract } from './engine-contract.ts';

const { docker, host, skip } = await dockerForTests();

if (skip === false) {
  await haveBaseImages(docker, ['busybox']);
  describeEngineContract('docker', CONTAINER_TRAITS, (t) => containerHarness(t, host.replace(/^unix:\/\//, '')));
} else {
  test('engine contract: docker', { skip }, () => undefined);
}
