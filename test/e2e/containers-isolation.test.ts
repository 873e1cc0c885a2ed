import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import { nodeContainer, REACHER } from './support/container-apps.ts';
import { type ContainerTeam, containerTeam } from './support/container-team.ts';
import { eventually } from './support/eventually.ts';
import { hostOf } from './support/team.ts';

const { docker, socket, skip } = await dockerForTests();
if (skip === false) await haveBaseImages(docker, ['node:24-slim']);

/** One of the addresses at which clouds tell a machine its secrets; another test has the best known one. */
const METADATA = '169.254.170.2';

/** What a container of an environment gets when it tries to reach something. */
async function reach({ team }: ContainerTeam, env: string, to: string): Promise<string> {
  const { status, body } = await team.installation.get(`/probe/?to=${encodeURIComponent(to)}`, hostOf(env));
  assert.equal(status, 200, body);
  return body;
}

interface Networks {
  readonly NetworkSettings: {
    readonly Networks: Readonly<Record<string, { readonly IPAddress: string; readonly Gateway: string }>>;
  };
  readonly Mounts: readonly { readonly Source?: string; readonly Destination: string }[];
  readonly HostConfig: {
    readonly Privileged: boolean;
    readonly CapDrop: readonly string[];
    readonly SecurityOpt: readonly string[];
  };
}

async function inspect(made: ContainerTeam, app: string, env: string): Promise<Networks> {
  const found = (await made.view.containers()).find(
    (one) => one.app === app && one.env === env && one.state === 'running',
  );
  assert.ok(found, `a container of ${app} in ${env}`);
  return (await made.view.inspect(found.id)) as unknown as Networks;
}

function addressOf(container: Networks): { address: string; gateway: string } {
  const [network] = Object.values(container.NetworkSettings.Networks);
  return { address: network?.IPAddress ?? '', gateway: network?.Gateway ?? '' };
}

/** Listens at the metadata address of this machine for the time of a test; false where that may not be done. */
async function putThere(t: TestContext, listener: Server): Promise<boolean> {
  const address = `${METADATA}/32`;
  try {
    execFileSync('ip', ['address', 'add', address, 'dev', 'lo'], { stdio: 'ignore' });
  } catch {
    return false;
  }
  t.after(() => execFileSync('ip', ['address', 'del', address, 'dev', 'lo']));
  t.after(() => listener.close());
  listener.listen(80, METADATA);
  await once(listener, 'listening');
  return true;
}

test('a container of a preview reaches nothing of production, of the engine or of the daemon', { skip }, async (t) => {
  const made = await containerTeam(t, socket, (url) => ({
    'apps.star': `app("/probe", "${url('probe')}", stage = False, idle = False)
app("/peer", "${url('peer')}", stage = False, idle = False)
`,
  }));
  const { team } = made;
  const { installation } = team;
  for (const name of ['probe', 'peer']) await installation.push(name, nodeContainer(REACHER));
  await team.serve();
  for (const name of ['probe', 'peer']) await team.pushTo(name, 'try', nodeContainer(`${REACHER}// of a branch\n`));
  await team.hint();
  for (const path of ['/probe/', '/peer/'])
    await eventually(async () => (await installation.get(path, hostOf('try'))).status === 200 || undefined, {
      within: 60_000,
    });

  await t.test('apps of one environment reach each other by name', async () => {
    assert.equal(await reach(made, 'try', 'peer:8080'), 'connected');
    assert.equal(await reach(made, 'prod', 'peer:8080'), 'connected');
  });
  const prod = addressOf(await inspect(made, '/peer', 'prod'));
  const own = addressOf(await inspect(made, '/peer', 'try'));
  assert.notEqual(prod.gateway, own.gateway);

  await t.test('not the containers of production, nor what is published for the gateways', async () => {
    assert.equal(await reach(made, 'prod', `${prod.address}:8080`), 'connected', 'the trial itself works');
    assert.notEqual(await reach(made, 'try', `${prod.address}:8080`), 'connected');
    const published = await made.view.publishedPort(
      (await made.view.containers()).find(({ app, env }) => app === '/peer' && env === 'prod')?.id ?? '',
      8080,
    );
    for (const host of [own.gateway, prod.gateway, '127.0.0.1'])
      assert.notEqual(await reach(made, 'try', `${host}:${published}`), 'connected', host);
  });

  await t.test('not the daemon, which listens on loopback', async () => {
    for (const host of [own.gateway, prod.gateway, '127.0.0.1'])
      assert.notEqual(await reach(made, 'try', `${host}:${installation.port}`), 'connected', host);
  });

  await t.test('not the socket of the engine, and it has no rights that it needs not', async () => {
    const { Mounts, HostConfig } = await inspect(made, '/probe', 'try');
    assert.deepEqual(
      Mounts.filter(({ Source = '' }) => Source.endsWith('.sock')),
      [],
    );
    assert.equal(HostConfig.Privileged, false);
    assert.deepEqual(HostConfig.CapDrop, ['ALL']);
    assert.ok(HostConfig.SecurityOpt.includes('no-new-privileges'));
  });

  await t.test('not the metadata address of the machine', async (one) => {
    const listener = createServer((socket) => socket.end());
    if (!(await putThere(one, listener))) return one.skip('no address of the host may be set here');
    assert.notEqual(await reach(made, 'try', `${METADATA}:80`), 'connected');
  });
});
