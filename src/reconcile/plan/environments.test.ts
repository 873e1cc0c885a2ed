import assert from 'node:assert/strict';
import { test } from 'node:test';
import { appFrom, type World, worldWith } from '../../../test/support/branches.ts';
import { finish } from '../../../test/support/declarations.ts';
import { plan } from '../plan.ts';

const HOUR = 3_600_000;

/** Main with `/a`, and a branch `x` of its repo. */
function world(previews = {}): World {
  const of = worldWith(['a'], { previews });
  of.repo('a').branch('x').commit('x', { '': 'a on x' });
  return of;
}

/** The steps of environments, in short. */
function steps(of: World): string[] {
  const { environments } = finish(plan(of.desired(), of.recorded.facts(), of.at));
  return environments.map(({ kind, env, why }) => `${kind} ${env}${why === null ? '' : `: ${why}`}`);
}

test('all that should be is opened, with when and by which commit', () => {
  const of = world();
  assert.deepEqual(steps(of), ['open stage', 'open prod', 'open x']);
  const { environments } = finish(plan(of.desired(), of.recorded.facts(), of.at));
  const preview = environments.find(({ env }) => env === 'x');
  const [desired] = of.previews();
  assert.deepEqual(preview?.cause, desired?.cause);
  assert.deepEqual(preview?.row, {
    name: 'x',
    kind: 'preview',
    identity: 'branch:x',
    cause: desired?.cause,
    heads: { [of.repo('a').url]: of.repo('a').tip('x') },
    goodConfig: null,
    errors: [],
    createdAt: of.at,
    activeAt: of.at,
    parked: null,
    endingSince: null,
  });
});

test('what is as recorded takes no step, however much time passes', () => {
  const of = world();
  of.settle();
  of.pass(24 * HOUR);
  assert.deepEqual(steps(of), []);
});

test('a move of its branch is noted, and when; it was made when it was made', () => {
  const of = world();
  of.settle();
  const made = of.at;
  of.pass(HOUR);
  of.repo('a').commit('x', { '': 'more' });
  assert.deepEqual(steps(of), ['settle x']);
  of.settle();
  const row = of.recorded.environments.get('x');
  assert.deepEqual([row?.createdAt, row?.activeAt], [made, made + HOUR]);
});

test('errors of its branch are noted once, and once more when they are gone', () => {
  const of = world();
  of.settle();
  of.config.branch('x').commit('x', {}, 'broken');
  assert.deepEqual(steps(of), ['settle x']);
  of.settle();
  assert.deepEqual(steps(of), []);
  of.config.commit('x', {}, { apps: [appFrom('a')] });
  of.settle();
  assert.deepEqual([steps(of), of.recorded.environments.get('x')?.errors], [[], []]);
});

test('over a limit it is parked, with why, and back with what it then runs', () => {
  const of = world({ max: 1 });
  of.settle();
  of.pass(HOUR);
  of.repo('a').branch('y').commit('y', { '': 'a on y' });
  const why = 'there are more than 1 previews (max), and this one is idle for longest';
  assert.deepEqual(steps(of), [`park x: ${why}`, 'open y']);
  of.settle();
  assert.deepEqual(steps(of), []);
  of.pass(HOUR);
  of.repo('a').commit('x', { '': 'back' });
  assert.deepEqual(steps(of), ['unpark x', `park y: ${why}`]);
  of.settle();
  assert.deepEqual(
    [of.recorded.of('/a', 'x' as never).live !== null, of.recorded.of('/a', 'y' as never).live],
    [true, null],
  );
});

test('one that is parked by another limit says so without being parked again', () => {
  const of = world({ max: 0, ttlMs: HOUR });
  of.settle();
  of.pass(HOUR);
  assert.deepEqual(steps(of), ['settle x: nobody pushed to it for 1h (ttl)']);
});

test('its end is written down once, with since when and the evidence, and it stays until nothing of it is left', () => {
  const of = world();
  of.settle();
  of.pass(HOUR);
  of.repo('a').branches.delete('x');
  const why = `branch "x" is gone from ${of.repo('a').url}`;
  const { environments } = finish(plan(of.desired(), of.recorded.facts(), of.at));
  assert.deepEqual(
    environments.map(({ kind, why: said, cause, row }) => [kind, said, cause, row.endingSince]),
    [['end', why, { kind: 'observation', what: why }, of.at]],
  );
  of.recorded.accept(of.desired(), of.at);
  of.pass(HOUR);
  assert.deepEqual([steps(of), of.recorded.environments.get('x')?.endingSince], [[], of.at - HOUR]);
  of.recorded.finish();
  assert.ok(!of.recorded.environments.has('x'));
});

test('one that is wanted again while it ends is opened anew, with what is left of it', () => {
  const of = world();
  of.settle();
  of.repo('a').branches.delete('x');
  of.recorded.accept(of.desired(), of.at);
  of.pass(HOUR);
  of.repo('a').branch('x').commit('x', { '': 'again' });
  assert.deepEqual(steps(of), ['open x']);
  of.settle();
  const row = of.recorded.environments.get('x');
  assert.deepEqual([row?.createdAt, row?.endingSince], [of.at, null]);
});

test('an environment that is over and of which nothing was ever deployed is gone at once', () => {
  const of = world();
  of.repo('a').branches.delete('x');
  of.config.branch('x').commit('x', {}, 'broken');
  of.settle();
  of.config.branches.delete('x');
  of.recorded.accept(of.desired(), of.at);
  assert.ok(!of.recorded.environments.has('x'));
});
