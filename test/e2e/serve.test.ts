import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { writeTestFile } from '../support/git-repo.ts';
import { startGitServer } from '../support/git-server.ts';
import { type Files, processApp, staticApp } from './support/apps.ts';
import { Daemon } from './support/daemon.ts';
import { eventually } from './support/eventually.ts';
import { ask } from './support/http.ts';
import { Installation } from './support/installation.ts';
import { findProcess, killHard } from './support/process-scan.ts';
import { pidOf } from './support/production.ts';

/** A server that apps of the spec `proxy` may lead to; gives its port. */
async function upstream(t: TestContext): Promise<number> {
  const server = createServer((request, response) => response.end(`upstream ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

function configOf(port: number, apps: string, files: Files = {}): Files {
  const upstreamUrl = `http://127.0.0.1:${port}`;
  return { 'apps.star': apps.replaceAll('UPSTREAM', upstreamUrl), ...files };
}

test('what is on main is what runs, from the first push to the last', async (t) => {
  const port = await upstream(t);
  const installation = await Installation.create(
    t,
    configOf(port, 'app("/", "./home")\napp("/up", "-", spec = "proxy", params = {"url": "UPSTREAM"})\n', {
      ...staticApp('home 1', 'home/'),
    }),
    { proxyAllow: [`127.0.0.1:${port}`] },
  );
  const config = (apps: string, files: Files = {}) => installation.push('config', configOf(port, apps, files));
  const work = (await installation.repo('work')).bare;
  const THREE = `app("/", "./home")\napp("/up", "-", spec = "proxy", params = {"url": "UPSTREAM"})\napp("/work", "${work}")\n`;
  let daemon = await installation.serve();

  await t.test('the apps of the first commit are live', async () => {
    const commit = (await installation.config.git('rev-parse', 'HEAD')) as string;
    await installation.settled({ config: commit });
    assert.equal((await installation.get('/')).body, 'home 1\n');
    assert.equal((await installation.get('/up/here?a=1')).body, 'upstream /here?a=1');
    assert.equal((await installation.get('/work/')).status, 404);
    assert.equal((await installation.get('/', 'other.example.com')).status, 404);
  });

  await t.test('a process app of a repo of its own becomes live, and "wait" says so', async () => {
    const source = await installation.push('work', processApp('work 1'));
    const commit = await config(THREE);
    const waited = await installation.run('wait', '--commit', commit, '--timeout', '60s');
    assert.deepEqual([waited.code, waited.stdout], [0, `${commit.slice(0, 8)} is live (3 apps)\n`], waited.stderr);
    assert.equal((await installation.get('/work/')).body, 'work 1 /work');
    assert.equal((await installation.get('/work/visit')).body, 'work 1 /work visit 1');
    const { environments } = await installation.status();
    const deployment = environments[0]?.deployments.find(({ app }) => app === '/work');
    assert.equal(deployment?.live?.source_commit, source);
    assert.equal(deployment?.url, `http://localhost:${installation.port}/work`);
  });

  await t.test('a push to its repo is live without another word, and "wait" knows a commit of a source', async () => {
    const source = await installation.push('work', processApp('work 2'));
    const waited = await installation.run('wait', '--commit', source, '--timeout', '60s');
    assert.equal(waited.code, 0, waited.stderr);
    assert.equal((await installation.get('/work/visit')).body, 'work 2 /work visit 2');
  });

  await t.test('what an app prints is in "logs"', async () => {
    const { code, stdout } = await installation.run('logs', '/work');
    assert.deepEqual([code, stdout.trim().split('\n').at(-1)], [0, 'started work 2']);
    const unknown = await installation.run('logs', '/nothing');
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /^error\[not-found\]/);
  });

  await t.test('"plan" says what a branch or a folder would change, and changes nothing', async () => {
    await installation.config.switchTo('idea');
    await config('app("/", "./home")\napp("/work", "./home", spec = "static")\n');
    await installation.config.switchTo('main');
    const planned = await installation.run('plan', '--ref', 'idea', '--json', '--check');
    assert.equal(planned.code, 2, planned.stderr);
    const { steps } = JSON.parse(planned.stdout) as { steps: { kind: string; env: string; app: string }[] };
    assert.deepEqual(
      steps.map(({ kind, env, app }) => `${env} ${kind} ${app}`),
      ['prod remove /up', 'prod update /work', 'stage remove /up', 'stage update /work'],
    );
    const folder = mkdtempSync(join(installation.root, 'folder-'));
    await writeTestFile(join(folder, 'apps.star'), 'app("/", "./home")\napp("/more", "./home")\n');
    await writeTestFile(join(folder, 'home/index.html'), 'home 1\n');
    const local = await installation.run('plan', '--dir', folder);
    assert.equal(local.code, 0, local.stderr);
    assert.match(local.stdout, /\/more/);
    const nothing = await installation.run('plan', '--check');
    assert.equal(nothing.code, 0, nothing.stdout);
    assert.equal((await installation.get('/up/')).status, 200);
  });

  await t.test('a commit that does not evaluate changes nothing but what is said', async () => {
    const before = await installation.status();
    const commit = await config(`${THREE}app("/more", "./home", spce = "static")\n`);
    await installation.settled({ config: commit });
    const { config: seen, environments } = await installation.status();
    assert.deepEqual(environments, before.environments);
    assert.equal(seen.accepted, before.config.accepted);
    assert.deepEqual(
      seen.errors.map(({ file, line, code }) => ({ file, line, code })),
      [{ file: 'apps.star', line: 4, code: 'config-invalid' }],
    );
    assert.match(seen.errors[0]?.hint ?? '', /spec/);
    const waited = await installation.run('wait', '--commit', commit);
    assert.equal(waited.code, 1);
    assert.match(waited.stderr, /apps\.star:4/);
    const rejected = (await installation.audit()).filter(({ kind }) => kind === 'config.rejected');
    assert.equal(rejected.length, 1);
    assert.equal(rejected[0]?.cause.kind === 'commit' && rejected[0].cause.commit, commit);
    const text = await installation.run('status');
    assert.equal(text.code, 0);
    assert.match(text.stdout, /apps\.star:4/);
    assert.equal((await installation.get('/work/')).body, 'work 2 /work');
  });

  await t.test('its revert brings everything in order without a restart of anything', async () => {
    const pid = pidOf(installation, '/work');
    await installation.config.git('revert', '--no-edit', 'HEAD');
    await installation.config.push();
    const commit = (await installation.config.git('rev-parse', 'HEAD')) as string;
    const status = await installation.settled({ config: commit });
    assert.deepEqual(status.config.errors, []);
    assert.equal(pidOf(installation, '/work'), pid);
  });

  await t.test('an app that leaves the config is gone, its data is kept, and with it it comes back', async () => {
    const pid = pidOf(installation, '/work');
    const removed = await config('app("/", "./home")\napp("/up", "-", spec = "proxy", params = {"url": "UPSTREAM"})\n');
    await installation.settled({ config: removed });
    // The app at "/" takes what no other matches.
    assert.equal((await installation.get('/work/')).status, 404);
    assert.equal(findProcess(pid), undefined);
    const db = new Database(join(installation.data, 'mainspring.db'), { readonly: true });
    t.after(() => db.close());
    assert.deepEqual(db.prepare('SELECT env, app, state FROM retained ORDER BY env').all(), [
      { env: 'prod', app: '/work', state: 'kept' },
      { env: 'stage', app: '/work', state: 'kept' },
    ]);
    const back = await config(THREE);
    await installation.settled({ config: back });
    assert.equal((await installation.get('/work/visit')).body, 'work 2 /work visit 3');
    assert.deepEqual(db.prepare('SELECT app FROM retained').all(), []);
  });

  await t.test(
    'an app that never gets healthy is quarantined, the others are live, and "wait" fails with the reason',
    async () => {
      const commit = await config(
        `${THREE}app("/bad", "./bad", health = {"timeout": "1s"})\n`,
        processApp('bad', { folder: 'bad/', status: 500 }),
      );
      const waited = await installation.run('wait', '--commit', commit, '--timeout', '60s');
      assert.equal(waited.code, 1, waited.stdout);
      assert.match(waited.stderr, /\/bad in prod is held: not promoted: in stage it is quarantined/);
      assert.match(waited.stderr, /\/bad in stage is quarantined: health \/: not 200 within 1s/);
      assert.equal((await installation.get('/bad/')).status, 404);
      assert.equal((await installation.get('/work/')).body, 'work 2 /work');
      await installation.settled({ config: await config(THREE, { 'bad/Procfile': null, 'bad/server.cjs': null }) });
    },
  );

  await t.test('"wait" gives up in time on what is not settled', async () => {
    const commit = await config(`${THREE}app("/slow", "./slow", health = {"timeout": "60s"})\n`, {
      'slow/Procfile': 'web: sleep 1000\n',
    });
    const waited = await installation.run('wait', '--commit', commit, '--timeout', '1s');
    assert.equal(waited.code, 3, waited.stderr);
    await installation.settled({ config: await config(THREE, { 'slow/Procfile': null }) });
  });

  await t.test('a commit that nobody pushed is told as not deployed', async () => {
    const commit = await installation.config.commit({ 'unpushed.txt': 'x' });
    const waited = await installation.run('wait', '--commit', commit, '--timeout', '60s');
    assert.equal(waited.code, 1, waited.stdout);
    assert.match(waited.stderr, /is not deployed/);
    await installation.config.git('reset', '-q', '--hard', 'origin/main');
  });

  await t.test('the chain of the log is whole, and "doctor" finds nothing that fails', async () => {
    const verified = await installation.run('audit', 'verify');
    assert.equal(verified.code, 0, verified.stderr);
    const { head } = (await installation.status()).audit;
    assert.equal((await installation.run('audit', 'verify', '--head', head)).code, 0);
    const wrong = `${head.split(':')[0]}:${'0'.repeat(64)}`;
    const { code, stderr } = await installation.run('audit', 'verify', '--head', wrong);
    assert.deepEqual([code, stderr.startsWith('error[audit-broken]')], [1, true], stderr);
    const doctor = await installation.run('doctor', '--json');
    const { findings } = JSON.parse(doctor.stdout) as { findings: { state: string }[] };
    assert.deepEqual(
      findings.filter(({ state }) => state === 'fail'),
      [],
    );
    assert.equal(doctor.code, 0);
  });

  await t.test('a second daemon on the same folder is refused with the pid of the first', async () => {
    const second = Daemon.start(installation);
    assert.equal(await second.ended, 1);
    assert.match(second.log + second.stdout, new RegExp(`store-locked.*process ${daemon.pid} already serves`, 's'));
    assert.equal((await installation.get('/work/')).status, 200);
  });

  await t.test('SIGTERM leaves apps running, and the next start adopts them without touching them', async () => {
    const pid = pidOf(installation, '/work');
    const pids = () =>
      installation
        .processes()
        .filter(({ environment }) => environment.has('MAINSPRING_APP'))
        .map((one) => one.pid);
    const running = pids();
    const { audit } = await installation.status();
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(
      installation.processes().map((one) => one.pid),
      running,
    );
    assert.equal((await installation.run('status', '--json')).code, 0, 'the folder can be read without a daemon');
    daemon = await installation.serve();
    assert.equal((await installation.get('/work/')).body, 'work 2 /work');
    assert.equal(pidOf(installation, '/work'), pid);
    const known = Number(audit.head.split(':')[0]);
    assert.deepEqual(
      (await installation.audit()).filter(({ id }) => id > known).map(({ kind }) => kind),
      ['controller.started'],
    );
  });

  await t.test('SIGHUP takes up settings that changed, and refuses broken ones while all goes on', async () => {
    const secret = join(installation.root, 'hook-secret');
    writeFileSync(secret, 'quiet\n');
    const hook = () => askHook(installation, 'ci', { authorization: 'Bearer quiet' }, 'anything');
    assert.equal((await hook()).status, 404);
    const pid = pidOf(installation, '/work');
    await installation.writeSettings({ pollInterval: '1h', more: `[hooks.ci]\nsecret_file = "${secret}"\n` });
    daemon.signal('SIGHUP');
    await eventually(async () => ((await hook()).status === 202 ? true : undefined), { what: 'the new hook' });
    assert.equal((await installation.get('/work/')).status, 200);
    assert.equal(pidOf(installation, '/work'), pid);

    writeFileSync(installation.file, 'config_repo = 3\n');
    daemon.signal('SIGHUP');
    await eventually(() => daemon.log.includes('nothing changes') || undefined, { what: 'a word about the settings' });
    const source = await installation.push('work', processApp('work 3'));
    const controller = installation.processes().find(({ args }) => args.includes('__controller'));
    await killHard(controller?.pid ?? 0);
    // It was started again with the settings that hold. The repo is watched, so the interval does not matter here.
    await eventually(async () => ((await installation.get('/work/')).body === 'work 3 /work' ? true : undefined), {
      what: `work 3 from ${source}`,
    });
    assert.equal((await hook()).status, 202);
  });

  await t.test('with on_exit = "stop" the apps end with the daemon, and start with it', async () => {
    await installation.writeSettings({ pollInterval: '1s', onExit: 'stop', more: '' });
    assert.equal(await daemon.stop(), 0);
    daemon = await installation.serve();
    await eventually(() => pidOf(installation, '/work') > 0 || undefined);
    assert.equal(await daemon.stop(), 0);
    assert.deepEqual(installation.processes(), []);
    assert.deepEqual(
      installation
        .cgroups()
        .flatMap((folder) => readdirSync(folder, { withFileTypes: true }).filter((item) => item.isDirectory())),
      [],
    );
    daemon = await installation.serve();
    await eventually(async () => ((await installation.get('/work/')).body === 'work 3 /work' ? true : undefined));
    assert.equal(await daemon.stop(), 0);
    assert.equal(existsSync(join(installation.data, 'run', 'supervisor.json')), false);
  });
});

test('a hook makes a push to a repo behind HTTP live long before the next poll, and is believed only with its secret', async (t) => {
  const installation = await Installation.create(t, { 'none.star': 'none = 1\n' });
  const server = await startGitServer(t, { root: join(installation.root, 'repos'), users: { mainspring: 'secret' } });
  for (const name of ['team', 'site'])
    await (await installation.repo(name)).gitBare('config', 'http.receivepack', 'true');
  await installation.push('site', staticApp('site 1'));
  const declared = await installation.push('team', {
    'apps.star': `app("/", "${server.url}/site.git", git_auth = "team")\n`,
  });
  const secrets = { 'git-token': 'secret\n', hook: 'hook secret\n' };
  for (const [name, text] of Object.entries(secrets)) writeFileSync(join(installation.root, name), text);
  await installation.writeSettings({
    configRepo: `${server.url}/team.git`,
    pollInterval: '1h',
    more: `[git_auth.team]
url_prefix = "${server.url}/"
username = "mainspring"
token_file = "./git-token"
[hooks.forge]
secret_file = "./hook"
[gateway.limits]
hook_body = "4k"
`,
  });
  await installation.serve();
  await installation.settled({ config: declared });
  assert.equal((await installation.get('/')).body, 'site 1\n');
  const body = JSON.stringify({ ref: 'refs/heads/other', repository: { clone_url: 'https://example.com/forged.git' } });
  const signed = (secret: string) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

  const ways = [
    { 'x-hub-signature-256': signed('hook secret'), 'content-type': 'application/json' },
    { authorization: 'Bearer hook secret' },
  ];
  for (const [index, headers] of ways.entries()) {
    const text = `site ${index + 2}`;
    await installation.push('site', staticApp(text));
    const pushedAt = performance.now();
    assert.equal((await askHook(installation, 'forge', headers, body)).status, 202);
    await eventually(async () => ((await installation.get('/')).body === `${text}\n` ? true : undefined), {
      what: text,
    });
    t.diagnostic(`${Object.keys(headers)[0]}: live ${Math.round(performance.now() - pushedAt)} ms after the hook`);
  }

  for (const [name, headers, sent, status] of [
    ['forge', { 'x-hub-signature-256': signed('another') }, body, 401],
    ['forge', { authorization: 'Bearer another' }, body, 401],
    ['forge', { 'x-hub-signature-256': signed('another'), authorization: 'Bearer hook secret' }, body, 401],
    ['forge', {}, body, 401],
    ['forge', { authorization: 'Bearer hook secret' }, 'x'.repeat(5_000), 413],
    ['unknown', { authorization: 'Bearer hook secret' }, body, 404],
  ] as const) {
    assert.equal((await askHook(installation, name, headers, sent)).status, status);
  }

  const reached = server.requests().length;
  const commit = await installation.push('team', {
    'apps.star': `app("/", "${server.url}/site.git", git_auth = "team")\nx = 1\n`,
  });
  const waited = await installation.run('wait', '--commit', commit, '--timeout', '1s');
  assert.equal(waited.code, 3, 'nothing looked: without a hook the next look is an hour away');
  assert.equal(server.requests().length, reached);
  assert.equal((await askHook(installation, 'forge', { authorization: 'Bearer hook secret' }, '')).status, 202);
  assert.equal((await installation.run('wait', '--timeout', '60s')).code, 0);
  assert.equal(existsSync(join(installation.data, 'mirrors')), true);
});

function askHook(installation: Installation, name: string, headers: Readonly<Record<string, string>>, body: string) {
  return ask({ port: installation.port, path: `/_mainspring/hooks/${name}`, method: 'POST', headers, body });
}
