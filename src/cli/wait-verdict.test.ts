import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status, StatusDeployment } from '../model/surface.ts';
import { type WaitFor, waitVerdict } from './wait-verdict.ts';

const A = 'a'.repeat(40);
const B = 'b'.repeat(40);
const SOURCE = '5'.repeat(40);

type Next = NonNullable<StatusDeployment['next']>;

function deployment(app: string, next: Partial<Next> | null = null, source = SOURCE): StatusDeployment {
  const side = { revision: 'r', artifact: { key: 'k', digest: null }, config_commit: A, source_commit: source };
  return {
    app,
    url: `http://localhost${app}`,
    live: { ...side, since: '2026-01-01T00:00:00.000Z', asleep: false, condition: null },
    next: next === null ? null : { ...side, state: 'building', reason: null, release: null, ...next },
  };
}

function status(
  change: Partial<Status> & { config?: Partial<Status['config']> } = {},
  apps = [deployment('/a')],
): Status {
  return {
    version: '0.1.0',
    settled: false,
    environments: [{ name: 'prod', kind: 'prod', parked: false, cause: null, deployments: apps }],
    releases: [],
    sources: [],
    audit: { head: '0:' },
    ...change,
    config: { repo: '/r', branch: 'main', commit: A, accepted: A, planned: A, errors: [], ...change.config },
  } as Status;
}

function verdict(of: Status, want: Partial<WaitFor> = {}) {
  return waitVerdict(of, { commit: A, env: null, listings: 0, ...want });
}

const error = { code: 'config-invalid', file: 'apps.star', line: 3, message: 'no such argument "specc"', hint: null };
const superseded = { commit: A, role: 'config', state: 'superseded', by: B } as const;

for (const [name, of, want, expected] of [
  ['a commit whose apps have nothing next is live', status(), {}, 'live'],
  ['a commit that was not planned yet is pending', status({ config: { planned: B } as never }), {}, 'pending'],
  ['a commit that is being evaluated is pending', status({ config: { accepted: B } as never }), {}, 'pending'],
  ['a rejected commit has failed', status({ config: { accepted: B, errors: [error] } as never }), {}, 'failed'],
  [
    'an accepted commit is judged although a newer one was rejected',
    status({ config: { commit: B, errors: [error] } as never }),
    {},
    'live',
  ],
  ['an app that is building is pending', status({}, [deployment('/a'), deployment('/b', {})]), {}, 'pending'],
  ['an app that is being removed is pending', status({}, [deployment('/b', { state: 'removing' })]), {}, 'pending'],
  ['a quarantined app has failed', status({}, [deployment('/a', { state: 'quarantined' })]), {}, 'failed'],
  ['a held app has failed', status({}, [deployment('/a', { state: 'held' })]), {}, 'failed'],
  [
    'a quarantined app beside one that builds is pending',
    status({}, [deployment('/a', { state: 'quarantined' }), deployment('/b', {})]),
    {},
    'pending',
  ],
  [
    'an app that waits when all is settled has failed',
    status({ settled: true }, [deployment('/a', { state: 'waiting' })]),
    {},
    'failed',
  ],
  [
    'a commit that another one followed is followed',
    status({ config: { commit: B, accepted: B, planned: B } as never, about: superseded }),
    {},
    'follow',
  ],
  ['an environment that is not there has failed', status(), { env: 'stage' }, 'failed'],
  ['apps of other environments do not count', status({}, [deployment('/a')]), { env: 'prod' }, 'live'],
  ['a commit of a source that is live is live', status({ config: { commit: B } as never }), { commit: SOURCE }, 'live'],
  [
    'a commit of a source that is next is pending',
    status({}, [deployment('/a', { source_commit: B }, A)]),
    { commit: B },
    'pending',
  ],
  [
    'a commit of a source that changed nothing is live once all is settled',
    status({ settled: true, about: { commit: B, role: 'source', state: 'current', by: null } }),
    { commit: B },
    'live',
  ],
  ['a commit that was never seen is pending at first', status(), { commit: B, listings: 1 }, 'pending'],
  ['a commit that two listings did not show has failed', status(), { commit: B, listings: 2 }, 'failed'],
] as const) {
  test(name, () => assert.equal(verdict(of, want).kind, expected));
}

test('a failure names each app with its state and reason', () => {
  const apps = [deployment('/a'), deployment('/b', { state: 'quarantined', reason: 'answered 500' })];
  assert.deepEqual(verdict(status({}, apps)), {
    kind: 'failed',
    message: 'aaaaaaaa is not live everywhere: 1 of 2 apps is stuck',
    reasons: ['/b in prod is quarantined: answered 500'],
  });
});

test('a rejection names file and line', () => {
  const found = verdict(status({ config: { accepted: B, errors: [error] } as never }));
  assert.deepEqual(found.kind === 'failed' && found.reasons, ['apps.star:3: no such argument "specc"']);
});

test('what took the place of a commit is named', () => {
  const of = status({ config: { commit: B, accepted: B, planned: B } as never, about: superseded });
  assert.deepEqual(verdict(of), { kind: 'follow', commit: B, message: 'aaaaaaaa was superseded by bbbbbbbb' });
});

const onBranch = { commit: B, role: 'config', state: 'current', by: null, branch: 'feature/x' } as const;
const preview = { name: 'feature-x', kind: 'preview', parked: false, cause: null } as const;

for (const [name, about, environment, env, expected] of [
  ['is live once its preview is', { env: 'feature-x', planned: true }, {}, null, 'B (feature-x) is live (1 app)'],
  [
    'is live in the preview that is named',
    { env: 'feature-x', planned: true },
    {},
    'feature-x',
    'B (feature-x) is live (1 app)',
  ],
  [
    'is no part of production before it is merged',
    { env: 'feature-x', planned: true },
    {},
    'prod',
    'B is on branch "feature/x": its environment is "feature-x", and it is in "prod" once it is merged',
  ],
  [
    'is pending until its preview is planned',
    { env: 'feature-x', planned: false },
    {},
    null,
    'B was seen and is being looked at',
  ],
  [
    'is pending while nothing is known',
    { env: null, planned: false, why: null },
    {},
    null,
    'B was seen and is being looked at',
  ],
  [
    'without a preview has failed, and why',
    { env: null, planned: false, why: 'nothing differs' },
    {},
    null,
    'B is not deployed: nothing differs',
  ],
  [
    'in a parked preview has failed',
    { env: 'feature-x', planned: true },
    { parked: true, parked_why: 'ttl' },
    null,
    'B is not up: "feature-x" is parked, since ttl',
  ],
  [
    'whose config is broken has failed',
    { env: 'feature-x', planned: true },
    { errors: [error] },
    null,
    'B was rejected; what runs goes on',
  ],
  [
    'that is building is pending',
    { env: 'feature-x', planned: true },
    { deployments: [deployment('/a', {})] },
    null,
    'B (feature-x) is on its way: /a in feature-x building',
  ],
  [
    'of a branch that moved on is followed',
    { state: 'superseded', by: A },
    {},
    null,
    'B was superseded by aaaaaaaa on branch "feature/x"',
  ],
  [
    'of a branch that is gone has failed',
    { state: 'superseded', by: null },
    {},
    null,
    'B is not deployed: branch "feature/x" is gone',
  ],
] as const) {
  test(`a commit of a branch ${name}`, () => {
    const of = status({ about: { ...onBranch, ...about } });
    const environments = [...of.environments, { ...preview, deployments: [deployment('/a')], ...environment }];
    const { message } = verdict({ ...of, environments }, { commit: B, env });
    assert.equal(message.replace('bbbbbbbb', 'B'), expected);
  });
}

test('what is on its way says when it waits for stage, or for the others of its release', () => {
  const of = status({
    releases: [{ id: 'r1', env: 'stage', state: 'moving', members: ['/a', '/b'], blocked_by: [], removal_hash: null }],
  });
  const stage = { name: 'stage', kind: 'stage', parked: false, cause: null } as const;
  const staged = [
    deployment('/a', { state: 'ready', release: 'r1' }),
    deployment('/b', { state: 'verifying', release: 'r1' }),
  ];
  const prod = {
    ...stage,
    name: 'prod',
    kind: 'prod',
    deployments: [deployment('/a', { state: 'building' })],
  } as const;
  const { message } = verdict({ ...of, environments: [prod, { ...stage, deployments: staged }] });
  assert.equal(
    message,
    'aaaaaaaa is on its way: /a in prod waits for stage, /a in stage waits for the others of release r1 (/b), /b in stage verifying',
  );
});
