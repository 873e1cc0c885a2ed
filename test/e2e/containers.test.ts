import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../src/model/surface.ts';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { nonceContainer } from './support/container-apps.ts';
import { containerTeam } from './support/container-team.ts';
import { eventually } from './support/eventually.ts';

const { docker, socket, skip } = await dockerForTests();
if (skip === false) await haveBaseImages(docker, ['node:24-slim']);

/** The digest of what an app runs in an environment. */
function digestOf({ environments }: Status, app: string, env: string): string | null {
  const found = environments.find(({ name }) => name === env)?.deployments.find((one) => one.app === app);
  return found?.live?.artifact.digest ?? null;
}

test('a container app goes from a preview by a squash merge to production as one image', { skip }, async (t) => {
  const made = await containerTeam(t, socket, (url) => ({ 'apps.star': `app("/work", "${url('work')}")\n` }));
  const { team } = made;
  const { installation } = team;
  await installation.push('work', nonceContainer('work 1'));
  await team.serve();
  const first = await team.untilSays('/work', 'prod', 'work 1');
  assert.match(first.nonce, /^[0-9a-f]{16}$/);
  assert.deepEqual([first.env, first.path], ['prod', '/work']);
  const before = await team.newest();

  await team.pushTo('work', 'try', nonceContainer('work 2'));
  await team.hint();
  await team.untilSays('/work', 'try', 'work 2');
  const previewed = digestOf(await team.settled(), '/work', 'try');
  assert.match(previewed ?? '', /^sha256:[0-9a-f]{64}$/);

  // A squash: another commit, with the files of the branch.
  await installation.push('work', nonceContainer('work 2'));
  await team.hint();
  await team.untilSays('/work', 'prod', 'work 2');
  const status = await team.untilSettledAt('/work');
  assert.deepEqual([digestOf(status, '/work', 'stage'), digestOf(status, '/work', 'prod')], [previewed, previewed]);
  const built = await team.audit(['artifact.built'], before);
  assert.deepEqual(
    built.map(({ detail }) => detail?.digest),
    [previewed],
  );
  const ran = await eventually(async () => {
    const seen = (await made.view.containers()).filter(({ image }) => image === previewed);
    return seen.length >= 2 ? seen : undefined;
  });
  assert.ok(ran.some(({ env }) => env === 'prod'));
  assert.ok((await made.view.images()).includes(previewed ?? ''));
});

test('data is kept from one version to the next, and no environment sees that of another', { skip }, async (t) => {
  const made = await containerTeam(t, socket, (url) => ({
    'apps.star': `app("/work", "${url('work')}", stage = False)\n`,
  }));
  const { team } = made;
  const { installation } = team;
  await installation.push('work', nonceContainer('work 1'));
  await team.serve();
  for (let visit = 0; visit < 2; visit += 1) await installation.get('/work/visit');
  await team.pushTo('work', 'try', nonceContainer('work 2'));
  await team.hint();
  const preview = await team.untilSays('/work', 'try', 'work 2');
  assert.equal(preview.visits, 0, 'a preview has data of its own');
  await installation.get('/work/visit', 'try.env.localhost');
  await installation.push('work', nonceContainer('work 2'));
  await team.hint();
  assert.equal((await team.untilSays('/work', 'prod', 'work 2')).visits, 2);
  await team.deleteBranch('work', 'try');
  await team.hint();
  await team.untilGone('try');
  await team.settled();
  const left = await eventually(async () => {
    const seen = await made.view.containers();
    return seen.every(({ env }) => env === 'prod') ? seen : undefined;
  });
  assert.equal(left.length, 1);
});
