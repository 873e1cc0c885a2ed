import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import type { Files } from './support/apps.ts';
import { nonceContainer } from './support/container-apps.ts';
import { type ContainerTeam, containerTeam } from './support/container-team.ts';
import { Director } from './support/director.ts';
import { eventually } from './support/eventually.ts';
import { startPoller } from './support/poller.ts';

const { docker, socket, skip } = await dockerForTests();
if (skip === false) await haveBaseImages(docker, ['node:24-slim']);

/** Where the controller is killed, in the order of an app's way. */
const BOUNDARIES = [
  ...['build:before-intent', 'build:after-intent', 'build:after-effect', 'build:after-commit'],
  ...['start:before-intent', 'start:after-intent', 'start:after-effect', 'start:after-commit'],
  ...['switching', 'switched', 'drain:after-intent', 'stop:after-intent', 'stop:after-effect'],
  ...['remove:before-intent', 'remove:after-intent', 'remove:after-effect', 'remove:after-commit'],
];

/** A build that takes its time, so that it can be killed in its middle. */
function slowlyBuilt(text: string): Files {
  const files = nonceContainer(text);
  return { ...files, Dockerfile: String(files.Dockerfile).replace('RUN od', `RUN sleep 1 && echo ${text} && od`) };
}

/** What the engine has is what is live: one container for each environment, of the digest that status says. */
async function comesToOne({ team, view }: ContainerTeam, env: readonly string[]): Promise<void> {
  let seen: unknown = null;
  await eventually(
    async () => {
      const status = await team.installation.status();
      const live = status.environments.flatMap(({ name, deployments }) =>
        deployments.map((one) => `${name} ${one.live?.artifact.digest} running`),
      );
      const found = (await view.containers()).map((one) => `${one.env} ${one.image} ${one.state}`);
      const networks = await view.networks();
      seen = { live, found, networks };
      const isSame = JSON.stringify(live.sort()) === JSON.stringify(found.sort());
      return (status.settled && isSame && found.length === env.length && networks.length === env.length) || undefined;
    },
    {
      within: 60_000,
      every: 100,
      what: () => `one container in each of ${env}; there is ${JSON.stringify(seen)}; ${team.installation.daemon?.log}`,
    },
  );
}

test('a kill in the middle of a build, a start, a switch or a removal leaves nothing behind and fails nobody', {
  skip,
}, async (t) => {
  const made = await containerTeam(t, socket, (url) => ({
    'apps.star': `app("/work", "${url('work')}", stage = False, idle = False)\n`,
  }));
  const { team } = made;
  const { installation } = team;
  await installation.push('work', slowlyBuilt('work 0'));
  const director = new Director(installation, { victimAt: () => 'controller', random: Math.random });
  await installation.serve({ env: director.environment });
  await team.untilSays('/work', 'prod', 'work 0');
  director.start();
  t.after(() => director.stop().catch(() => undefined));
  const poller = startPoller(t, { port: installation.port, path: '/work/', isGood: (body) => body.includes('"work ') });
  let version = 0;
  const push = async () => {
    version += 1;
    await installation.push('work', slowlyBuilt(`work ${version}`));
    await team.hint().catch(() => undefined);
  };

  await t.test('the controller is killed at every boundary that the way of a new version comes by', async () => {
    director.arm(BOUNDARIES);
    await push();
    await team.untilSays('/work', 'prod', `work ${version}`);
    await eventually(() => (director.armed.length === 0 && !director.isBusy) || undefined, {
      within: 60_000,
      what: () => `a kill at ${director.armed}`,
    });
    await comesToOne(made, ['prod']);
    assert.deepEqual(director.done.sort(), BOUNDARIES.map((boundary) => `${boundary} controller`).sort());
  });

  await t.test('the controller is killed in the middle of a build', async () => {
    await push();
    await eventually(
      async () => (JSON.stringify(await installation.status()).includes('"building"') ? true : undefined),
      { every: 10, within: 20_000 },
    );
    await delay(300);
    assert.equal(await director.kill('controller'), true);
    await team.untilSays('/work', 'prod', `work ${version}`);
    await comesToOne(made, ['prod']);
  });

  await t.test('the supervisor is killed in the middle of a build', async () => {
    await push();
    await delay(500);
    assert.equal(await director.kill('supervisor'), true);
    await team.untilSays('/work', 'prod', `work ${version}`);
    await comesToOne(made, ['prod']);
  });

  await t.test('a preview that ended while nothing ran is gone', async () => {
    await team.pushTo('work', 'try', slowlyBuilt('work try'));
    await team.hint();
    await team.untilSays('/work', 'try', 'work try');
    await comesToOne(made, ['prod', 'try']);
    director.arm(['remove:after-intent']);
    await team.deleteBranch('work', 'try');
    await team.hint();
    await eventually(() => (director.armed.length === 0 && !director.isBusy) || undefined, { within: 30_000 });
    await comesToOne(made, ['prod']);
  });

  await director.stop();
  const { failures } = await poller.stop();
  assert.deepEqual(failures, []);
  const verified = await installation.run('audit', 'verify');
  assert.equal(verified.code, 0, verified.stderr);
});
