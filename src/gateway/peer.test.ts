import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgePeer, trustOf } from './peer.ts';

const claims = (remoteAddress: string, headers: Record<string, string> = {}) => ({
  remoteAddress,
  authority: 'apps:80',
  headers,
});
const TRUST = trustOf(['10.0.0.0/8', 'fd00::/8', '192.168.1.1', 'nonsense']);

test('nobody is believed without trusted proxies', () => {
  const peer = judgePeer(
    claims('10.0.0.1', { 'x-forwarded-for': '1.1.1.1', 'x-forwarded-proto': 'https' }),
    trustOf([]),
  );
  assert.deepEqual(peer, {
    address: '10.0.0.1',
    forwardedFor: '10.0.0.1',
    proto: 'http',
    host: 'apps:80',
    forwarded: '',
  });
});

for (const [remote, forwardedFor, expected] of [
  ['10.0.0.1', '1.1.1.1', '1.1.1.1'],
  ['10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', '1.1.1.1'],
  ['10.0.0.1', '', '10.0.0.1'],
  ['10.0.0.1', '10.0.0.3', '10.0.0.3'],
  ['10.0.0.1', 'unknown, 1.1.1.1, _hidden', '1.1.1.1'],
  ['::ffff:10.0.0.1', '1.1.1.1', '1.1.1.1'],
  ['fd00::1', '2606::1', '2606::1'],
  ['8.8.8.8', '1.1.1.1', '8.8.8.8'],
] as const) {
  test(`from ${remote}, X-Forwarded-For "${forwardedFor}" means ${expected}`, () =>
    assert.equal(judgePeer(claims(remote, { 'x-forwarded-for': forwardedFor }), TRUST).address, expected));
}

test('a host that is none is not taken from a trusted proxy', () => {
  const peer = judgePeer(claims('10.0.0.1', { 'x-forwarded-host': 'a"b', 'x-forwarded-proto': 'ftp' }), TRUST);
  assert.deepEqual([peer.host, peer.proto], ['apps:80', 'http']);
});
