import type { Status } from '../../../src/model/surface.ts';

/** Why an app does not run in production as it should, as the status tells it; empty if it says nothing. */
export function whyNot({ environments }: Status, app: string): string {
  const found = environments.find(({ name }) => name === 'prod')?.deployments.find((one) => one.app === app);
  const { live, next } = found ?? {};
  return next?.reason ?? live?.condition?.message ?? '';
}
