import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { runForTest } from '../../test/support/cli.ts';
import { MainspringError } from '../model/errors.ts';
import type { Finding } from './doctor-finding.ts';

interface Place {
  readonly cwd: string;
  readonly examine: (
    more?: string,
    options?: { now?: number; listing?: () => Promise<string> },
  ) => Promise<readonly Finding[]>;
}

/** A folder in which all is well. */
async function place(t: TestContext): Promise<Place> {
  const cwd = await mkdtemp(join(tmpdir(), 'ms-doctor-'));
  t.after(() => rm(cwd, { recursive: true }));
  await mkdir(join(cwd, 'data'));
  await chmod(join(cwd, 'data'), 0o711);
  await writeFile(join(cwd, 'data', 'mainspring.db'), '', { mode: 0o600 });
  const examine: Place['examine'] = async (
    more = '',
    { now = Date.now(), listing = async () => 'a'.repeat(40) } = {},
  ) => {
    const listen = more.includes('listen =') ? '' : 'listen = "127.0.0.1:0"\n';
    await writeFile(join(cwd, 'mainspring.toml'), `config_repo = "https://git.example.com/c.git"\n${listen}${more}`);
    const io = { cwd, clock: { now: () => now, sleep: async () => {} } };
    const { exit, stdout } = await runForTest(['doctor', '--json'], { ports: { listConfigRepo: listing }, io });
    const { ok, findings } = JSON.parse(stdout);
    assert.equal(exit, ok ? 0 : 1);
    assert.equal(
      ok,
      findings.every((finding: Finding) => finding.state !== 'fail'),
    );
    return findings;
  };
  return { cwd, examine };
}

function found(findings: readonly Finding[], name: string): Finding {
  const finding = findings.find((one) => one.name === name);
  assert.ok(finding, `nothing is said of ${name}: ${findings.map((one) => one.name).join(', ')}`);
  return finding;
}

async function listening(t: TestContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('where all is well nothing fails', async (t) => {
  const { examine } = await place(t);
  const findings = await examine();
  assert.deepEqual(
    findings.filter(({ state }) => state === 'fail'),
    [],
  );
  assert.deepEqual(found(findings, 'config repo'), {
    name: 'config repo',
    state: 'ok',
    message: 'main is at aaaaaaaa',
    hint: null,
  });
});

test('settings that are wrong are all named, and the machine is looked at anyway', async (t) => {
  const { examine } = await place(t);
  const findings = await examine('brnch = 1\nretain = 2\n');
  const wrong = findings.filter(({ name }) => name === 'settings');
  assert.equal(wrong.length, 2);
  assert.match(wrong[0]?.message ?? '', /mainspring\.toml:3: brnch: is no setting/);
  assert.equal(wrong[0]?.hint, 'Did you mean "branch"?');
  assert.equal(found(findings, 'git').state, 'ok');
});

test('a config repo that can not be listed fails with what git says', async (t) => {
  const { examine } = await place(t);
  const listing = async () => {
    throw new MainspringError('git-list-failed', 'refused', { hint: 'Ask for access.' });
  };
  assert.deepEqual(found(await examine('', { listing }), 'config repo'), {
    name: 'config repo',
    state: 'fail',
    message: 'refused',
    hint: 'Ask for access.',
  });
});

test('a port that another program has fails, one that a Mainspring has does not', async (t) => {
  const { examine } = await place(t);
  const other = await listening(
    t,
    createTcpServer((socket) => socket.end('220 mail\r\n')),
  );
  const ours = await listening(
    t,
    createServer((_request, response) => response.end('ok')),
  );
  const findings = await examine(`listen = ["127.0.0.1:${other}", "127.0.0.1:${ours}"]\n`);
  assert.equal(found(findings, `listen 127.0.0.1:${other}`).state, 'fail');
  assert.equal(found(findings, `listen 127.0.0.1:${ours}`).message, 'a Mainspring answers there');
});

test('secret files are looked at one by one', async (t) => {
  const { cwd, examine } = await place(t);
  await writeFile(join(cwd, 'open'), 'x', { mode: 0o644 });
  await writeFile(join(cwd, 'closed'), 'x', { mode: 0o600 });
  await writeFile(join(cwd, 'empty'), '\n', { mode: 0o600 });
  await writeFile(join(cwd, 'key'), 'x', { mode: 0o640 });
  const findings = await examine(`
[status]
token_file = "open"
[hooks.a]
secret_file = "closed"
[hooks.b]
secret_file = "empty"
[hooks.c]
secret_file = "none"
[git_auth.k]
url_prefix = "ssh://git@x.example/"
ssh_key_file = "key"
`);
  const names = [
    'status.token_file',
    'hooks.a.secret_file',
    'hooks.b.secret_file',
    'hooks.c.secret_file',
    'git_auth.k.ssh_key_file',
  ];
  assert.deepEqual(
    names.map((name) => found(findings, name).state),
    ['warn', 'ok', 'fail', 'fail', 'fail'],
  );
});

test('a data folder that others may write to fails, with the command that helps', async (t) => {
  const { cwd, examine } = await place(t);
  await chmod(join(cwd, 'data'), 0o777);
  const finding = found(await examine(), 'data folder');
  assert.deepEqual([finding.state, finding.hint], ['fail', `chmod 711 ${join(cwd, 'data')}`]);
});

test('a data folder that is not there fails', async (t) => {
  const { examine } = await place(t);
  assert.equal(found(await examine('data_dir = "other"\n'), 'data folder').state, 'fail');
});

test('a clock in the past fails', async (t) => {
  const { examine } = await place(t);
  assert.equal(found(await examine('', { now: Date.UTC(2001, 0, 1) }), 'clock').state, 'fail');
});

test('settings without effect, missing local roots and a status host for nobody are told of', async (t) => {
  const { examine } = await place(t);
  const findings = await examine(
    '[forge.x]\n[git]\nlocal_roots = ["/nowhere/at/all"]\n[gateway]\ntrusted_proxies = ["10.0.0.1"]\n',
  );
  assert.ok(findings.some(({ state, message }) => state === 'warn' && message.includes('[forge.x] has no effect')));
  assert.equal(found(findings, 'local root /nowhere/at/all').state, 'fail');
  assert.equal(found(findings, 'status host').state, 'warn');
});

test('for people there is a line for each finding, with its hint below', async (t) => {
  const { cwd } = await place(t);
  const { exit, stdout } = await runForTest(['doctor'], { io: { cwd } });
  assert.equal(exit, 1);
  assert.match(
    stdout,
    /^fail {2}settings {2}read the settings ".*": there is no such file\n {6}hint: Run "mainspring init REPO"/,
  );
  assert.match(stdout, /\nok {4}git {7}git version /);
});
