import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dockerForTests, haveBaseImages } from '../support/containers/docker.ts';
import type { Files } from './support/apps.ts';
import { busyboxContainer, nodeContainer, nonceContainer } from './support/container-apps.ts';
import { containerTeam } from './support/container-team.ts';
import { eventually } from './support/eventually.ts';
import { startPoller } from './support/poller.ts';
import { whyNot } from './support/production.ts';

const { docker, socket, skip } = await dockerForTests();
if (skip === false) await haveBaseImages(docker, ['busybox', 'node:24-slim']);

/** What goes wrong, and what a person reads of it. */
interface Hostile {
  readonly name: string;
  readonly files: Files;
  /** Further arguments of its `app()`. */
  readonly options?: string;
  readonly reads: RegExp;
}

const LISTENS =
  "require('node:http').createServer((request, response) => response.end('here')).listen(Number(process.env.PORT), '0.0.0.0');";
const QUICK = 'health = {"timeout": "5s"}';

const HOSTILE: readonly Hostile[] = [
  {
    name: 'hangs',
    files: busyboxContainer('RUN sleep 100000'),
    options: 'container_opts = {"build_timeout": "3s"}',
    reads: /not done after 3s.*build_timeout/s,
  },
  {
    name: 'fails',
    files: busyboxContainer('RUN echo "the reason is this" && exit 7'),
    reads: /exited with code 7.*the reason is this/s,
  },
  {
    name: 'forks',
    // It has an end, should nobody stop it: the machine is that of other tests too.
    files: busyboxContainer('RUN i=0; while [ $i -lt 3000 ]; do sleep 300 & i=$((i+1)); done; wait'),
    reads: /a step had more than 200 processes.*build_pids/s,
  },
  {
    name: 'eats',
    files: nodeContainer(`const eaten = []; setInterval(() => eaten.push(Buffer.alloc(8 << 20, 'x')), 5); ${LISTENS}`),
    options: `container_opts = {"memory": "64m"}, ${QUICK}`,
    reads: /memory limit of 64m/,
  },
  {
    name: 'inward',
    files: nodeContainer(LISTENS.replace('0.0.0.0', '127.0.0.1')),
    options: QUICK,
    reads: /8080 of 127\.0\.0\.1.*listen on 0\.0\.0\.0/,
  },
  {
    name: 'mute',
    files: nodeContainer('setInterval(() => {}, 1000);'),
    options: QUICK,
    reads: /listens on no port.*PORT, 8080/,
  },
  {
    name: 'elsewhere',
    files: nodeContainer(LISTENS.replace('Number(process.env.PORT)', '9999')),
    options: QUICK,
    reads: /listens on port 9999, not on 8080.*"port": 9999/,
  },
  {
    name: 'broken',
    files: nodeContainer(LISTENS.replace("response.end('here')", "response.writeHead(500).end('no')")),
    options: QUICK,
    reads: /health \/: not 200 within 5s \(last: GET \/ answered 500, expected 200\)/,
  },
];

test('whatever a build or an app does, production serves on and says why it failed', { skip }, async (t) => {
  const made = await containerTeam(
    t,
    socket,
    (url) => ({
      'apps.star': [
        `app("/work", "${url('work')}", stage = False, idle = False)\n`,
        `app("/mortal", "${url('mortal')}", stage = False, idle = False)\n`,
        ...HOSTILE.map(({ name, options = '' }) => `app("/${name}", "${url(name)}", stage = False, ${options})\n`),
      ].join(''),
    }),
    { more: '[docker]\nbuild_pids = 200\n' },
  );
  const { team } = made;
  const { installation } = team;
  await installation.push('work', nonceContainer('work 1'));
  await installation.push('mortal', nodeContainer(`${LISTENS} setTimeout(() => process.exit(3), 30_000);`));
  for (const { name, files } of HOSTILE) await installation.push(name, files);
  await installation.serve();
  await team.untilSays('/work', 'prod', 'work 1');
  const poller = startPoller(t, { port: installation.port, path: '/work/', isGood: (body) => body.includes('"work') });
  for (const { name, reads } of HOSTILE) {
    await t.test(`one that ${name}: ${reads.source}`, async () => {
      let reason = '';
      await eventually(
        async () => {
          reason = whyNot(await installation.status(), `/${name}`);
          return reads.test(reason) || undefined;
        },
        { within: 90_000, every: 200, what: () => `${reads} of ${name}, which says ${reason}` },
      );
    });
  }
  const { failures, answers } = await poller.stop();
  assert.deepEqual(failures, []);
  assert.ok(answers > 0);
  const told = async (kind: string, of: string) => (await team.audit([kind])).filter(({ app }) => app === of);
  const untilRepaired = (app: string) =>
    eventually(async () => (await told('drift.repaired', app)).length > 0 || undefined, { within: 60_000 });
  await t.test('one that dies by itself after 30 s is started again, and the log says how it ended', async () => {
    await untilRepaired('/mortal');
    const [seen] = await told('drift.seen', '/mortal');
    assert.match(String(seen?.detail?.message), /exited with code 3/);
    assert.equal((await installation.get('/mortal/')).status, 200);
  });
  await t.test('while one that is killed is started again, requests wait for it', async (t) => {
    await team.settled();
    const [one] = (await made.view.containers()).filter(({ app, state }) => app === '/work' && state === 'running');
    const poller = startPoller(t, {
      port: installation.port,
      path: '/work/',
      isGood: (body) => body.includes('"work'),
    });
    await made.view.by('kill', one?.id ?? '');
    await untilRepaired('/work');
    const { failures, resets } = await poller.stop();
    assert.deepEqual([failures, resets], [[], 0]);
    const [seen] = await told('drift.seen', '/work');
    assert.match(String(seen?.detail?.message), /137|SIGKILL/);
  });
});
