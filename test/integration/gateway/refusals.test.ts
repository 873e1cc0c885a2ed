import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dial } from './talk.ts';
import { echo, eventually, httpUpstream, startTestGateway, tcpUpstream } from './testbed.ts';

const MEGABYTE = 1024 * 1024;

for (const [what, head, status] of [
  ['an https target', 'POST https://a/ HTTP/1.1\r\nHost: a\r\n', 421],
  ['a target that is too long', `POST /${'x'.repeat(9_000)} HTTP/1.1\r\nHost: a\r\n`, 414],
  ['an expectation that nobody knows', 'POST / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n', 417],
  ['a coding that nobody knows', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n', 501],
  ['two Hosts', 'POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n', 400],
  ['a way round through gateways', `POST / HTTP/1.1\r\nHost: a\r\nVia: ${'1.1 mainspring, '.repeat(8)}x\r\n`, 508],
  ['a method that nobody knows', 'FROB / HTTP/1.1\r\nHost: a\r\n', 501],
  ['another version', 'POST / HTTP/3.0\r\nHost: a\r\n', 505],
  ['a space before a colon', 'POST / HTTP/1.1\r\nHost : a\r\n', 400],
  ['a head that is too large', `POST / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n`, 431],
] as const) {
  test(`${what} with a large body behind it: the answer ${status} arrives, nothing else does, and the app sees nothing`, async (t) => {
    const bed = await startTestGateway(t);
    let connections = 0;
    await bed.route('a/', await tcpUpstream(t, () => (connections += 1)));
    const length = head.includes('Transfer') ? '' : `Content-Length: ${4 * MEGABYTE}\r\n`;
    const client = dial(t, bed, `${head}${length}\r\n`);
    // Sent while the answer comes: a connection that is closed with bytes unread is reset, and what was sent on it may be lost.
    client.socket.write('x'.repeat(4 * MEGABYTE));
    await eventually(() => client.end() !== undefined, 'the connection ends');
    assert.equal(client.end(), 'end');
    assert.deepEqual(
      [...client.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => Number(match[1])),
      [status],
    );
    assert.equal(connections, 0);
  });
}

test('a trusted proxy may ask for https targets: it has the secured connection', async (t) => {
  const bed = await startTestGateway(t, { trustedProxies: ['127.0.0.1'] });
  await bed.route('a/', await httpUpstream(t, echo));
  assert.match(await bed.raw('GET https://a/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /"url":"\/x"/);
});

test('a request that has passed through some gateways goes on', async (t) => {
  const bed = await startTestGateway(t);
  await bed.route('a/', await httpUpstream(t, echo));
  const via = '1.1 mainspring, '.repeat(6);
  assert.match(
    await bed.raw(`GET /x HTTP/1.1\r\nHost: a\r\nVia: ${via}1.0 other\r\nConnection: close\r\n\r\n`),
    /"url":"\/x"/,
  );
});
