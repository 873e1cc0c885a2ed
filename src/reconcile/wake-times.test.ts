import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstanceId } from '../model/ids.ts';
import { WAKE_BUCKETS_SECONDS } from '../model/wakes.ts';
import { WakeTimes } from './wake-times.ts';

const id = (name: string) => name as InstanceId;

test('wakes are told by tier: how many took how long, the median and the worst', () => {
  const wakes = new WakeTimes();
  for (const [name, ms] of [
    ['a', 8],
    ['b', 30],
    ['c', 900],
  ] as const) {
    wakes.begin(id(name), 'paused', 1_000);
    wakes.end(id(name), 1_000 + ms);
  }
  const [paused, stopped] = wakes.counts();
  assert.deepEqual(
    paused?.buckets.flatMap((count, at) => (count > 0 ? [[WAKE_BUCKETS_SECONDS[at], count]] : [])),
    [
      [0.01, 1],
      [0.03, 1],
      [1, 1],
    ],
  );
  assert.deepEqual([paused?.sumSeconds, paused?.medianSeconds, paused?.maxSeconds], [0.938, 0.03, 0.9]);
  assert.deepEqual([stopped?.tier, stopped?.medianSeconds, stopped?.maxSeconds], ['stopped', null, null]);
});

test('what is asked for again is the same wake, and what was not asked for is none', () => {
  const wakes = new WakeTimes();
  wakes.begin(id('a'), 'stopped', 0);
  wakes.begin(id('a'), 'paused', 500);
  assert.equal(wakes.tierOf(id('a')), 'stopped');
  wakes.end(id('a'), 600);
  wakes.end(id('a'), 700);
  wakes.end(id('b'), 700);
  wakes.begin(id('c'), 'stopped', 0);
  wakes.forget(id('c'));
  wakes.end(id('c'), 800);
  assert.deepEqual(
    wakes.counts().map(({ sumSeconds }) => sumSeconds),
    [0, 0.6],
  );
});

test('what took longer than any bound is counted too, and the median is of the last thousand', () => {
  const wakes = new WakeTimes();
  for (let at = 0; at < 3_000; at++) {
    wakes.begin(id('a'), 'stopped', 0);
    wakes.end(id('a'), at < 2_000 ? 70_000 : 400);
  }
  const stopped = wakes.counts()[1];
  assert.deepEqual([stopped?.buckets.at(-1), stopped?.medianSeconds, stopped?.maxSeconds], [2_000, 0.4, 70]);
});
