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

/** When one client asked: on a busy machine it may itself leave an app alone for longer than it means to. */
class Asked {
  readonly #gaps: number[] = [];
  #endedAt: number | null = null;

  async time<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#endedAt !== null) this.#gaps.push(performance.now() - this.#endedAt);
    const answer = await ask();
    this.#endedAt = performance.now();
    return answer;
  }

  /** How often it asked nothing for that long, until now. */
  pauses(ms: number): number {
    const gaps = this.#endedAt === null ? this.#gaps : [...this.#gaps, performance.now() - this.#endedAt];
    // What the app saw may be a little longer than what the client did.
    return gaps.filter((gap) => gap >= ms * 0.9).length;
  }
}

test('an app sleeps when nobody uses it, never before, and the next request wakes it', async (t) => {
  const team = await Team.create(
    t,
    (url) => ({
      'apps.star': `app("/nap", "${url('nap')}", idle = "1s", stage = False)
app("/day", "./day")
`,
      ...nonceApp('day 1', { folder: 'day/' }),
    }),
    { settings: { gateways: 2 } },
  );
  const { installation } = team;
  await installation.push('nap', nonceApp('nap 1'));
  await team.serve();

  await t.test('one that is used goes on for longer than idle says, also across a deploy', async () => {
    const before = await team.newest();
    const asked = new Asked();
    const failed: unknown[] = [];
    const texts = new Set<string>();
    const ask = async () => {
      const { status, body } = await asked.time(() => installation.get('/nap/'));
      if (status === 200) texts.add((JSON.parse(body) as { text: string }).text);
      else failed.push(status);
    };
    await ask();
    const pushed = installation.push('nap', nonceApp('nap 2')).then(() => team.hint());
    const began = performance.now();
    const isOver = (ms: number) => performance.now() - began > ms;
    while (!isOver(4_000) || (!texts.has('nap 2') && !isOver(60_000))) await ask();
    await pushed;
    assert.deepEqual([failed, [...texts].sort()], [[], ['nap 1', 'nap 2']]);
    const events = await team.audit(['deployment.asleep'], before);
    assert.ok(events.length <= asked.pauses(1_000), `asleep ${events.length} times, though it was asked all the time`);
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
