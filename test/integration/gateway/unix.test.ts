import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { echo, eventually, startTestGateway, type TestGateway } from './testbed.ts';

test('a server on a Unix socket is asked by the name that the client uses, below its own path', async (t) => {
  const folder = socketFolder(t);
  await listening(t, join(folder, 'http.sock'), echo);
  const bed = await bedFor(t, folder, `unix:${folder}/http.sock:/base`);
  const answer = await bed.fetch('apps.localhost/tools/x?q=1', { method: 'POST', body: 'hello' });
  const seen = (await answer.json()) as { url: string; rawHeaders: string[]; body: string };
  assert.deepEqual([seen.url, seen.rawHeaders[1], seen.body], ['/base/x?q=1', `apps.localhost:${bed.port}`, 'hello']);
});

for (const [location, expected] of [
  ['there', 'there'],
  ['/base/there', '/tools/there'],
  ['/there', '/tools/there'],
  ['http://apps.localhost:PORT/tools/there', '/tools/there'],
  ['https://apps.localhost:PORT/there', '/tools/there'],
  ['https://sign-in.example.com/', 'https://sign-in.example.com/'],
] as const) {
  test(`a server on a Unix socket that leads to ${location} leads the client to ${expected}`, async (t) => {
    const folder = socketFolder(t);
    await listening(t, join(folder, 'http.sock'), ({ headers }, response) => {
      const port = headers.host?.split(':')[1] ?? '';
      response.writeHead(302, { location: location.replace('PORT', port) }).end();
    });
    const bed = await bedFor(t, folder, `unix:${folder}/http.sock:/base`);
    assert.equal((await bed.fetch('apps.localhost/tools/')).headers.get('location'), expected);
  });
}

test('a WebSocket leads to a Unix socket', async (t) => {
  const folder = socketFolder(t);
  const server = await listening(t, join(folder, 'http.sock'), echo);
  new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', (data) => socket.send(`${data}!`)));
  const bed = await bedFor(t, folder, `unix:${folder}/http.sock`);
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/tools/ws`, { headers: { host: 'apps.localhost' } });
  await once(client, 'open');
  client.send('hello');
  assert.equal(String((await once(client, 'message'))[0]), 'hello!');
  client.close();
  await once(client, 'close');
  await eventually(() => bed.gateway.inFlight() === 0, 'nothing stays in flight');
});

test('a stream comes from a Unix socket piece by piece', async (t) => {
  const folder = socketFolder(t);
  let goOn = () => {};
  await listening(t, join(folder, 'http.sock'), (_, response) => {
    response.write('one');
    goOn = () => response.end('two');
  });
  const bed = await bedFor(t, folder, `unix:${folder}/http.sock`);
  const reader = (await bed.fetch('apps.localhost/tools/')).body?.getReader() ?? assert.fail('no body');
  const next = async () => new TextDecoder().decode((await reader.read()).value);
  assert.equal(await next(), 'one');
  goOn();
  assert.equal(await next(), 'two');
  assert.equal((await reader.read()).done, true);
});

test('connections to a Unix socket are kept', async (t) => {
  const folder = socketFolder(t);
  let connections = 0;
  const server = await listening(t, join(folder, 'http.sock'), echo);
  server.on('connection', () => (connections += 1));
  const bed = await bedFor(t, folder, `unix:${folder}/http.sock`);
  for (let at = 0; at < 3; at += 1) await (await bed.fetch('apps.localhost/tools/')).text();
  assert.equal(connections, 1);
});

test('a link may lead elsewhere in what is allowed, and not out of it', async (t) => {
  const folder = socketFolder(t);
  const outside = socketFolder(t);
  let strayed = 0;
  await listening(t, join(folder, 'http.sock'), (_, response) => response.end('inside'));
  await listening(t, join(outside, 'http.sock'), (_, response) => {
    strayed += 1;
    response.end('outside');
  });
  symlinkSync(join(folder, 'http.sock'), join(folder, 'in.sock'));
  symlinkSync(join(outside, 'http.sock'), join(folder, 'out.sock'));
  symlinkSync(outside, join(folder, 'out'));
  const bed = await bedFor(t, folder, `unix:${folder}/in.sock`);
  assert.equal(await (await bed.fetch('apps.localhost/tools/')).text(), 'inside');
  for (const path of [`${folder}/out.sock`, `${folder}/out/http.sock`, `${outside}/http.sock`]) {
    await bed.route('apps.localhost/tools', { kind: 'http', url: `unix:${path}`, external: true });
    const answer = await bed.fetch('apps.localhost/tools/');
    assert.equal(answer.status, 502);
    assert.doesNotMatch(await answer.text(), /sock/);
  }
  assert.equal(strayed, 0);
});

test('a folder is allowed with what is below it, and not with what only begins like it', async (t) => {
  const folder = socketFolder(t);
  for (const name of ['app', 'app2']) {
    mkdirSync(join(folder, name));
    await listening(t, join(folder, name, 'http.sock'), echo);
  }
  const bed = await startTestGateway(t, { proxyAllow: [`unix:${folder}/app`] });
  for (const [name, status] of [
    ['app', 200],
    ['app2', 502],
  ] as const) {
    await bed.route('a/', { kind: 'http', url: `unix:${folder}/${name}/http.sock`, external: true });
    assert.equal((await bed.fetch('a/')).status, status);
  }
});

test('our own sockets stay closed, whatever is allowed and by whatever way', async (t) => {
  const folder = socketFolder(t);
  const bed = await startTestGateway(t, { proxyAllow: ['unix:/'] });
  await listening(t, join(bed.dir, 'run/status.sock'), echo);
  symlinkSync(join(bed.dir, 'run'), join(folder, 'run'));
  for (const path of [`${bed.dir}/run/control.sock`, `${bed.dir}/run/status.sock`, `${folder}/run/status.sock`]) {
    await bed.route('a/', { kind: 'http', url: `unix:${path}`, external: true });
    assert.equal((await bed.fetch('a/')).status, 502);
  }
  assert.equal((await bed.fetch('mainspring.localhost/')).status, 200);
});

test('while a socket is not there the answer is 502, and once it is there again it serves', async (t) => {
  const folder = socketFolder(t);
  const path = join(folder, 'http.sock');
  const bed = await bedFor(t, folder, `unix:${path}`);
  const status = async () => (await bed.fetch('apps.localhost/tools/')).status;
  assert.equal(await status(), 502);
  const first = await listening(t, path, echo);
  assert.equal(await status(), 200);
  first.closeAllConnections();
  await new Promise((resolve) => first.close(resolve));
  assert.equal(await status(), 502);
  await listening(t, path, echo);
  assert.equal(await status(), 200);
});

test('what is no socket is 502', async (t) => {
  const folder = socketFolder(t);
  const bed = await bedFor(t, folder, `unix:${folder}`);
  assert.equal((await bed.fetch('apps.localhost/tools/')).status, 502);
});

/** A gateway that may open the sockets of a folder, with an app at `apps.localhost/tools`. */
async function bedFor(t: TestContext, folder: string, url: string): Promise<TestGateway> {
  const bed = await startTestGateway(t, { proxyAllow: [`unix:${folder}/`] });
  await bed.route('apps.localhost/tools', { kind: 'http', url, external: true });
  return bed;
}

function socketFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'sockets-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listening(t: TestContext, path: string, listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  server.listen(path);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return server;
}
