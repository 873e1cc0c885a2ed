import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { killAlong } from './support/kill-along.ts';
import { prodHistory } from './support/prod-history.ts';

test('whatever is killed and whenever, the end is that of a history in which nothing was', {
  concurrency: 2,
}, async (t) => {
  await killAlong(t, prodHistory(await upstream(t)), {
    victims: ['controller', 'instance', 'gateway', 'supervisor'],
    randomKills: 1,
  });
});

/** What the proxy app leads to. */
async function upstream(t: TestContext): Promise<number> {
  const server = createServer((request, response) => response.end(`upstream ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
