import { engineSocket } from '../support/container-engine.ts';
import { CONTAINER_TRAITS, containerHarness } from './container-harness.ts';
import { describeEngineContract } from './engine-contract.ts';

const socket = engineSocket('MAINSPRING_TEST_DOCKER');

if (socket === undefined) console.log('SKIPPED: the contract on Docker: MAINSPRING_TEST_DOCKER names no engine');
else describeEngineContract('docker', CONTAINER_TRAITS, (t) => containerHarness(t, socket));
