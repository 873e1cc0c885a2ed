import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findEngine } from './find-engine.ts';

async function home(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mainspring-test-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

test('a setting names the socket, whatever else there is', () => {
  const found = findEngine('/run/x.sock', { DOCKER_HOST: 'tcp://127.0.0.1:1' });
  assert.deepEqual(found.address, { kind: 'socket', path: '/run/x.sock' });
});

test('DOCKER_HOST comes before the context and the usual sockets', () => {
  const env = { DOCKER_HOST: 'unix:///run/user.sock', DOCKER_CONTEXT: 'other' };
  assert.deepEqual(findEngine('auto', env).address, { kind: 'socket', path: '/run/user.sock' });
});

test('an engine behind TLS is asked with the certificates that the environment names', () => {
  const env = { DOCKER_HOST: 'tcp://127.0.0.1', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' };
  const tls = { ca: '/certs/ca.pem', cert: '/certs/cert.pem', key: '/certs/key.pem' };
  assert.deepEqual(findEngine('auto', env).address, { kind: 'tcp', host: '127.0.0.1', port: 2376, tls });
});

test('the context of the docker command is followed, by its own file or by name', async (t) => {
  const folder = await home(t);
  const id = createHash('sha256').update('mine').digest('hex');
  await mkdir(join(folder, '.docker/contexts/meta', id), { recursive: true });
  await writeFile(join(folder, '.docker/config.json'), JSON.stringify({ currentContext: 'mine' }));
  const meta = { Endpoints: { docker: { Host: 'unix:///run/context.sock' } } };
  await writeFile(join(folder, '.docker/contexts/meta', id, 'meta.json'), JSON.stringify(meta));
  assert.deepEqual(findEngine('auto', { HOME: folder }).address, { kind: 'socket', path: '/run/context.sock' });
  const other = findEngine('auto', { HOME: folder, DOCKER_CONTEXT: 'other' });
  assert.equal(other.address === null && other.fault, 'docker context "other" has no endpoint');
});

test('rootless sockets are found below the runtime folder', async (t) => {
  const folder = await home(t);
  await writeFile(join(folder, 'docker.sock'), '');
  const found = findEngine('auto', { XDG_RUNTIME_DIR: folder });
  // One of the machine itself comes first, where there is one.
  assert.ok(
    found.address?.kind === 'socket' &&
      [join(folder, 'docker.sock'), '/var/run/docker.sock'].includes(found.address.path),
  );
});

test('what can not be an engine is said', () => {
  const found = findEngine('auto', { DOCKER_HOST: 'ssh://me@host' });
  assert.match(found.address === null ? found.fault : '', /DOCKER_HOST names "ssh:\/\/me@host"; expected unix/);
});
