import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { deployUnderLoad } from './support/load/deploys.ts';
import { SMALL_LOAD } from './support/load/site.ts';

const { docker, socket, skip } = await dockerForTests();
if (skip === false) await haveBaseImages(docker, ['node:24-slim']);

// The full size is a part of the bench: 50 deploys under 64 connections.
test('deploys of a container fail no request of any sort', { skip }, async (t) => {
  const settings = { docker: socket };
  const plan = { deploys: 4, seconds: 8, size: SMALL_LOAD, settings, apps: ['server'] };
  const { report, times } = await deployUnderLoad(t, plan);
  assert.equal(times.length, 4);
  assert.deepEqual({ failures: report.failures, backwards: report.backwards }, { failures: [], backwards: [] });
});
