import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type TestContext, test } from 'node:test';
import { findFreePort, isFree } from './free-port.ts';

async function listenOn(t: TestContext, host: string, port = 0): Promise<number> {
  const server: Server = createServer().listen(port, host);
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

for (const host of ['127.0.0.1', '0.0.0.0', '::1']) {
  test(`a port on which somebody listens at ${host} is not free, and the next one that is gets chosen`, async (t) => {
    const taken = await listenOn(t, host).catch(() => null);
    if (taken === null) return t.skip(`this machine has no ${host}`);
    assert.equal(await isFree(taken), false);
    const chosen = await findFreePort(taken);
    assert.notEqual(chosen, taken);
    await listenOn(t, '127.0.0.1', chosen);
  });
}

test('with no port to begin from, any free one is chosen', async () => {
  const port = await findFreePort(0);
  assert.ok(port > 0);
  assert.equal(await isFree(port), true);
});
