import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDroppedName, upstreamHead } from './forward-headers.ts';

const PEER = {
  address: '2606::1',
  forwardedFor: '2606::1',
  proto: 'https',
  host: 'apps',
  forwarded: 'for=1.1.1.1',
} as const;

test('the head is written anew: framing by what the body is, hop-by-hop and claims of the client gone', () => {
  const rawHeaders = [
    'hOsT',
    'x',
    'Accept',
    '*/*',
    'Content-Length',
    '3',
    'Connection',
    'X-Hop, close',
    'X-Hop',
    '1',
    'Remote_User',
    'root',
    'Accept',
    'b',
  ];
  const head = upstreamHead({
    method: 'PUT',
    httpVersion: '1.1',
    path: '/p?q',
    host: 'apps',
    rawHeaders,
    peer: PEER,
    prefix: '/pre',
    body: { kind: 'chunked' },
  });
  assert.deepEqual(head.split('\r\n'), [
    'PUT /p?q HTTP/1.1',
    'Host: apps',
    'Accept: */*',
    'Accept: b',
    'Via: 1.1 mainspring',
    'X-Forwarded-For: 2606::1',
    'X-Forwarded-Proto: https',
    'X-Forwarded-Host: apps',
    'X-Real-IP: 2606::1',
    'Forwarded: for=1.1.1.1',
    'X-Forwarded-Prefix: /pre',
    'Transfer-Encoding: chunked',
    '',
    '',
  ]);
});

for (const name of [
  'Transfer-Encoding',
  'transfer_encoding',
  'X_Forwarded_For',
  'X-Mainspring-Peer',
  'x_mainspring_anything',
  'REMOTE-USER',
  'X-Auth-Request-Email',
  'Expect',
]) {
  test(`${name} of a client is dropped`, () => assert.equal(isDroppedName(name), true));
}
for (const name of ['Accept', 'Cookie', 'Authorization', 'X-Requested-With', 'Content-Type', 'Sec-WebSocket-Key']) {
  test(`${name} of a client is passed on`, () => assert.equal(isDroppedName(name), false));
}
