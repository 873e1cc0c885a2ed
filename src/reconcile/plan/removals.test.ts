import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, type World, worldWith } from '../../../test/support/branches.ts';
import { finish } from '../../../test/support/declarations.ts';
import { deployment, live, next } from '../../../test/support/recorded.ts';
import type { AppDeclaration } from '../../model/app.ts';
import type { Desired } from '../../model/desired.ts';
import type { AppId, EnvName } from '../../model/ids.ts';
import { put } from '../../store/changes.ts';
import { plan } from '../plan.ts';

const X = 'x' as EnvName;

/** Main with five apps in stage and production, and a preview of branch `x` with two of them: all live. */
function world(): World {
  const of = worldWith(['a', 'b', 'c', 'd', 'e']);
  for (const repo of ['a', 'b'])
    of.repo(repo)
      .branch('x')
      .commit('x', { '': `${repo} on x` });
  of.settle();
  return of;
}

const declare = (
  of: World,
  repos: readonly string[],
  edit: Partial<AppDeclaration> = {},
  allowRemoval: string | null = null,
) => void of.config.commit('main', {}, { apps: repos.map((repo) => appFrom(repo, edit)), release: { allowRemoval } });

/** What is to go, with the environment; `held` for what the brake holds. */
function removals(of: World, edit: (desired: Desired) => Desired = (desired) => desired): string[] {
  const { steps } = finish(plan(edit(of.desired()), of.recorded.facts(), of.at));
  return steps.flatMap((step) =>
    step.kind === 'remove' ? [`${step.env} ${step.app}${step.held === null ? '' : ' held'}`] : [],
  );
}

/** What goes, and from where. */
for (const [name, change, expected] of [
  ['nothing', () => {}, []],
  [
    'an app that leaves main goes from production and stage, and from no preview that holds it for other reasons',
    (of: World) => declare(of, ['a', 'b', 'c', 'd']),
    ['prod /e', 'stage /e'],
  ],
  [
    'an app of a preview that leaves main goes there too',
    (of: World) => declare(of, ['b', 'c', 'd', 'e']),
    ['prod /a', 'stage /a', 'x /a'],
  ],
  [
    'an app that says stage = False goes from stage alone',
    (of: World) => declare(of, ['a', 'b', 'c', 'd', 'e'], { stage: false }),
    ['stage /a', 'stage /b', 'stage /c', 'stage /d', 'stage /e'],
  ],
  [
    'a branch that is deleted in one of two repos: that app goes from the preview',
    (of: World) => void of.repo('a').branches.delete('x'),
    ['x /a'],
  ],
  [
    'a preview that is over goes whole',
    (of: World) => {
      for (const repo of ['a', 'b']) of.repo(repo).branches.delete('x');
    },
    ['x /a', 'x /b'],
  ],
  ['a preview’s app that is merged goes from there', (of: World) => void of.repo('a').merge('x'), ['x /a']],
  [
    'most of production is held, most of stage is not',
    (of: World) => declare(of, ['d', 'e']),
    ['prod /a held', 'prod /b held', 'prod /c held', 'stage /a', 'stage /b', 'stage /c', 'x /a', 'x /b'],
  ],
] as const) {
  test(`removals: ${name}`, () => {
    const of = world();
    change(of);
    assert.deepEqual(removals(of), expected);
  });
}

test('an environment of which nothing is said loses nothing, whatever is recorded in it', () => {
  const of = world();
  const without = ({ environments, ...desired }: Desired) => ({
    ...desired,
    environments: environments.filter(({ name }) => name !== X),
  });
  assert.deepEqual(removals(of, without), []);
  const ended = [{ name: X, why: 'it is over' }];
  assert.deepEqual(
    removals(of, (desired) => ({ ...without(desired), ended })),
    ['x /a', 'x /b'],
  );
});

test('a preview that is over gives the evidence as the cause of what goes, one that goes on the commit that it comes from', () => {
  const of = world();
  of.repo('a').branches.delete('x');
  const removed = () =>
    finish(plan(of.desired(), of.recorded.facts(), of.at)).steps.find(({ kind }) => kind === 'remove')?.cause;
  assert.deepEqual(removed(), of.previews()[0]?.cause);
  of.repo('b').branches.delete('x');
  const why = of.desired().ended[0]?.why ?? '';
  assert.deepEqual(removed(), { kind: 'observation', what: why });
});

test('what a preview loses never counts for the brake, nor holds it', () => {
  const of = worldWith(['a', 'b', 'c']);
  for (const repo of ['a', 'b', 'c'])
    of.repo(repo)
      .branch('x')
      .commit('x', { '': `${repo} on x` });
  of.settle();
  for (const repo of ['a', 'b', 'c']) of.repo(repo).branches.delete('x');
  assert.deepEqual(removals(of), ['x /a', 'x /b', 'x /c']);
});

test('the hash is of the set alone: stage, previews and the order of declarations have no part in it', () => {
  const hashOf = (of: World) => finish(plan(of.desired(), of.recorded.facts(), of.at)).removalHash;
  const one = world();
  declare(one, ['d', 'e']);
  const other = world();
  other.repo('a').branches.delete('x');
  declare(other, ['e', 'd'], { stage: false });
  assert.ok(hashOf(one) !== null);
  assert.equal(hashOf(one), hashOf(other));
  declare(one, ['e']);
  assert.notEqual(hashOf(one), hashOf(other));
});

test('a set that main lets go is removed with the hash that let it go; stage’s part needs none', () => {
  const of = world();
  declare(of, ['d', 'e']);
  const { removalHash } = finish(plan(of.desired(), of.recorded.facts(), of.at));
  declare(of, ['d', 'e'], {}, removalHash);
  const { steps } = finish(plan(of.desired(), of.recorded.facts(), of.at));
  const allowed = steps.flatMap((step) =>
    step.kind === 'remove' ? [`${step.env} ${step.app} ${step.allowed === removalHash}`] : [],
  );
  assert.deepEqual(
    allowed.filter((text) => text.startsWith('prod')),
    ['prod /a true', 'prod /b true', 'prod /c true'],
  );
  assert.ok(allowed.filter((text) => !text.startsWith('prod')).every((text) => text.endsWith('false')));
});

test('a set that is held is asked for again when it grows or shrinks, all of it by the new hash', () => {
  const of = world();
  declare(of, ['d', 'e']);
  const first = of.recorded.accept(of.desired(), of.at).removalHash;
  declare(of, ['e']);
  const second = of.recorded.accept(of.desired(), of.at).removalHash;
  assert.notEqual(first, second);
  assert.deepEqual(
    ['/a', '/b', '/c', '/d'].map((app) => of.recorded.of(app).next?.brake),
    [1, 2, 3, 4].map(() => second),
  );
  assert.deepEqual(removals(of), []);
});

test('what was never live goes without a question, and what is stuck on its way in is no part of production', () => {
  const of = world();
  const target = of.recorded.of('/a').live?.target ?? null;
  for (const app of ['/p', '/q', '/r'])
    of.recorded.apply(put('deployment', deployment({ app, next: next(target, { state: 'quarantined' }) })));
  assert.deepEqual(removals(of), ['prod /p', 'prod /q', 'prod /r']);
});

test('a removal that is under way is not begun again, in any environment', () => {
  const of = world();
  declare(of, ['b', 'c', 'd', 'e']);
  of.recorded.accept(of.desired(), of.at);
  assert.deepEqual(removals(of), []);
  assert.equal(of.recorded.deployment(X, '/a' as AppId)?.next?.removes, true);
});

test('what is parked is not removed, and goes when its environment is over', () => {
  const of = worldWith(['a'], { previews: { max: 0 } });
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  const target = worldTarget(of);
  of.recorded.apply(put('deployment', deployment({ env: X, live: live(target) })));
  of.settle();
  assert.deepEqual([removals(of), of.recorded.of('/a', X).live], [[], null]);
  of.repo('a').branches.delete('x');
  assert.deepEqual(removals(of), ['x /a']);
});

function worldTarget(of: World) {
  of.settle();
  const target = of.recorded.of('/a').live?.target;
  assert.ok(target !== undefined);
  return target;
}
