import assert from 'node:assert/strict';
import { test } from 'node:test';
import { killUnderLoad } from './support/load/kills.ts';
import { SMALL_LOAD } from './support/load/site.ts';

// The full size is a part of the bench: 30 kills of the controller, 10 of the supervisor, 30 of a gateway.
test('under load, kills of controller and supervisor fail no request, those of a gateway only what was in flight in it', async (t) => {
  const counts = { controller: 3, supervisor: 2, gateway: 3 };
  const { controller, supervisor, gateway } = await killUnderLoad(t, { counts, size: SMALL_LOAD });
  for (const [of, { report, others }] of Object.entries({ controller, supervisor, gateway }))
    assert.deepEqual({ of, others, backwards: report.backwards }, { of, others: [], backwards: [] });
  assert.deepEqual([controller.inFlight, supervisor.inFlight], [[], []]);
  // Long streams are in flight all the time: were there nothing to find, nothing would have been killed.
  assert.ok(gateway.inFlight.length > 0);
});
