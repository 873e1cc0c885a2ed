import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deployUnderLoad } from './support/load/deploys.ts';
import { SMALL_LOAD } from './support/load/site.ts';

// The full size is a part of the bench: 200 deploys in two minutes.
test('deploys fail no request of any sort, and no connection sees an old version after a new one', async (t) => {
  const { report, times } = await deployUnderLoad(t, { deploys: 10, seconds: 8, size: SMALL_LOAD });
  assert.equal(times.length, 10);
  assert.deepEqual({ failures: report.failures, backwards: report.backwards }, { failures: [], backwards: [] });
  assert.deepEqual(report.newest, { '/server': 3, '/page-1': 3, '/page-2': 3, '/page-3': 3, '/page-4': 3 });
});
