import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, appInside, told, type World, worldWith } from '../../../test/support/branches.ts';
import { isTarget } from '../../model/desired.ts';

const [a, wiki] = [appFrom('a'), appInside('wiki')];
const changed = { apps: [appFrom('a', { params: { A: '1' } }), wiki] };

/** Main with `/a` of a repo and `/wiki` of a folder, and branch `x` of the config repo where main is. */
function world(): World {
  const of = worldWith(['a', './wiki']);
  of.config.branch('x');
  return of;
}

/** The preview of `x`: what it holds, which commit it goes by, and its errors. */
function state(of: World) {
  const [preview] = of.previews();
  return preview && [told([preview])[0], preview.goodConfig, preview.errors.map(({ code }) => code)];
}

test('a branch whose config breaks keeps its last good state and shows the errors', () => {
  const of = world();
  const good = of.config.commit('x', {}, changed);
  of.settle();
  const before = of.previews()[0]?.deployments[0]?.want;
  const broken = of.config.commit('x', { wiki: 'wiki 2' }, 'broken');
  assert.deepEqual(state(of), ['x: /a', good, ['config-invalid']]);
  assert.deepEqual(of.previews()[0]?.deployments[0]?.want, before);
  assert.deepEqual(Object.values(of.previews()[0]?.heads ?? {}), [broken]);
});

test('it stays so for as long as the branch is broken, and is as the branch says once it is mended', () => {
  const of = world();
  const good = of.config.commit('x', {}, changed);
  of.settle();
  for (const text of ['2', '3']) {
    of.config.commit('x', { wiki: text }, 'broken');
    of.settle();
    assert.deepEqual(state(of), ['x: /a', good, ['config-invalid']]);
  }
  const mended = of.config.commit('x', {}, changed);
  assert.deepEqual(state(of), ['x: /a /wiki', mended, []]);
});

test('prod and stage are not concerned', () => {
  const of = world();
  const before = of.desired().environments.filter(({ kind }) => kind !== 'preview');
  of.config.commit('x', {}, 'broken');
  const after = of.desired().environments.filter(({ kind }) => kind !== 'preview');
  assert.deepEqual(after, before);
});

test('a branch that never evaluated is an environment with errors and no deployments', () => {
  const of = world();
  of.config.commit('x', { wiki: 'wiki 2' }, 'broken');
  assert.deepEqual(state(of), ['x:', null, ['config-invalid']]);
  of.settle();
  assert.deepEqual(state(of), ['x:', null, ['config-invalid']]);
});

test('a branch that never evaluated goes by main’s config where sources have that branch', () => {
  const of = world();
  of.config.commit('x', {}, 'broken');
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  assert.deepEqual(state(of), ['x: /a', null, ['config-invalid']]);
});

test('a branch that never evaluated and is mended without changing anything is over', () => {
  const of = world();
  of.config.commit('x', {}, 'broken');
  of.settle();
  of.config.commit('x', {}, { apps: [a, wiki] });
  assert.deepEqual([of.previews(), of.desired().ended.map(({ name }) => name)], [[], ['x']]);
});

test('a branch that is broken and deleted is over', () => {
  const of = world();
  of.config.commit('x', {}, 'broken');
  of.settle();
  of.config.branches.delete('x');
  assert.deepEqual(
    of.desired().ended.map(({ name }) => name),
    ['x'],
  );
});

test('the last good state is compared with where it left main, not with what the broken one took in', () => {
  const of = world();
  of.config.commit('x', {}, changed);
  of.settle();
  const newer = of.config.commit('main', { wiki: 'wiki 2' });
  of.config.put('x', { folders: { wiki: 'wiki 2' }, config: 'broken', parents: [of.config.tip('x'), newer] });
  assert.equal(state(of)?.[0], 'x: /a');
});

test('a last good state that main has taken in by now holds nothing, but the errors are shown', () => {
  const of = world();
  const good = of.config.commit('x', {}, changed);
  of.settle();
  of.config.branches.set('main', good);
  of.config.commit('x', {}, 'broken');
  assert.deepEqual(state(of), ['x:', good, ['config-invalid']]);
});

test('where main itself was broken when the branch began, what main says now stands in for it', () => {
  const of = world();
  of.settle();
  of.config.commit('main', {}, 'broken');
  of.config.branch('x').commit('x', {}, changed);
  assert.deepEqual(told(of.previews()), ['x: /a']);
});

test('main that is broken does not change what branches are compared with', () => {
  const of = world();
  of.config.commit('x', {}, changed);
  of.settle();
  of.config.commit('main', { wiki: 'wiki 9' }, 'broken');
  assert.deepEqual([told(of.previews()), of.desired().ended], [['x: /a'], []]);
});

test('a preview goes by its branch, and its deployments say which commit that is', () => {
  const of = world();
  const good = of.config.commit('x', { wiki: 'wiki 2' });
  const want = of.previews()[0]?.deployments[0]?.want;
  assert.ok(want !== undefined && isTarget(want));
  assert.deepEqual(
    [want.configCommit, want.source?.commit, want.causes.config],
    [
      good,
      good,
      { kind: 'commit', repo: of.config.url, ref: 'x', commit: good, author: 'dev@example.com', pull: null },
    ],
  );
});
