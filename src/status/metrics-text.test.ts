import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseExposition } from '../../test/support/prometheus.ts';
import { COUNT_AT, COUNTS_LENGTH, type GatewayTotals, NO_TOTALS } from '../model/gateway-counts.ts';
import type { AppId, EnvName } from '../model/ids.ts';
import { WAKE_BUCKETS_SECONDS, type WakeCounts } from '../model/wakes.ts';
import { instanceTiers, METRIC_NAMES, type MetricTotals, metricsText } from './metrics-text.ts';

const NO_WAKES = WAKE_BUCKETS_SECONDS.map(() => 0);
const WAKES: WakeCounts = {
  tier: 'paused',
  buckets: [0, 2, ...NO_WAKES.slice(2), 1],
  sumSeconds: 70.04,
  medianSeconds: 0.02,
  maxSeconds: 70,
};
const NEVER: WakeCounts = { tier: 'stopped', buckets: NO_WAKES, sumSeconds: 0, medianSeconds: null, maxSeconds: null };
const STATES = ['running', 'paused', 'paused', 'stopping', 'stopped'] as const;
const RECORDED = { wakes: [WAKES, NEVER], instances: instanceTiers(STATES.map((state) => ({ state }))) };
const NOTHING: MetricTotals = { ...NO_TOTALS, wakes: [NEVER], instances: instanceTiers([]) };

const PROCESS: GatewayTotals['processes'][number] = {
  pid: 7,
  generation: 40,
  connectionsOpen: 3,
  connectionsAccepted: 10,
  connectionsRefused: 1,
  waiting: 2,
  busySeconds: 1.5,
  delayP99Seconds: 0.001,
  delayMaxSeconds: 1e-7,
  accessLogDropped: 0,
};

test('the text says what was counted, by the format', () => {
  const counts = new Array<number>(COUNTS_LENGTH).fill(0);
  counts[COUNT_AT.requests + 1] = 3;
  counts[COUNT_AT.duration] = 1;
  counts[COUNT_AT.duration + 3] = 2;
  counts[COUNT_AT.durationSeconds] = 0.05;
  counts[COUNT_AT.faults + 1] = 4;
  const app = '/we"ird\\app' as AppId;
  const totals = {
    generation: 42,
    apps: [{ env: 'prod' as EnvName, app, counts }],
    processes: [PROCESS],
    gone: { ...NO_TOTALS.gone, connectionsAccepted: 90 },
    ...RECORDED,
  };
  const { kinds, values } = parseExposition(metricsText(totals));
  assert.deepEqual([...kinds.keys()], METRIC_NAMES);
  const own = `app=${JSON.stringify(app)}`;
  const expected: [string, number][] = [
    [`requests_total{${own},code="2xx",env="prod"}`, 3],
    [`request_duration_seconds_bucket{${own},env="prod",le="0.001"}`, 1],
    [`request_duration_seconds_bucket{${own},env="prod",le="0.01"}`, 1],
    [`request_duration_seconds_bucket{${own},env="prod",le="0.025"}`, 3],
    [`request_duration_seconds_bucket{${own},env="prod",le="+Inf"}`, 3],
    [`request_duration_seconds_count{${own},env="prod"}`, 3],
    [`request_duration_seconds_sum{${own},env="prod"}`, 0.05],
    [`upstream_faults_total{${own},env="prod",fault="unreachable"}`, 4],
    [`requests_in_flight{${own},env="prod"}`, 0],
    ['connections_accepted_total{}', 100],
    ['table_lag{pid="7"}', 2],
    ['event_loop_delay_max_seconds{pid="7"}', 1e-7],
  ];
  for (const [name, value] of expected) assert.equal(values.get(`mainspring_gateway_${name}`), value, name);
  for (const [name, value] of [
    ['instances{state="paused"}', 2],
    ['instances{state="running"}', 1],
    ['wake_seconds_bucket{le="0.01",tier="paused"}', 0],
    ['wake_seconds_bucket{le="0.02",tier="paused"}', 2],
    ['wake_seconds_bucket{le="60",tier="paused"}', 2],
    ['wake_seconds_bucket{le="+Inf",tier="paused"}', 3],
    ['wake_seconds_count{tier="paused"}', 3],
    ['wake_seconds_sum{tier="paused"}', 70.04],
    ['wake_median_seconds{tier="paused"}', 0.02],
    ['wake_max_seconds{tier="paused"}', 70],
  ] as const)
    assert.equal(values.get(`mainspring_${name}`), value, name);
  assert.equal(values.has('mainspring_wake_max_seconds{tier="stopped"}'), false);
  assert.equal(values.has(`mainspring_gateway_requests_total{${own},code="5xx",env="prod"}`), false);
});

test('with nothing counted the text is still one', () => {
  assert.equal(parseExposition(metricsText(NOTHING)).values.size, 6);
});

test('docs/gateway.md has a table of exactly these metrics', () => {
  const docs = readFileSync(new URL('../../docs/gateway.md', import.meta.url), 'utf8');
  const listed = [...docs.matchAll(/^\| `(mainspring_\w+)`/gm)].map(([, name]) => name);
  assert.deepEqual(listed, METRIC_NAMES);
});
