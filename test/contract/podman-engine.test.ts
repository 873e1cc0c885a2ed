import { engineSocket } from '../support/container-engine.ts';
import { CONTAINER_TRAITS, containerHarness } from './container-harness.ts';
import { describeEngineContract } from './engine-contract.ts';

const socket = engineSocket('MAINSPRING_TEST_PODMAN');

if (socket === undefined) console.log('SKIPPED: the contract on Podman: MAINSPRING_TEST_PODMAN names no engine');
else describeEngineContract('podman', CONTAINER_TRAITS, (t) => containerHarness(t, socket));
