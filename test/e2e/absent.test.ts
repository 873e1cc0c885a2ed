import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { pushTo } from './support/branches.ts';
import { eventually } from './support/eventually.ts';
import { NONCE_BUILD, nonceApp } from './support/nonce-app.ts';
import { pidOf } from './support/production.ts';
import { hostOf, Team } from './support/team.ts';

test('an app that does not serve says why, and a request brings it back where it can', async (t) => {
  const team = await Team.create(t, (url) => ({
    'apps.star': `app("/tool", "${url('tool')}", stage = False, health = {"timeout": "3s"}, ${NONCE_BUILD})
previews(max = 1)
`,
  }));
  const { installation } = team;
  await installation.push('tool', nonceApp('main'));
  await team.serve();
  await team.firstLook();
  const pushed = async (branch: string, text: string, status = 200) => {
    await pushTo(installation, { repo: 'tool', branch }, nonceApp(text, { status }));
    await team.hint();
  };
  const parkedOf = async (env: string) =>
    (await installation.status()).environments.find(({ name }) => name === env)?.parked;
  const untilParked = (env: string) =>
    eventually(async () => ((await parkedOf(env)) === true ? true : undefined), {
      within: 60_000,
      what: () => `${env} to be parked; ${installation.daemon?.log}`,
    });

  await t.test('a preview that is on its way says so until it serves', async () => {
    assert.equal((await installation.get('/tool/', hostOf('one'))).status, 404);
    await pushed('one', 'one');
    const seen = new Set<number>();
    await eventually(
      async () => {
        const { status } = await installation.get('/tool/', hostOf('one'));
        seen.add(status);
        return status === 200 ? true : undefined;
      },
      { within: 60_000, every: 5, what: 'the preview' },
    );
    assert.ok(seen.has(503), `answers were ${[...seen].join(', ')}`);
  });

  await t.test('a request for a preview that is parked waits, has it back, and parks the other one', async () => {
    const before = await team.said('/tool/', 'one');
    await pushed('two', 'two');
    await team.untilSays('/tool/', 'two', 'two');
    await untilParked('one');
    const { status, body } = await installation.get('/tool/', hostOf('one'));
    assert.deepEqual([status, JSON.parse(body)], [200, before], 'the same artifact, not built again');
    await untilParked('two');
    const called = await team.audit(['environment.called', 'environment.unparked']);
    assert.deepEqual(
      called.map(({ kind, env }) => `${kind} ${env}`),
      ['environment.called one', 'environment.unparked one'],
    );
  });

  await t.test('a preview that fails says why to who may see the status pages', async () => {
    await pushed('bad', 'bad', 500);
    const why = await eventually(
      async () => {
        const { status, body } = await installation.get('/tool/', hostOf('bad'));
        const answer = status === 503 ? (JSON.parse(body) as { error: string; why?: string }) : undefined;
        return answer?.error === 'Not running' ? answer.why : undefined;
      },
      { within: 60_000, every: 20, what: () => `the reason; ${installation.daemon?.log}` },
    );
    assert.match(why, /500/);
  });

  await t.test('requests for an app that ended by itself wait until it answers again', async () => {
    const dying = pidOf(installation, '/tool');
    assert.equal((await installation.get('/tool/die')).status, 502);
    // While the kernel closes what it had open, its socket takes connections, which are cut then: 502, as it may have read the request.
    await eventually(() => !existsSync(`/proc/${dying}`) || undefined, { every: 1 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => installation.get('/tool/')));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200],
    );
    const drift = await team.audit(['drift.seen', 'drift.repaired']);
    assert.deepEqual(
      drift.map(({ kind }) => kind),
      ['drift.seen', 'drift.repaired'],
    );
  });
});
