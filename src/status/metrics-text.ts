import {
  BUCKETS_SECONDS,
  COUNT_AT,
  type CountName,
  type GatewayTotals,
  STATUS_CLASSES,
  UPSTREAM_FAULTS,
} from '../model/gateway-counts.ts';
import type { RecordedInstance } from '../model/recorded.ts';
import { WAKE_BUCKETS_SECONDS, type WakeCounts } from '../model/wakes.ts';

type Kind = 'counter' | 'gauge' | 'histogram';
type AppTotals = GatewayTotals['apps'][number];
type ProcessTotals = GatewayTotals['processes'][number];

/** Everything that is measured. */
export interface MetricTotals extends GatewayTotals {
  readonly wakes: readonly WakeCounts[];
  /** How many instances are in each state that is counted. */
  readonly instances: Readonly<Record<InstanceTier, number>>;
}

/** What instances are counted by. */
export const INSTANCE_TIERS = ['running', 'paused', 'stopped'] as const;
/** One of them. */
export type InstanceTier = (typeof INSTANCE_TIERS)[number];

/** Counts instances by state; those on their way from one to another are in none. */
export function instanceTiers(instances: Iterable<Pick<RecordedInstance, 'state'>>): Record<InstanceTier, number> {
  const counts = { running: 0, paused: 0, stopped: 0 };
  for (const { state } of instances) if (isTier(state)) counts[state] += 1;
  return counts;
}

function isTier(state: string): state is InstanceTier {
  return INSTANCE_TIERS.some((tier) => tier === state);
}

interface Sample {
  /** What follows the name: `_bucket` and the like. */
  readonly suffix?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Metric {
  readonly name: string;
  readonly kind: Kind;
  readonly help: string;
  readonly samples: (totals: MetricTotals) => Sample[];
}

/** All metrics, in the order in which they are shown. */
const METRICS: readonly Metric[] = [
  byApp(
    'requests_total',
    'Requests, by the class of their status; "none": no answer had begun when they ended.',
    (app) => STATUS_CLASSES.map((code, at) => ({ labels: { code }, value: countOf(app, 'requests', at) })),
  ),
  histogram(
    'request_duration_seconds',
    'From a request to the end of its answer; upgraded connections left out.',
    'duration',
  ),
  histogram('first_byte_seconds', 'From a request to the head of its answer.', 'firstByte'),
  gaugeByApp('requests_in_flight', 'Requests and upgraded connections that are not over.', 'inFlight'),
  counterByApp('received_bytes_total', 'Bytes that came from clients, heads included.', 'bytesIn'),
  counterByApp('sent_bytes_total', 'Bytes that went to clients, heads included.', 'bytesOut'),
  byApp('upstream_faults_total', 'Requests that failed at the app, by what went wrong.', (app) =>
    UPSTREAM_FAULTS.map((fault, at) => ({ labels: { fault }, value: countOf(app, 'faults', at) })),
  ),
  counterByApp('requests_held_total', 'Requests that waited because their route was held or asleep.', 'held'),
  counterByApp(
    'requests_woken_total',
    'Requests that came to a sleeping app and woke it, or waited for that.',
    'woken',
  ),
  counterByApp('requests_refused_total', 'Requests answered with 503 or 413 in place of an app.', 'refused'),
  counterByApp('retries_total', 'Requests sent to the app once more, on another connection.', 'retried'),
  overall('connections_accepted_total', 'Connections that were accepted.', 'connectionsAccepted'),
  overall('connections_refused_total', 'Connections beyond the limit of all connections.', 'connectionsRefused'),
  overall('access_log_dropped_total', 'Lines of the access log that could not be written.', 'accessLogDropped'),
  byProcess('connections_open', 'gauge', 'Connections that are open.', ({ connectionsOpen }) => connectionsOpen),
  byProcess(
    'waiting',
    'gauge',
    'Requests that wait for a held or sleeping app, or for their turn.',
    ({ waiting }) => waiting,
  ),
  byProcess(
    'table_generation',
    'gauge',
    'The generation of the route table that is followed.',
    ({ generation }) => generation,
  ),
  byProcess('table_lag', 'gauge', 'How many generations the route table is behind.', ({ generation }, newest) =>
    Math.max(0, newest - generation),
  ),
  byProcess(
    'event_loop_busy_seconds_total',
    'counter',
    'For how long the event loop was busy.',
    ({ busySeconds }) => busySeconds,
  ),
  byProcess(
    'event_loop_delay_p99_seconds',
    'gauge',
    'How late the event loop was since the last look.',
    (of) => of.delayP99Seconds,
  ),
  byProcess('event_loop_delay_max_seconds', 'gauge', 'The same, at most.', (of) => of.delayMaxSeconds),
  {
    name: 'mainspring_instances',
    kind: 'gauge',
    help: 'Instances that run, are paused, or are stopped and kept.',
    samples: ({ instances }) => INSTANCE_TIERS.map((state) => ({ labels: { state }, value: instances[state] })),
  },
  {
    name: 'mainspring_wake_seconds',
    kind: 'histogram',
    help: 'From a request for a sleeping app until requests are led to it, by what it was woken from.',
    samples: ({ wakes }) => wakes.flatMap(wakeHistogram),
  },
  wakeGauge('median', 'The median of the last wakes, a thousand at most.', ({ medianSeconds }) => medianSeconds),
  wakeGauge('max', "The longest wake since the controller's start.", ({ maxSeconds }) => maxSeconds),
];

/** The names of all metrics, for the docs. */
export const METRIC_NAMES: readonly string[] = METRICS.map(({ name }) => name);

/** The Content-Type of the text. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Counts as text that Prometheus reads (text format 0.0.4). Of an app only what is not 0 is shown, but for the number of its answers. */
export function metricsText(totals: MetricTotals): string {
  return METRICS.map((metric) => textOf(metric, totals)).join('');
}

function textOf({ name, kind, help, samples }: Metric, totals: MetricTotals): string {
  const lines = samples(totals).map(
    ({ suffix = '', labels, value }) => `${name}${suffix}${labelText(labels)} ${value}\n`,
  );
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function full(name: string): string {
  return `mainspring_gateway_${name}`;
}

function countOf({ counts }: AppTotals, name: CountName, at = 0): number {
  return counts[COUNT_AT[name] + at] ?? 0;
}

function byApp(name: string, help: string, samplesOf: (app: AppTotals) => Sample[], kind: Kind = 'counter'): Metric {
  const samples = ({ apps }: GatewayTotals) =>
    apps.flatMap((app) =>
      samplesOf(app)
        .filter(({ value }) => kind === 'gauge' || value !== 0)
        .map((sample) => ({ ...sample, labels: { env: app.env, app: app.app, ...sample.labels } })),
    );
  return { name: full(name), kind, help, samples };
}

function counterByApp(name: string, help: string, count: CountName): Metric {
  return byApp(name, help, (app) => [{ labels: {}, value: countOf(app, count) }]);
}

function gaugeByApp(name: string, help: string, count: CountName): Metric {
  return byApp(name, help, (app) => [{ labels: {}, value: countOf(app, count) }], 'gauge');
}

function histogram(name: string, help: string, count: 'duration' | 'firstByte'): Metric {
  const samples = ({ apps }: GatewayTotals) => apps.flatMap((app) => histogramOf(app, count));
  return { name: full(name), kind: 'histogram', help, samples };
}

function histogramOf(app: AppTotals, count: 'duration' | 'firstByte'): Sample[] {
  const own = { env: app.env, app: app.app };
  let sum = 0;
  const buckets = [...BUCKETS_SECONDS.map(String), '+Inf'].map((le, at) => {
    sum += countOf(app, count, at);
    return { suffix: '_bucket', labels: { ...own, le }, value: sum };
  });
  if (sum === 0) return [];
  const seconds = countOf(app, `${count}Seconds`);
  return [...buckets, { suffix: '_sum', labels: own, value: seconds }, { suffix: '_count', labels: own, value: sum }];
}

function wakeHistogram({ tier, buckets, sumSeconds }: WakeCounts): Sample[] {
  let sum = 0;
  const counted = [...WAKE_BUCKETS_SECONDS.map(String), '+Inf'].map((le, at) => {
    sum += buckets[at] ?? 0;
    return { suffix: '_bucket', labels: { tier, le }, value: sum };
  });
  if (sum === 0) return [];
  return [
    ...counted,
    { suffix: '_sum', labels: { tier }, value: sumSeconds },
    { suffix: '_count', labels: { tier }, value: sum },
  ];
}

function wakeGauge(name: string, help: string, read: (wakes: WakeCounts) => number | null): Metric {
  const samples = ({ wakes }: MetricTotals) =>
    wakes.flatMap((of) => {
      const value = read(of);
      return value === null ? [] : [{ labels: { tier: of.tier }, value }];
    });
  return { name: `mainspring_wake_${name}_seconds`, kind: 'gauge', help, samples };
}

function overall(name: string, help: string, key: keyof GatewayTotals['gone']): Metric {
  const samples = ({ processes, gone }: GatewayTotals) => [
    { labels: {}, value: processes.reduce((sum, process) => sum + process[key], gone[key]) },
  ];
  return { name: full(name), kind: 'counter', help, samples };
}

function byProcess(
  name: string,
  kind: Kind,
  help: string,
  read: (process: ProcessTotals, newest: number) => number,
): Metric {
  const samples = ({ processes, generation }: GatewayTotals) =>
    processes.map((process) => ({ labels: { pid: String(process.pid) }, value: read(process, generation) }));
  return { name: full(name), kind, help, samples };
}
