import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './support/eventually.ts';
import { nonceApp } from './support/nonce-app.ts';
import { hostOf, Team } from './support/team.ts';

/** What status says of an app: whether it is asleep, and what it runs. */
async function liveOf(team: Team, app: string, env = 'prod') {
  const { environments } = await team.installation.status();
  return environments.find(({ name }) => name === env)?.deployments.find((one) => one.app === app)?.live ?? null;
}

function untilAsleep(team: Team, app: string, env?: string) {
  return eventually(async () => ((await liveOf(team, app, env))?.asleep === true ? true : undefined), {
    within: 30_000,
    what: () => `${app} to be asleep; ${team.installation.daemon?.log}`,
  });
}

test('an app sleeps when nobody uses it, never before, and the next request wakes it', async (t) => {
  const team = await Team.create(t, (url) => ({
    'apps.star': `app("/nap", "${url('nap')}", idle = "1s", stage = False)
app("/day", "./day")
`,
    ...nonceApp('day 1', { folder: 'day/' }),
  }));
  const { installation } = team;
  await installation.push('nap', nonceApp('nap 1'));
  await team.serve();

  await t.test('one that is used goes on for longer than idle says, also across a deploy', async () => {
    const until = performance.now() + 4_000;
    const failed: unknown[] = [];
    const texts = new Set<string>();
    let isPushed = false;
    while (performance.now() < until) {
      const { status, body } = await installation.get('/nap/');
      if (status === 200) texts.add((JSON.parse(body) as { text: string }).text);
      else failed.push(status);
      if (!isPushed) {
        await installation.push('nap', nonceApp('nap 2'));
        await team.hint();
        isPushed = true;
      }
    }
    assert.deepEqual([failed, [...texts].sort()], [[], ['nap 1', 'nap 2']]);
    const events = (await team.audit(['deployment.asleep'])).map(({ app }) => app);
    assert.deepEqual(events, []);
  });

  await t.test(
    'it is asleep soon after the last request, is settled, and the next request is answered by it',
    async () => {
      await untilAsleep(team, '/nap');
      await team.untilSettledAt('/nap');
      assert.equal((await liveOf(team, '/day'))?.asleep, false);
      const { status, body } = await installation.get('/nap/');
      assert.deepEqual([status, JSON.parse(body).text], [200, 'nap 2']);
      const kinds = (await team.audit(['deployment.asleep', 'deployment.awake'])).map(({ kind }) => kind);
      assert.deepEqual(kinds.slice(0, 2), ['deployment.asleep', 'deployment.awake']);
    },
  );

  await t.test('a restart leaves it asleep, and it wakes after', async () => {
    await untilAsleep(team, '/nap');
    const before = await team.newest();
    await installation.daemon?.stop();
    await installation.serve();
    await team.settled();
    assert.equal((await liveOf(team, '/nap'))?.asleep, true);
    assert.equal((await team.said('/nap/'))?.text, 'nap 2');
    const drift = await team.audit(['drift.seen', 'drift.repaired', 'orphan.removed'], before);
    assert.deepEqual(drift, []);
  });

  await t.test('a change of an app that is asleep is verified, and it sleeps on', async () => {
    await untilAsleep(team, '/nap');
    const before = await team.newest();
    await installation.push('nap', nonceApp('nap 3'));
    await team.hint();
    await team.untilSettledAt('/nap');
    const kinds = (await team.audit(['deployment.live', 'deployment.awake'], before)).map(({ kind }) => kind);
    assert.deepEqual([kinds, (await liveOf(team, '/nap'))?.asleep], [['deployment.live'], true]);
    assert.equal((await team.said('/nap/'))?.text, 'nap 3');
  });

  await t.test('explain says it, and how it wakes', async () => {
    await untilAsleep(team, '/nap');
    const { stdout } = await installation.run('explain', '/nap');
    assert.match(stdout, /asleep/);
  });
});

test('a preview of an app sleeps when it says so, while production goes on', async (t) => {
  const team = await Team.create(t, (url) => ({
    'apps.star': `app("/nap", "${url('nap')}", stage = False, previews = {"idle": "1s"})\n`,
  }));
  await team.installation.push('nap', nonceApp('nap 1'));
  await team.serve();
  await team.firstLook();
  await team.pushTo('nap', 'try', nonceApp('nap try'));
  await team.hint();
  await team.untilSays('/nap/', 'try', 'nap try');
  await untilAsleep(team, '/nap', 'try');
  assert.equal((await liveOf(team, '/nap'))?.asleep, false);
  const { status, body } = await team.installation.get('/nap/', hostOf('try'));
  assert.deepEqual([status, JSON.parse(body).text], [200, 'nap try']);
});
