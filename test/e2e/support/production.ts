import assert from 'node:assert/strict';
import type { Status } from '../../../src/model/surface.ts';
import type { Installation } from './installation.ts';

/** Why an app does not run in production as it should, as the status tells it; empty if it says nothing. */
export function whyNot({ environments }: Status, app: string): string {
  const found = environments.find(({ name }) => name === 'prod')?.deployments.find((one) => one.app === app);
  const { live, next } = found ?? {};
  return next?.reason ?? live?.condition?.message ?? '';
}

/** The pid of the one process of an app in production. */
export function pidOf(installation: Installation, app: string): number {
  const found = installation
    .processes()
    .filter(({ environment: of }) => of.get('MAINSPRING_APP') === app && of.get('MAINSPRING_ENV') === 'prod');
  assert.equal(found.length, 1, `processes of ${app}: ${found.map(({ args }) => args.join(' ')).join('; ')}`);
  return found[0]?.pid ?? 0;
}
