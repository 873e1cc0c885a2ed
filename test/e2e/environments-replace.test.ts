import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { NONCE_BUILD, nonceApp, readSaid } from './support/nonce-app.ts';
import { Team } from './support/team.ts';
import { startWatch } from './support/watch.ts';

/** Notes that an instance of the app left because it met another one on its data: `prod/alone-HASH/met`. */
function meetings(team: Team): string[] {
  const files = readdirSync(join(team.installation.data, 'process', 'data'), { recursive: true, encoding: 'utf8' });
  return files.filter((name) => name.endsWith('/met'));
}

test('two revisions of an app with strategy "replace" never run at once, and its requests wait', async (t) => {
  const team = await Team.create(
    t,
    (url) => ({
      'apps.star': `app("/alone", "${url('alone')}", strategy = "replace", health = {"timeout": "1s"}, ${NONCE_BUILD})
app("/beside", "./beside", health = {"timeout": "1s"}, ${NONCE_BUILD})
app("/solo", "./solo", strategy = "replace", stage = False, health = {"timeout": "1s"}, ${NONCE_BUILD})
app("/along", "./along", strategy = "replace", health = {"timeout": "1s"}, ${NONCE_BUILD})
`,
      ...nonceApp('beside 1', { folder: 'beside/' }),
      ...nonceApp('solo 1', { folder: 'solo/', isAlone: true }),
      ...nonceApp('along 1', { folder: 'along/', isAlone: true }),
    }),
    { settings: { gateways: 2 } },
  );
  const { installation } = team;
  await installation.push('alone', nonceApp('alone 1', { isAlone: true }));
  await team.serve();
  const watches = ['alone', 'beside', 'along', 'solo'].map((name) => {
    const read = (body: string) => readSaid(body)?.text ?? body;
    return startWatch(t, { port: installation.port, path: `/${name}/`, read });
  });
  const [alone, beside, along, solo] = watches.map((watch) => async () => {
    await watch.caughtUp();
    return watch.sights.map(({ says }) => says);
  });

  await t.test('a new revision takes over the data of the old one', async () => {
    await team.said('/alone/visit');
    await installation.push('alone', nonceApp('alone 2', { isAlone: true }));
    await team.hint();
    const said = await team.untilSays('/alone', 'prod', 'alone 2');
    assert.equal(said.visits, 1);
    await team.settled();
  });

  await t.test('where the new one fails in stage, the old one serves again', async () => {
    await installation.push('alone', nonceApp('alone 3', { isAlone: true, status: 500 }));
    await team.hint();
    await team.untilSettledAt('/alone');
    assert.equal((await team.said('/alone', 'stage'))?.text, 'alone 2', 'revived in stage');
    assert.equal((await team.said('/alone'))?.text, 'alone 2');
    await installation.push('alone', nonceApp('alone 4', { isAlone: true }));
    await team.hint();
    await team.untilSays('/alone', 'prod', 'alone 4');
    await team.settled();
    assert.deepEqual(await alone?.(), ['alone 1', 'alone 2', 'alone 4']);
  });

  await t.test('requests wait while it is tried out, and are answered by the old one after', async () => {
    await installation.push('config', nonceApp('solo 2', { folder: 'solo/', isAlone: true, status: 500 }));
    await team.hint();
    await team.settled();
    assert.equal((await team.said('/solo'))?.text, 'solo 1');
    assert.deepEqual(
      (await team.audit(['deployment.suspended', 'deployment.resumed']))
        .filter(({ app }) => app === '/solo')
        .map(({ kind, env }) => `${kind} ${env}`),
      ['deployment.suspended prod', 'deployment.resumed prod'],
    );
    await installation.push('config', nonceApp('solo 3', { folder: 'solo/', isAlone: true }));
    await team.hint();
    await team.untilSays('/solo', 'prod', 'solo 3');
    assert.deepEqual(await solo?.(), ['solo 1', 'solo 3']);
  });

  await t.test('in a release it is replaced last, and revived when another one fails', async () => {
    await installation.push('config', {
      ...nonceApp('beside 2', { folder: 'beside/', status: 500 }),
      ...nonceApp('along 2', { folder: 'along/', isAlone: true }),
    });
    await team.hint();
    await team.settled();
    assert.deepEqual([await beside?.(), await along?.()], [['beside 1'], ['along 1']]);
    await installation.push('config', nonceApp('beside 3', { folder: 'beside/' }));
    await team.hint();
    await team.untilSays('/along', 'prod', 'along 2');
    await team.settled();
    assert.deepEqual(
      [await beside?.(), await along?.()],
      [
        ['beside 1', 'beside 3'],
        ['along 1', 'along 2'],
      ],
    );
  });

  await t.test('none met another one, and nobody outside was refused', () => {
    assert.deepEqual(meetings(team), []);
    for (const { failures, answers } of watches) assert.deepEqual([failures, answers > 50], [[], true]);
  });
});
