import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { deleteBranch, pushTo } from './support/branches.ts';
import { type ContainedDaemon, DAEMON_BASE, startContained } from './support/contained-daemon.ts';
import { busyboxContainer } from './support/container-apps.ts';
import { removeContainersAfter } from './support/container-team.ts';
import { EngineView } from './support/engine-view.ts';
import { eventually } from './support/eventually.ts';
import { Installation } from './support/installation.ts';
import { readTables } from './support/inventory.ts';

const { docker, socket, skip: noEngine } = await dockerForTests();
const skip =
  noEngine || (process.getuid?.() !== 0 && 'as another user than root, the container’s user is not that of the files');
if (skip === false) await haveBaseImages(docker, ['busybox', DAEMON_BASE]);

// From inside, it can't see what other engines of this machine have taken, those of other tests among them.
const OWN_NETWORKS = '[docker]\nnetworks = "10.230.0.0/16"\n';

const page = (text: string) =>
  busyboxContainer(
    `RUN mkdir /www && echo ${text} > /www/index.html`,
    'CMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]',
  );

test('Mainspring in a container of the engine reaches its apps in their networks, and takes them over', {
  skip,
}, async (t) => {
  let daemon: ContainedDaemon | null = null;
  t.after(() => daemon?.remove());
  const installation = await Installation.create(t, {}, { process: 'off', docker: socket, more: OWN_NETWORKS });
  await installation.writeSettings({ listen: `0.0.0.0:${installation.port}` });
  removeContainersAfter(t, installation);
  await installation.push('work', page('one'));
  const { bare } = await installation.repo('work');
  await installation.push('config', { 'apps.star': `app("/work", "${bare}", stage = False, idle = False)\n` });
  const view = () => new EngineView(socket, installation.installationId ?? '');
  const untilSays = (text: string, env = 'localhost') => {
    let last = '';
    return eventually(
      async () => {
        const { status, body } = await installation.get('/work/', env);
        last = `${status} ${body}`;
        return body === `${text}\n` || undefined;
      },
      { within: 60_000, every: 100, what: () => `"${text}" from ${env}; last: ${last}` },
    ).catch(async (error: Error) =>
      assert.fail(
        `${error.message}; ${JSON.stringify(readTables(installation).filter(([table]) => table !== 'evaluations'))}; ${await daemon?.log()}`,
      ),
    );
  };
  const apps = async () => (await view().containers()).filter(({ env }) => env === 'prod').map(({ id }) => id);

  daemon = await startContained(docker, installation);
  await untilSays('one');
  const first = await apps();
  const [seen] = await Promise.all(first.map((id) => view().inspect(id)));
  assert.deepEqual(Object.keys(seen?.HostConfig.PortBindings ?? {}), [], 'no port of the machine leads to it');

  await pushTo(installation, { repo: 'work', branch: 'try' }, page('two'));
  await untilSays('two', 'try.env.localhost');
  assert.equal((await view().networks()).length, 2);
  await deleteBranch(installation, { repo: 'work', branch: 'try' });
  await eventually(async () => (await view().networks()).length === 1 || undefined, { within: 60_000 });

  await daemon.restart();
  await untilSays('one');
  await daemon.remove();
  daemon = await startContained(docker, installation);
  await untilSays('one');
  assert.deepEqual(await apps(), first, 'the same container, before and after');
  await daemon.remove();

  await installation.writeSettings({ listen: `127.0.0.1:${installation.port}` });
  await installation.serve();
  // What was reached in its network only is made anew, with a port of the machine.
  await eventually(async () => (await apps()).every((id) => !first.includes(id)) || undefined, { within: 60_000 });
  await untilSays('one');
});
