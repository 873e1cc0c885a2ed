import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { echo, httpUpstream, startTestGateway } from './testbed.ts';

/** The status of `http://HOST:PORT/`, and the client that the app was told. */
async function ask({ address, port }: AddressInfo, host: string): Promise<[number, string | undefined]> {
  const request = get({ host: address, port, path: '/', headers: { host }, agent: false });
  const [response] = await once(request, 'response');
  let text = '';
  for await (const bytes of response) text += bytes;
  const { rawHeaders } = JSON.parse(text) as { rawHeaders: string[] };
  return [response.statusCode, rawHeaders[rawHeaders.indexOf('X-Real-IP') + 1]];
}

test('several addresses of both families are served at once', async (t) => {
  const bed = await startTestGateway(t, {
    listen: [
      { host: '127.0.0.1', port: 0 },
      { host: '::1', port: 0 },
      { host: '127.0.0.2', port: 0 },
    ],
  });
  await bed.route('a/', await httpUpstream(t, echo));
  const answers = await Promise.all(bed.gateway.addresses.map((address) => ask(address, 'a')));
  assert.deepEqual(answers, [
    [200, '127.0.0.1'],
    [200, '::1'],
    [200, '127.0.0.1'],
  ]);
});

test('on an address of both families, a client of IPv4 is told as such', async (t) => {
  const bed = await startTestGateway(t, { listen: [{ host: '::', port: 0 }] });
  await bed.route('a/', await httpUpstream(t, echo));
  const port = bed.gateway.addresses[0]?.port ?? 0;
  const [four, six] = ['127.0.0.1', '::1'].map((address) => ask({ address, port, family: '' }, 'a'));
  assert.deepEqual(
    [await four, await six],
    [
      [200, '127.0.0.1'],
      [200, '::1'],
    ],
  );
});

test('a literal IPv6 address is a host like any other', async (t) => {
  const bed = await startTestGateway(t, { listen: [{ host: '::1', port: 0 }] });
  await bed.route('[::1]/', await httpUpstream(t, echo));
  const [address] = bed.gateway.addresses;
  assert.ok(address !== undefined);
  assert.deepEqual(await ask(address, `[::1]:${address.port}`), [200, '::1']);
});
