import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgePeer, peerNetwork, trustOf } from './peer.ts';

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
    forwarded: 'for=10.0.0.1;host="apps:80";proto=http',
  });
});

for (const [remote, forwardedFor, expected] of [
  ['10.0.0.1', '1.1.1.1', '1.1.1.1'],
  ['10.0.0.1', '6.6.6.6, 1.1.1.1, 10.0.0.2', '1.1.1.1'],
  ['10.0.0.1', '', '10.0.0.1'],
  ['10.0.0.1', '10.0.0.3', '10.0.0.3'],
  ['10.0.0.1', 'unknown, 1.1.1.1', '1.1.1.1'],
  // Whatever stands before a hop that hides itself may be its invention.
  ['10.0.0.1', '6.6.6.6, _hidden', '10.0.0.1'],
  ['10.0.0.1', '6.6.6.6, unknown, 10.0.0.2', '10.0.0.2'],
  ['10.0.0.1', '1.1.1.1:51234', '1.1.1.1'],
  ['10.0.0.1', '[2606::1]:51234', '2606::1'],
  ['10.0.0.1', '6.6.6.6, fe80::1%eth0', '10.0.0.1'],
  ['10.0.0.1', '::ffff:101:101, ::ffff:10.0.0.3', '1.1.1.1'],
  ['::ffff:a00:1', '1.1.1.1', '1.1.1.1'],
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

for (const [header, expected] of [
  ['for=1.1.1.1;proto=https;host=shop.example', ['1.1.1.1', 'https', 'shop.example']],
  ['For="[2606::1]:4711" ; Proto=HTTPS', ['2606::1', 'https', 'apps:80']],
  ['for=6.6.6.6, for=1.1.1.1, for=10.0.0.2;proto=https', ['1.1.1.1', 'https', 'apps:80']],
  ['for=6.6.6.6, for=_hidden', ['10.0.0.1', 'http', 'apps:80']],
  ['for=6.6.6.6, for=unknown, for=1.1.1.1', ['1.1.1.1', 'http', 'apps:80']],
  ['for="1.1.1.1:80\\"', ['10.0.0.1', 'http', 'apps:80']],
  ['for=1.1.1.1;for=6.6.6.6', ['10.0.0.1', 'http', 'apps:80']],
  ['for=1.1.1.1;proto=https;host="a\\"b"', ['1.1.1.1', 'https', 'apps:80']],
] as const) {
  test(`from a trusted proxy, Forwarded ${header} means ${expected.join(' ')}`, () => {
    const { address, proto, host } = judgePeer(claims('10.0.0.1', { forwarded: header }), TRUST);
    assert.deepEqual([address, proto, host], expected);
  });
}

test('a client without a trusted proxy is told by nothing that it says', () => {
  const peer = judgePeer(claims('8.8.8.8', { forwarded: 'for=1.1.1.1', 'x-forwarded-for': '1.1.1.1' }), TRUST);
  assert.deepEqual([peer.address, peer.forwarded], ['8.8.8.8', 'for=8.8.8.8;host="apps:80";proto=http']);
});

test('where a trusted proxy sends both, X-Forwarded counts, and both are made anew from that', () => {
  const peer = judgePeer(
    claims('10.0.0.1', { forwarded: 'for=6.6.6.6;proto=https', 'x-forwarded-for': '2606::1, 10.0.0.2' }),
    TRUST,
  );
  assert.deepEqual(peer, {
    address: '2606::1',
    forwardedFor: '2606::1, 10.0.0.2, 10.0.0.1',
    proto: 'http',
    host: 'apps:80',
    forwarded: 'for="[2606::1]";host="apps:80";proto=http, for=10.0.0.2, for=10.0.0.1',
  });
});

test('only the last 32 hops of a chain are looked at', () => {
  const chain = Array.from({ length: 500 }, (_, n) => `1.1.${n >> 8}.${n & 255}`).join(', ');
  const peer = judgePeer(claims('10.0.0.1', { 'x-forwarded-for': chain }), TRUST);
  assert.equal(peer.forwardedFor.split(', ').length, 33);
});

for (const [address, network] of [
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['2001:db8:1:2::', '2001:db8:1:2'],
  ['fe80::1%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
] as const) {
  test(`${address} is counted as ${network}`, () => assert.equal(peerNetwork(address), network));
}
