import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from './docker.ts';

/** Base images of the apps that these tests build. */
const BASES = ['busybox', 'debian:bookworm-slim'];

const { docker, socket, skip } = await dockerForTests();

/** A test of the docker engine, which gets the socket; without an engine it is skipped, and says so. */
export function dockerTest(name: string, work: (t: TestContext, socket: string) => Promise<void>): void {
  test(name, { skip }, async (t) => {
    await haveBaseImages(docker, BASES);
    await work(t, socket);
  });
}
