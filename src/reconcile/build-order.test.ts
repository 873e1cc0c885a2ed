import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Loop } from '../../test/support/loop.ts';
import type { FakeFault } from '../runtime/fake/fake-engine.ts';
import { defaultLimits } from './ports.ts';

const SLOW: FakeFault = { delayMs: 60_000 };

/** Two apps that are live, of whose builds one runs at a time. Says what is begun from then on: by whom it was wanted then. */
async function oneAtATime(t: TestContext, fault: FakeFault) {
  const begun: string[] = [];
  let isLive = false;
  const loop: Loop = new Loop(t, {
    limits: { ...defaultLimits(4), builds: 1 },
    fault: ({ method, subject }) => {
      if (!isLive || method !== 'build') return 'none';
      const users = [...loop.ports.store.recorded.deployments.values()]
        .filter(({ next }) => next?.target?.artifact === subject)
        .map(({ env, app }) => `${env.replace(/-.*/, '')}${app}`);
      begun.push(users.sort().join(' '));
      return fault;
    },
  });
  const config = { apps: [loop.app('a'), loop.app('b')] };
  loop.config(config);
  await loop.start(5_000);
  isLive = true;
  return { loop, begun, branch: (name: string, text = name) => loop.branch(name, config, { 'a/index.html': text }) };
}

test('what prod waits for is built before the branches that waited already', async (t) => {
  const { loop, begun, branch } = await oneAtATime(t, SLOW);
  for (const name of ['x', 'y', 'z']) branch(name);
  await loop.look();
  loop.files({ 'b/index.html': 'new' });
  await loop.look(300_000);
  assert.deepEqual(begun, ['x/a', 'prod/b', 'y/a', 'z/a']);
});

test('a branch that waits for its build and is merged is what prod waits for', async (t) => {
  const { loop, begun, branch } = await oneAtATime(t, SLOW);
  for (const name of ['x', 'y', 'z']) branch(name);
  await loop.look();
  loop.files({ 'a/index.html': 'z' });
  await loop.look(300_000);
  assert.deepEqual(begun, ['x/a', 'prod/a', 'y/a']);
});

test('what prod comes to wait for too is built before the branches that waited longer', async (t) => {
  const { loop, begun, branch } = await oneAtATime(t, SLOW);
  for (const name of ['x', 'y', 'z']) branch(name);
  await loop.look();
  loop.files({ 'b/index.html': 'z' });
  await loop.look(300_000);
  assert.deepEqual(begun, ['x/a', 'prod/b z/a', 'y/a']);
});

test('a push while the build runs ends it, and the new one begins', async (t) => {
  const { loop, begun } = await oneAtATime(t, 'hang');
  const before = loop.served('a');
  loop.files({ 'a/index.html': '2' });
  await loop.look();
  const first = loop.deployment('a')?.next?.target?.artifact;
  assert.deepEqual(begun, ['prod/a']);
  loop.files({ 'a/index.html': '3' });
  await loop.look();
  const second = loop.deployment('a')?.next?.target?.artifact;
  // There is one place: the second one has it because the first one ended.
  assert.deepEqual(begun, ['prod/a', 'prod/a']);
  assert.notEqual(first, second);
  const { artifacts } = loop.ports.store.recorded;
  assert.deepEqual([artifacts.has(first ?? ''), artifacts.get(second ?? '')?.state], [false, 'building']);
  assert.equal(loop.served('a'), before);
});

test('a build that waits and is not wanted any more never runs', async (t) => {
  const { loop, begun } = await oneAtATime(t, SLOW);
  loop.files({ 'a/index.html': '2' });
  await loop.look();
  const { builds } = loop.ports.world;
  for (const text of ['2', '3', '4']) {
    loop.files({ 'b/index.html': text });
    await loop.look();
  }
  await loop.pass(300_000);
  assert.deepEqual(begun, ['prod/a', 'prod/b']);
  assert.equal(loop.ports.world.builds, builds + 2);
});
