import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { echo, httpUpstream, startTestGateway } from './testbed.ts';

const PLACE = 'apps.localhost/tools/sales';

for (const [what, sent, location] of [
  ['the bare path', '/tools/sales', '/tools/sales/'],
  ['its query', '/tools/sales?a=/b&c', '/tools/sales/?a=/b&c'],
  ['a question mark alone', '/tools/sales?', '/tools/sales/?'],
  ['an escaped path', '/tools/s%61les', '/tools/s%61les/'],
  ['a path with dot segments', '/x/../tools/./sales', '/tools/sales/'],
  ['an absolute target', 'http://apps.localhost/tools/sales?x', '/tools/sales/?x'],
] as const) {
  test(`an app that asks for a slash has its pages below: ${what} is led there on the same host`, async (t) => {
    const bed = await startTestGateway(t);
    await bed.route(PLACE, await httpUpstream(t, echo), { slash: true });
    for (const method of ['GET', 'HEAD']) {
      const answer = await bed.raw(`${method} ${sent} HTTP/1.1\r\nHost: apps.localhost\r\nConnection: close\r\n\r\n`);
      assert.match(answer, /^HTTP\/1\.1 302 /);
      assert.deepEqual(answer.match(/^location: .*$/gim), [`Location: ${location}`]);
    }
  });
}

test('what lies below, other methods and WebSockets reach the app', async (t) => {
  const bed = await startTestGateway(t);
  const target = await httpUpstream(t, echo, (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, greet),
  );
  const sockets = new WebSocketServer({ noServer: true });
  const greet = (socket: WebSocket) => socket.send('hello');
  await bed.route(PLACE, target, { slash: true });
  const urlOf = async (path: string, init?: RequestInit) =>
    ((await (await bed.fetch(`${PLACE}${path}`, init)).json()) as { url: string }).url;
  assert.equal(await urlOf('/'), '/');
  assert.equal(await urlOf('/x'), '/x');
  assert.equal(await urlOf('', { method: 'POST', body: 'x' }), '/');
  assert.equal(await urlOf('', { method: 'DELETE' }), '/');
  const client = new WebSocket(`ws://127.0.0.1:${bed.port}/tools/sales`, { headers: { host: 'apps.localhost' } });
  assert.equal(String((await once(client, 'message'))[0]), 'hello');
  client.terminate();
});

test('without asking, and at the root of a host, the app answers itself', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(PLACE, await httpUpstream(t, echo));
  await bed.route('root.localhost/', await httpUpstream(t, echo), { slash: true });
  assert.equal((await bed.fetch(PLACE)).status, 200);
  assert.equal((await bed.fetch('root.localhost/')).status, 200);
});

test('an app that does not see paths without its own is led to the slash as well', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(PLACE, await httpUpstream(t, echo), { slash: true, stripPath: false });
  assert.equal((await bed.fetch(PLACE)).headers.get('location'), '/tools/sales/');
});

test('the way to the slash wakes nothing and waits for nothing', async (t) => {
  const bed = await startTestGateway(t);
  for (const kind of ['asleep', 'held'] as const) {
    await bed.route(PLACE, { kind }, { slash: true });
    assert.equal((await bed.fetch(PLACE)).status, 302);
  }
  assert.deepEqual([bed.wakes, bed.gateway.held(), bed.gateway.inFlight()], [[], 0, 0]);
});

test('outside of production the way to the slash is not for search engines', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route(PLACE, await httpUpstream(t, echo), { slash: true, noindex: true });
  assert.equal((await bed.fetch(PLACE)).headers.get('x-robots-tag'), 'noindex');
});
