import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  appDeclaration,
  CONFIG_REPO,
  commitCause,
  commitId,
  resolved,
  targetOf,
} from '../../test/support/declarations.ts';
import { AT, artifact, deployment, instance, live, next, recordedWith, rows } from '../../test/support/recorded.ts';
import { tempStore } from '../../test/support/temp-store.ts';
import { chainEvent } from '../audit/chain.ts';
import { verifyAudit } from '../audit/log.ts';
import type { AppId, EnvName, InstanceId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import { audit, type Change, drop, put } from './changes.ts';
import type { Recorded } from './recorded.ts';
import { loadRecorded, Store } from './store.ts';
import { TABLES, type TableName } from './tables.ts';

const target = targetOf();
const problem = { code: 'git-list-failed', message: 'no "answer"', hint: 'é', retry: 'after-interval' } as const;
const started = audit({ kind: 'controller.started', env: null, app: null, cause: { kind: 'bootstrap' }, detail: {} });
const [production] = recordedWith().environments.values();
if (production === undefined) throw new Error('no environment');
const environment = put('environment', production);

/** One row of each kind with everything in it that it can hold. */
const FULL: { readonly [T in TableName]: Change } = {
  config: put('config', {
    seen: commitId('1'),
    seenAt: AT,
    seenCause: commitCause(),
    accepted: commitId('2'),
    acceptedCause: commitCause(commitId('2')),
    planned: commitId('2'),
    errors: [{ code: 'config-invalid', file: 'a.star', line: null, message: 'm', hint: null }],
  }),
  repo: put('repo', {
    repo: CONFIG_REPO,
    listing: { repo: CONFIG_REPO, asOf: AT, head: 'main', branches: { main: commitId('1') } },
    error: problem,
    baseline: { main: commitId('3') },
    movedAt: { main: AT },
  }),
  source: put('source', { key: 'config\na', repo: CONFIG_REPO, resolved: resolved({ procfile: 'web: x' }), problem }),
  environment: put('environment', {
    ...production,
    parked: 'over the limit',
    cause: commitCause(),
    heads: { [CONFIG_REPO]: commitId('1') },
    goodConfig: commitId('2'),
    errors: [{ code: 'config-invalid', file: 'a.star', line: 3, message: 'm', hint: null }],
    activeAt: AT,
    endingSince: AT,
  }),
  deployment: put(
    'deployment',
    deployment({
      dataEngine: 'process',
      kept: [target.artifact],
      live: live(target, { asleep: true, suspended: true, condition: { reason: 'r', message: 'm', since: 's' } }),
      next: next(targetOf(appDeclaration({ params: { A: [1, { b: null }] } })), {
        ...{ removes: true, brake: 'h', release: 'r1', problem, retryAt: AT, deadline: AT },
      }),
    }),
  ),
  artifact: put('artifact', artifact(target, { digest: 'sha256:1', problem, attempts: 3, retryAt: AT })),
  instance: put('instance', instance({ problem, attempts: 2, retryAt: AT, drainUntil: AT })),
  release: put('release', {
    id: 'r1',
    env: PROD,
    state: 'held',
    removalHash: 'h',
    cause: commitCause(),
    since: AT,
  }),
  retained: put('retained', {
    dataName: 'prod/b-1',
    env: PROD,
    app: '/b' as AppId,
    engine: 'process',
    until: AT,
    state: 'kept',
  }),
  route: put('route', {
    host: 'example.com',
    path: '/a',
    generation: 7,
    env: PROD,
    app: '/a' as AppId,
    serve: {
      instance: 'i-live' as InstanceId,
      target: { kind: 'http', url: 'http://127.0.0.1:1', external: false },
      stripPath: true,
      noindex: false,
    },
    vacancy: { env: 'try' as EnvName, app: '/b' as AppId, why: 'failed', reason: 'it never answered' },
  }),
};

/** Everything that is recorded, as plain values. */
function contents(recorded: Pick<Recorded, keyof Recorded>): Record<string, unknown> {
  const { config, repos, sources, environments, deployments, artifacts, instances, releases, retained, routes } =
    recorded;
  const maps = { repos, sources, environments, deployments, artifacts, instances, releases, retained, routes };
  return { config, ...Object.fromEntries(Object.entries(maps).map(([name, map]) => [name, [...map]])) };
}

test('every kind of row comes back from the disk as it was, with generation and head', (t) => {
  const { open } = tempStore(t);
  const first = open();
  assert.deepEqual(Object.keys(FULL).sort(), Object.keys(TABLES).sort());
  first.transact(() => [...Object.values(FULL), started]);
  first.close();
  const second = open();
  assert.deepEqual(contents(second.recorded as Recorded), contents(first.recorded as Recorded));
  assert.deepEqual([second.recorded.generation, second.head], [7, first.head]);
});

test('a row that is written twice is there once, as it was written last', (t) => {
  const { open } = tempStore(t);
  const store = open();
  store.transact(() => [environment, ...rows(deployment())]);
  store.transact(() => rows(deployment({ live: live(target) })));
  store.close();
  assert.deepEqual([...open().recorded.deployments.values()], [deployment({ live: live(target) })]);
});

test('dropped rows are gone from the database too', (t) => {
  const { open } = tempStore(t);
  const store = open();
  store.transact(() => [environment, ...rows(deployment())]);
  store.transact(() => [drop('deployment', deployment())]);
  store.close();
  assert.equal(open().recorded.deployments.size, 0);
});

test('a transaction that fails changes neither the database nor the memory, and gives out no generation', (t) => {
  const { open } = tempStore(t);
  const store = open();
  const before = contents(store.recorded as Recorded);
  // The foreign key refuses a deployment of an environment that is not there.
  const fails = () =>
    store.transact((_, generation) => [
      started,
      ...rows(deployment({ live: live(target, { generation: generation() }) })),
    ]);
  assert.throws(fails, { code: 'store-failed' });
  assert.deepEqual([contents(store.recorded as Recorded), store.head.id, store.recorded.generation], [before, 0, 0]);
  store.transact(() => [started]);
  store.close();
  assert.equal(open().head.id, 1);
});

test('a decision that throws changes nothing', (t) => {
  const store = tempStore(t).open();
  const decide = () => {
    throw new Error('undecided');
  };
  assert.throws(() => store.transact(decide), /undecided/);
  assert.equal(store.head.id, 0);
});

test('deciding on nothing writes nothing and tells nobody', (t) => {
  const store = tempStore(t).open();
  let told = 0;
  store.onChange(() => {
    told += 1;
  });
  store.transact((_, generation) => (generation() > 0 ? [] : [started]));
  assert.deepEqual([told, store.recorded.generation, store.head.id], [0, 0, 0]);
});

test('who listens is told once a transaction, after it is recorded, until it says that it is enough', (t) => {
  const store = tempStore(t).open();
  const told: number[] = [];
  const stop = store.onChange((changes) => told.push(changes.length, store.recorded.environments.size));
  store.transact(() => [environment, started]);
  stop();
  store.transact(() => [started]);
  assert.deepEqual(told, [2, 1]);
});

test('generations only grow, also over restarts and when the row that had the highest is gone', (t) => {
  const { open } = tempStore(t);
  const store = open();
  const given: number[] = [];
  const take = (generation: () => number) => {
    given.push(generation(), generation());
    return [started];
  };
  store.transact((_, generation) => take(generation));
  store.transact((_, generation) => take(generation));
  store.close();
  open().transact((_, generation) => take(generation));
  assert.deepEqual(given, [1, 2, 3, 4, 5, 6]);
});

test('a decision sees what is recorded, and rows that were read stay as they were', (t) => {
  const store = tempStore(t).open();
  store.transact(() => [environment, ...rows(deployment())]);
  const row = store.recorded.deployment(PROD, '/a' as AppId);
  store.transact((recorded) =>
    rows({ ...deployment(), ...recorded.deployment(PROD, '/a' as AppId), dataEngine: 'process' }),
  );
  assert.equal(row?.dataEngine, null);
  assert.equal(store.recorded.deployment(PROD, '/a' as AppId)?.dataEngine, 'process');
});

test('an event is always on the disk, whatever its transaction need outlive', (t) => {
  const written: unknown[] = [];
  const temp = tempStore(t);
  const connection = temp.connect();
  const write = connection.write.bind(connection);
  connection.write = (queries, outlives) => {
    written.push(outlives);
    write(queries, outlives);
  };
  const clock = { now: () => AT, sleep: () => Promise.resolve() };
  const store = new Store({ connection, clock, chain: chainEvent });
  store.transact(() => [environment], 'process');
  store.transact(() => [environment, started], 'process');
  store.transact(() => [environment]);
  assert.deepEqual(written, ['process', 'power', 'power']);
});

test('thousands of rows are one transaction: all there, with an unbroken chain', (t) => {
  const temp = tempStore(t);
  const store = temp.open();
  const many = Array.from({ length: 5_000 }, (_, n) => deployment({ app: `/a${n}` }));
  store.transact(() => [environment, ...many.flatMap((row) => [put('deployment', row), started])]);
  store.close();
  const connection = temp.connect();
  assert.equal(loadRecorded(connection).deployments.size, 5_000);
  assert.deepEqual([verifyAudit(connection, null).ok, verifyAudit(connection, null).lines], [true, 5_000]);
});

test('a value beside the tables is kept, and replaced', (t) => {
  const { open } = tempStore(t);
  const store = open();
  assert.equal(store.meta('looked_at'), null);
  store.setMeta('looked_at', '1');
  store.setMeta('looked_at', '2');
  store.close();
  assert.equal(open().meta('looked_at'), '2');
});
