import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dockerForTests, haveBaseImages, standInsVariable } from '../support/containers/docker.ts';
import { startDocker } from '../support/containers/docker-daemon.ts';
import { connectDocker, socketOf } from '../support/containers/find-docker.ts';
import { busyboxContainer } from './support/container-apps.ts';
import { containerTeam } from './support/container-team.ts';
import { eventually } from './support/eventually.ts';
import { startPoller } from './support/poller.ts';
import { whyNot } from './support/production.ts';

const COUNT = 20;
/** How large the disk of the test’s own engine is. */
const DISK_MIB = 2048;
const PAGE = busyboxContainer(
  'RUN mkdir /www && echo here > /www/index.html',
  'CMD ["sh", "-c", "exec httpd -f -p $PORT -h /www"]',
);

const { skip: noEngine } = await dockerForTests();
const skip = noEngine || (process.getuid?.() !== 0 && 'an engine of the test’s own is started as root only');
const engine = skip === false ? await ownEngine() : null;
const socket = socketOf(engine?.host ?? '');

test(`after a restart of the engine, in order or by a kill, ${COUNT} containers serve again and nothing is left over`, {
  skip,
}, async (t) => {
  const names = Array.from({ length: COUNT }, (_, n) => `/page-${n}`);
  const made = await containerTeam(t, socket, (url) => ({
    'apps.star': names.map((name) => `app("${name}", "${url('page')}", stage = False, idle = False)\n`).join(''),
  }));
  const { team } = made;
  const { installation } = team;
  await installation.push('page', PAGE);
  await installation.serve();
  const answers = async () => {
    const all = await Promise.all(
      names.map((name) => installation.get(`${name}/`).catch(() => ({ status: 0, body: '' }))),
    );
    return all.filter(({ status, body }) => status === 200 && body === 'here\n').length;
  };
  const allServe = async () => {
    let last = '';
    await eventually(
      async () => {
        const states = (await made.view.containers().catch(() => [])).map(({ state }) => state);
        const status = await installation.status();
        const { settled } = status;
        const answered = await answers();
        last = `${answered} answer, containers: ${states.join(' ')}, settled: ${settled}; ${whyNot(status, names[0] ?? '')}`;
        return (settled && answered === COUNT && isAllRunning(states)) || undefined;
      },
      { within: 120_000, every: 250, what: () => `${COUNT} apps that serve; ${last}` },
    );
  };
  await allServe();
  const before = [await made.view.images(), await made.view.networks()];
  for (const how of ['SIGTERM', 'SIGKILL'] as const) {
    await t.test(`${how} to the engine`, async () => {
      await engine?.restart(how);
      await allServe();
      assert.deepEqual([await made.view.images(), await made.view.networks()], before);
    });
  }
  assert.equal((await team.audit(['artifact.built'])).length, 1);
});

test('a build that fills the disk of the engine up is ended, production serves on, and the reason says what to do', {
  skip,
}, async (t) => {
  const { team } = await containerTeam(
    t,
    socket,
    (url) => ({
      'apps.star': ['page', 'fill']
        .map((name) => `app("/${name}", "${url(name)}", stage = False, idle = False)\n`)
        .join(''),
    }),
    { more: `[docker]\nmin_free = "${DISK_MIB / 4}m"\n` },
  );
  const { installation } = team;
  await installation.push('page', PAGE);
  await installation.push(
    'fill',
    busyboxContainer(`RUN dd if=/dev/zero of=/fill bs=1M count=${(DISK_MIB / 8) * 7} && sleep 300`),
  );
  await installation.serve();
  await eventually(async () => (await installation.get('/page/')).body === 'here\n' || undefined, { within: 60_000 });
  const poller = startPoller(t, { port: installation.port, path: '/page/', isGood: (body) => body === 'here\n' });
  let reason = '';
  await eventually(
    async () => {
      reason = whyNot(await installation.status(), '/fill');
      return /ended, as the disk got full meanwhile: \d+ MB free .*\[docker\] min_free/s.test(reason) || undefined;
    },
    { within: 60_000, what: () => `a build that was ended for the disk; the reason is "${reason}"` },
  );
  // What it had written is gone with it: there is room for others again.
  await installation.push('fill', PAGE);
  await eventually(async () => (await installation.get('/fill/')).body === 'here\n' || undefined, { within: 90_000 });
  const { failures, answers } = await poller.stop();
  assert.deepEqual(failures, []);
  assert.ok(answers > 0);
});

function isAllRunning(states: readonly string[]): boolean {
  return states.length === COUNT && states.every((state) => state === 'running');
}

async function ownEngine(): Promise<Awaited<ReturnType<typeof startDocker>>> {
  const started = await startDocker(process.env, { diskBytes: DISK_MIB * 2 ** 20, firewall: false });
  after(async () => assert.deepEqual(await started.end(), [], 'something was left in the engine'));
  await haveBaseImages(connectDocker(started.host, process.env), ['busybox'], {
    ...process.env,
    [standInsVariable]: 'yes',
  });
  return started;
}
