import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMALL_LOAD } from './support/load/site.ts';
import { upgradeUnderLoad } from './support/load/upgrades.ts';

// The full load, and what a restart without sockets of a service manager costs, is a part of the bench.
for (const way of [
  'restart with sockets of the service manager',
  'SIGHUP with other settings',
  'supervisor killed, next version takes over',
  'SIGUSR2, next version takes over',
] as const) {
  test(`under load no request fails: ${way}`, async (t) => {
    const { others, refused, streamsCut, report } = await upgradeUnderLoad(t, { way, size: SMALL_LOAD });
    const { backwards } = report;
    const none = { others: [], refused: [], streamsCut: [], backwards: [] };
    assert.deepEqual({ others, refused, streamsCut, backwards }, none);
  });
}
