import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { findDocker } from './find-docker.ts';

/** A home folder of the test's own. */
function tempHome(t: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), 'ms-home-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  return home;
}

/** What answers an engine's ping at that socket. */
async function answerAt(t: TestContext, path: string): Promise<string> {
  const server = createServer((_request, response) => response.end('OK'));
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  t.after(() => server.close());
  return `unix://${path}`;
}

function writeContext(home: string, name: string, host: string): void {
  const id = createHash('sha256').update(name).digest('hex');
  const folder = join(home, '.docker/contexts/meta', id);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'meta.json'), JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }));
}

test('the engine that the suite names is used before DOCKER_HOST', async (t) => {
  const home = tempHome(t);
  const named = await answerAt(t, join(home, 'a.sock'));
  const engine = await findDocker({ MAINSPRING_TEST_DOCKER: named, DOCKER_HOST: 'unix:///nowhere.sock' }, home);
  assert.equal(engine.found && engine.host, named);
});

test('DOCKER_HOST is used before the context', async (t) => {
  const home = tempHome(t);
  const host = await answerAt(t, join(home, 'a.sock'));
  writeContext(home, 'away', 'unix:///nowhere.sock');
  const engine = await findDocker({ DOCKER_HOST: host, DOCKER_CONTEXT: 'away' }, home);
  assert.equal(engine.found && engine.host, host);
});

test('the context that the docker command uses now is used', async (t) => {
  const home = tempHome(t);
  const host = await answerAt(t, join(home, 'a.sock'));
  writeContext(home, 'lab', host);
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: 'lab' }));
  const engine = await findDocker({}, home);
  assert.equal(engine.found && engine.host, host);
});

test('one that is named and does not answer is not replaced by another', async (t) => {
  const home = tempHome(t);
  await answerAt(t, join(home, 'podman.sock'));
  const engine = await findDocker({ DOCKER_HOST: `unix://${home}/gone.sock`, XDG_RUNTIME_DIR: home }, home);
  assert.equal(engine.found, false);
  assert.match(engine.found ? '' : engine.reason, /DOCKER_HOST names unix:.*gone\.sock, which does not answer/);
});

test('the usual sockets are tried, one that nobody listens at is passed over', async (t) => {
  const home = tempHome(t);
  writeFileSync(join(home, 'docker.sock'), '');
  mkdirSync(join(home, 'podman'));
  const host = await answerAt(t, join(home, 'podman/podman.sock'));
  const engine = await findDocker({ XDG_RUNTIME_DIR: home }, home);
  // Where this machine has an engine at the place that comes first, that one is right.
  assert.ok(engine.found && [host, 'unix:///var/run/docker.sock'].includes(engine.host));
});
