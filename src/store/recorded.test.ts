import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resolved, targetOf, treeId } from '../../test/support/declarations.ts';
import { deployment, instance, live, next, recordedWith, rows } from '../../test/support/recorded.ts';
import type { AppId } from '../model/ids.ts';
import { PROD } from '../model/ids.ts';
import { drop, put } from './changes.ts';

const target = targetOf();
const other = targetOf(undefined, resolved({ tree: treeId('8') }));
const users = (recorded: ReturnType<typeof recordedWith>, of = target) =>
  recorded.deploymentsWith(of.artifact).map(({ app }) => app);

test('an artifact is used by the deployments that are live with it or on their way to it, and by instances', () => {
  const recorded = recordedWith(
    ...rows(deployment({ live: live(target) }), deployment({ app: '/b', live: live(other), next: next(target) })),
  );
  assert.deepEqual([users(recorded), users(recorded, other)], [['/a', '/b'], ['/b']]);
  recorded.apply(put('deployment', deployment({ live: live(other) })));
  assert.deepEqual([users(recorded), users(recorded, other)], [['/b'], ['/b', '/a']]);
  recorded.apply(drop('deployment', deployment({ app: '/b' })));
  assert.deepEqual([users(recorded), recorded.isUsed(target.artifact)], [[], false]);
  recorded.apply(put('instance', instance()));
  assert.deepEqual([recorded.isUsed(target.artifact), recorded.instancesWith(target.artifact)], [true, 1]);
});

test('an instance counts once, however often its row is written, and not at all once it is dropped', () => {
  const recorded = recordedWith(...rows(deployment()), put('instance', instance({ state: 'starting' })));
  recorded.apply(put('instance', instance()));
  assert.deepEqual([recorded.instancesWith(target.artifact), recorded.instancesOf(PROD, '/a' as AppId).length], [1, 1]);
  recorded.apply(drop('instance', instance()));
  recorded.apply(drop('instance', instance()));
  assert.deepEqual([recorded.instancesWith(target.artifact), recorded.instancesOf(PROD, '/a' as AppId)], [0, []]);
});

test('the generation is the highest that any row has, also after that row is gone', () => {
  const recorded = recordedWith(
    ...rows(deployment({ live: live(target, { generation: 4 }), next: next(other, { generation: 9 }) })),
  );
  recorded.apply(put('deployment', deployment()));
  assert.equal(recorded.generation, 9);
});
