import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Target } from '../model/desired.ts';
import { type AppId, type CommitId, PROD } from '../model/ids.ts';
import type { Plan, PlanSide } from '../model/plan.ts';
import { PlanSchema } from '../model/surface.ts';
import { planDocument } from './plan-document.ts';

const commit = 'a'.repeat(40) as CommitId;
const side: PlanSide = {
  revision: 'r',
  artifact: { key: 'k', digest: null },
  config_commit: commit,
  source_commit: null,
};
const cause = { kind: 'bootstrap' } as const;

function base(app: string) {
  return { env: PROD, app: app as AppId, cause };
}

const PLAN: Plan = {
  configCommit: commit,
  environments: [],
  releases: [{ id: 'r1', env: PROD, cause, members: ['/a' as AppId, '/c' as AppId], joins: [] }],
  steps: [
    {
      ...base('/a'),
      kind: 'create',
      release: 'r1',
      from: null,
      to: side,
      changed: [],
      effect: 'instance',
      target: { notes: ['found a Procfile'] } as unknown as Target,
    },
    {
      ...base('/b'),
      kind: 'update',
      release: null,
      from: side,
      to: side,
      changed: ['health'],
      effect: 'policy',
      target: { notes: [] } as unknown as Target,
    },
    { ...base('/c'), kind: 'remove', release: 'r1', from: side, to: null, changed: [], held: 'too many' },
    {
      ...base('/d'),
      kind: 'blocked',
      release: null,
      from: null,
      to: null,
      changed: [],
      problem: { code: 'git-ref-missing', message: 'no branch', hint: 'Push it.', retry: 'after-interval' },
    },
    { ...base('/e'), kind: 'cancel', from: side, to: side, changed: [] },
  ],
  removalHash: 'abc',
};

test('a plan becomes the document that others script against', () => {
  const changes = [{ argument: 'health', from: 1, to: 2 }];
  const steps = new Map([['prod /b', { build: 'reuse', because: 'built before', changes } as const]]);
  const releases = [{ id: 'r1', env: 'prod', members: ['/a', '/c'], joins: [], blocked_by: [] }];
  const document = planDocument(PLAN, { steps, releases, notInEffect: ['[docker]'] });
  assert.deepEqual(document, {
    config_commit: commit,
    steps: [
      {
        kind: 'create',
        env: 'prod',
        app: '/a',
        changed: [],
        from: null,
        to: side,
        effect: 'instance',
        release: 'r1',
        notes: ['found a Procfile'],
      },
      {
        ...{ kind: 'update', env: 'prod', app: '/b', changed: ['health'], from: side, to: side, effect: 'policy' },
        ...{ build: 'reuse', because: 'built before', changes, release: null },
      },
      { kind: 'remove', env: 'prod', app: '/c', changed: [], from: side, to: null, release: 'r1', held: 'too many' },
    ],
    summary: { create: 1, update: 1, remove: 1, blocked: 1 },
    blocked: [{ env: 'prod', app: '/d', code: 'git-ref-missing', message: 'no branch', hint: 'Push it.' }],
    cancelled: [{ env: 'prod', app: '/e' }],
    releases,
    removal_hash: 'abc',
    errors: [],
    notes: [],
    not_in_effect: ['[docker]'],
  });
  assert.deepEqual(PlanSchema.parse(document), document);
});

test('no plan at all is a document of nothing', () => {
  const document = planDocument({ configCommit: null, environments: [], releases: [], steps: [], removalHash: null });
  assert.equal(document.config_commit, null);
  assert.deepEqual(document.summary, { create: 0, update: 0, remove: 0, blocked: 0 });
});
