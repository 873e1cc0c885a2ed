// What `ClientResponse` and `ClientConnections` know of how node:http works beyond what its types say. Each of these fails loudly where another
// version of Node does something else; the rest of the gateway leans on nothing of the kind.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ClientResponse } from '../../../src/gateway/clients/client-response.ts';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const HEAD = { status: 200, reason: 'OK', lines: 'Content-Length: 2\r\n', framing: 'length' } as const;

test('a response that emits "finish" has ended: its connection carries the next one, and "close" follows', async (t) => {
  const { server, client } = await pair(t, {});
  const closes: string[] = [];
  server.on('request', (request: IncomingMessage, response: ClientResponse) => {
    response.on('close', () => closes.push(request.url ?? ''));
    response.sendHead(HEAD, Buffer.from('ok'));
    response.sendEnd();
    assert.equal(response.socket, null);
  });
  client.write(GET);
  assert.match(String((await once(client, 'data'))[0]), /\r\nConnection: keep-alive\r\n.*ok$/s);
  client.write(GET);
  assert.match(String((await once(client, 'data'))[0]), /ok$/);
  assert.deepEqual(closes, ['/', '/']);
});

test('a response has its socket when it is its turn, and none before', async (t) => {
  const { server, client } = await pair(t, {});
  const responses: ClientResponse[] = [];
  const isBoth = new Promise<void>((resolve) => {
    server.on('request', (_request: IncomingMessage, response: ClientResponse) => {
      if (responses.push(response) === 2) resolve();
    });
  });
  client.write(GET + GET);
  await isBoth;
  assert.deepEqual([responses[0]?.socket !== null, responses[1]?.socket], [true, null]);
  responses[0]?.sendHead(HEAD, Buffer.from('ok'));
  responses[0]?.sendEnd();
  assert.notEqual(responses[1]?.socket, null);
});

test('"headersSent" holds from the first byte on, whoever sends it', async (t) => {
  const { server, client } = await pair(t, {});
  const seen: boolean[] = [];
  server.on('request', (request: IncomingMessage, response: ClientResponse) => {
    seen.push(response.headersSent);
    if (request.url === '/own') response.writeHead(204);
    else response.sendHead(HEAD, Buffer.from('ok'));
    seen.push(response.headersSent);
    if (request.url === '/own') response.end();
    else response.sendEnd();
  });
  client.write(GET);
  await once(client, 'data');
  client.write(GET.replace('/ ', '/own '));
  await once(client, 'data');
  assert.deepEqual(seen, [false, true, false, true]);
});

test('with "httpAllowHalfOpen" a client that ends its side is answered, then the connection ends', async (t) => {
  const { server, client } = await pair(t, { httpAllowHalfOpen: true });
  server.on('request', (request: IncomingMessage, response: ClientResponse) => {
    request.socket.on('end', () => {
      response.sendHead(HEAD, Buffer.from('ok'));
      response.sendEnd();
    });
  });
  client.end(GET);
  let text = '';
  for await (const data of client) text += String(data);
  assert.match(text, /ok$/);
});

async function pair(t: TestContext, settings: object): Promise<{ server: Server; client: Socket }> {
  const server = createServer({ ServerResponse: ClientResponse, optimizeEmptyRequests: true });
  Object.assign(server, settings);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  return { server: server as unknown as Server, client };
}
