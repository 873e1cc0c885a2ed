import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../src/model/surface.ts';
import { staticApp } from './support/apps.ts';
import { NONCE_BUILD, nonceApp, readSaid } from './support/nonce-app.ts';
import { Team } from './support/team.ts';
import { startWatch } from './support/watch.ts';

/** What an app runs next in an environment, and why it does not go on. */
function nextOf({ environments }: Status, env: string, app: string): { state: string | null; reason: string } {
  const found = environments.find(({ name }) => name === env)?.deployments.find((one) => one.app === app);
  return { state: found?.next?.state ?? null, reason: found?.next?.reason ?? '' };
}

test('what lands on main is live in stage first, and in production only what was healthy there', async (t) => {
  const team = await Team.create(t, (url) => ({
    'apps.star': `app("/work", "${url('work')}", health = {"timeout": "1s"}, verify = ["/ready"], ${NONCE_BUILD},
    params = {"GREETING": "live"}, stage = {"params": {"GREETING": "test"}}, previews = {"params": {"GREETING": "try"}})
app("/calm", "./calm", stage = False)
app("/hidden", "./hidden", previews = False)
`,
    ...staticApp('calm 1', 'calm/'),
    ...staticApp('hidden 1', 'hidden/'),
  }));
  const { installation } = team;
  await installation.push('work', nonceApp('work 1'));
  await team.serve();
  const watch = startWatch(t, {
    port: installation.port,
    path: '/work/',
    read: (body) => readSaid(body)?.text ?? body,
  });

  await t.test('values differ by environment, the artifact does not', async () => {
    await team.pushTo('work', 'try', nonceApp('work 2'));
    await team.pushTo('config', 'try', { ...staticApp('calm 2', 'calm/'), ...staticApp('hidden 2', 'hidden/') });
    await team.hint();
    const tried = await team.untilSays('/work', 'try', 'work 2');
    await team.settled();
    assert.equal(tried.greeting, 'try');
    assert.equal((await installation.get('/calm/', 'try.env.localhost')).body, 'calm 2\n');
    assert.equal((await installation.get('/hidden/', 'try.env.localhost')).status, 404, 'it has no previews');
    assert.equal((await installation.get('/calm/', 'stage.env.localhost')).status, 404, 'it has no stage');
    const [staged, live] = [await team.said('/work', 'stage'), await team.said('/work')];
    assert.deepEqual([staged?.greeting, live?.greeting], ['test', 'live']);
    assert.equal(staged?.nonce, live?.nonce);
  });

  await t.test('the same artifact is in stage, then in production', async () => {
    const before = await team.newest();
    await installation.push('work', nonceApp('work 2'));
    await team.hint();
    const live = await team.untilSays('/work', 'prod', 'work 2');
    await team.settled();
    assert.equal(live.nonce, (await team.said('/work', 'stage'))?.nonce);
    assert.equal(live.nonce, (await team.said('/work', 'try'))?.nonce);
    const switches = await team.audit(['deployment.live', 'artifact.built'], before);
    assert.deepEqual(
      switches.map(({ kind, env }) => `${kind} ${env}`),
      ['deployment.live stage', 'deployment.live prod'],
    );
  });

  for (const [what, files, why] of [
    ['is not healthy', nonceApp('work 3', { status: 500 }), /health \/: not 200 within 1s/],
    ['does not answer a path of "verify"', nonceApp('work 4', { brokenAt: '/ready' }), /\/ready/],
  ] as const) {
    await t.test(`what ${what} stays out of production, which says why`, async () => {
      const before = await team.newest();
      await installation.push('work', files);
      await team.hint();
      await team.untilSettledAt('/work');
      const status = await installation.status();
      const [stage, prod] = [nextOf(status, 'stage', '/work'), nextOf(status, 'prod', '/work')];
      assert.deepEqual([stage.state, prod.state], ['quarantined', 'held']);
      assert.match(stage.reason, why);
      assert.match(prod.reason, /^not promoted: in stage it is quarantined/);
      assert.match(prod.reason, why);
      assert.equal((await team.said('/work'))?.text, 'work 2');
      assert.equal((await team.said('/work', 'stage'))?.text, 'work 2');
      assert.deepEqual(await team.audit(['deployment.live'], before), []);
    });
  }

  await t.test('a fix goes the same way', async () => {
    await installation.push('work', nonceApp('work 5'));
    await team.hint();
    await team.untilSays('/work', 'prod', 'work 5');
    assert.equal((await team.said('/work', 'stage'))?.text, 'work 5');
    await watch.caughtUp();
    assert.deepEqual(
      watch.sights.map(({ says }) => says),
      ['work 1', 'work 2', 'work 5'],
    );
    assert.deepEqual(watch.failures, []);
  });
});

test('a pinned app is promoted by its pin, and taken back by it, without a build', async (t) => {
  const team = await Team.create(t, () => ({ 'none.star': 'none = 1\n' }));
  const { installation } = team;
  const first = await installation.push('work', nonceApp('work 1'));
  const pinned = (commit: string) => ({
    'apps.star': `app("/work", "${team.url('work')}", promote = "pinned", git_commit = "${commit}", ${NONCE_BUILD})\n`,
  });
  await installation.push('config', pinned(first));
  await team.serve();
  const one = await team.untilSays('/work', 'prod', 'work 1');
  await team.untilSays('/work', 'stage', 'work 1');

  const second = await installation.push('work', nonceApp('work 2'));
  await team.hint();
  const two = await team.untilSays('/work', 'stage', 'work 2');
  await team.settled();
  assert.equal((await team.said('/work'))?.text, 'work 1', 'production follows the pin alone');

  await team.pushTo('work', 'try', nonceApp('work 3'));
  await team.hint();
  await team.untilSays('/work', 'try', 'work 3');
  await team.settled();
  const before = await team.newest();

  await team.pushTo('config', 'promote', pinned(second));
  const plan = await team.plan('promote');
  assert.deepEqual(
    plan.steps.map(({ kind, env, app, build }) => [kind, env, app, build]),
    [['update', 'prod', '/work', 'reuse']],
  );
  await installation.push('config', pinned(second));
  await team.hint();
  const promoted = await team.untilSays('/work', 'prod', 'work 2');
  assert.equal(promoted.nonce, two.nonce);
  await installation.config.git('revert', '--no-edit', 'HEAD');
  await installation.config.push();
  await team.hint();
  const back = await team.untilSays('/work', 'prod', 'work 1');
  assert.equal(back.nonce, one.nonce);
  assert.equal((await team.said('/work', 'stage'))?.text, 'work 2');
  await team.settled();
  assert.deepEqual(await team.audit(['artifact.built'], before), []);
});
