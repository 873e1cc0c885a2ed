import type { TestContext } from 'node:test';
import { test } from 'node:test';

/** The socket of an engine that tests may use, by a variable that holds a URL such as `unix:///run/x.sock`. */
export function engineSocket(variable: string): string | undefined {
  const url = process.env[variable] ?? '';
  return url.startsWith('unix://') ? url.slice('unix://'.length) : undefined;
}

/** A test that needs a container engine; without one it is skipped, and says so. */
export function dockerTest(name: string, work: (t: TestContext, socket: string) => Promise<void>): void {
  const socket = engineSocket('MAINSPRING_TEST_DOCKER');
  if (socket === undefined) test(name, { skip: 'MAINSPRING_TEST_DOCKER names no container engine' }, () => undefined);
  else test(name, (t) => work(t, socket));
}
