import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALLOW_NOTHING,
  allowEntryFault,
  isAllowedAddress,
  isAllowedName,
  isAllowedSocket,
  judgeTarget,
  parseAllow,
} from './proxy-target.ts';

const REFUSED = [
  '127.0.0.1',
  '127.255.0.3',
  '10.1.2.3',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '198.18.0.1',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:a00:1',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'ff02::1',
  'fec0::1',
  '64:ff9b::7f00:1',
  '64:ff9b::10.0.0.1',
  '2002:7f00:1::',
  '2001::1',
  '2001:db8::1',
  '::127.0.0.1',
  '[::1]',
  'not an address',
  '1.2.3',
  '01.2.3.4',
  '1:2:3',
  '::1::',
];
for (const ip of REFUSED) {
  test(`${ip} is refused unless the settings allow it`, () =>
    assert.equal(isAllowedAddress(ip, 80, ALLOW_NOTHING), false));
}

for (const ip of [
  '1.1.1.1',
  '172.32.0.1',
  '100.128.0.1',
  '2606:4700::1111',
  '::ffff:1.1.1.1',
  '64:ff9b::1.1.1.1',
  '[2606:4700::1]',
]) {
  test(`${ip} is a public address`, () => assert.equal(isAllowedAddress(ip, 443, ALLOW_NOTHING), true));
}

for (const [entry, ip, port, expected] of [
  ['10.0.0.0/8', '10.9.9.9', 80, true],
  ['10.0.0.0/8', '192.168.0.1', 80, false],
  ['10.1.0.0/15', '10.0.255.255', 80, true],
  ['10.2.0.0/15', '10.1.0.0', 80, false],
  ['127.0.0.1', '127.0.0.1', 9000, true],
  ['127.0.0.1:9000', '127.0.0.1', 9000, true],
  ['127.0.0.1:9000', '127.0.0.1', 9001, false],
  ['127.0.0.1:9000', '::ffff:127.0.0.1', 9000, true],
  ['[::1]:9000', '::1', 9000, true],
  ['fd00::/8', 'fd12::1', 80, true],
  ['fd00::/8', 'fe80::1', 80, false],
  ['::/0', '127.0.0.1', 80, false],
] as const) {
  test(`allow "${entry}": ${ip} port ${port} is ${expected ? 'fine' : 'refused'}`, () =>
    assert.equal(isAllowedAddress(ip, port, parseAllow([entry])), expected));
}

test('a name opens its host, with its port when it has one, and no address', () => {
  const allow = parseAllow(['Wiki.internal', 'db.internal:8080']);
  assert.equal(isAllowedName('WIKI.internal.', 80, allow), true);
  assert.equal(isAllowedName('db.internal', 8080, allow), true);
  assert.equal(isAllowedName('db.internal', 80, allow), false);
  assert.equal(isAllowedName('x.wiki.internal', 80, allow), false);
  assert.equal(isAllowedAddress('10.0.0.1', 80, allow), false);
});

for (const [entry, path, expected] of [
  ['unix:/run/grafana/', '/run/grafana/http.sock', true],
  ['unix:/run/grafana', '/run/grafana/http.sock', true],
  ['unix:/run/grafana/http.sock', '/run/grafana/http.sock', true],
  ['unix:/run/grafana/http.sock', '/run/grafana/http.sock2', false],
  ['unix:/run/graf', '/run/grafana/http.sock', false],
  ['unix:/run/grafana/', '/run/grafana2/http.sock', false],
  ['unix:/run/grafana/', '/run/http.sock', false],
  ['unix:/', '/run/http.sock', true],
  ['unix:/', '/srv/data/run/control.sock', false],
  ['unix:/srv/data/run/control.sock', '/srv/data/run/control.sock', false],
  ['unix:/srv/data/', '/srv/data/run/gateways/1.sock', false],
  ['unix:/srv/data/', '/srv/data/running/http.sock', true],
  ['run', '/run', false],
] as const) {
  test(`allow "${entry}": the socket ${path} is ${expected ? 'fine' : 'refused'}`, () =>
    assert.equal(isAllowedSocket(path, parseAllow([entry], ['/srv/data/run'])), expected));
}

test('an entry for sockets opens no address and no name', () => {
  assert.deepEqual(parseAllow(['unix:/run/']), { ...ALLOW_NOTHING, sockets: ['/run'] });
});

const NO_ENTRIES = ['10.0.0.0/33', '10.0.0/8', 'a b', '', 'host:0', 'host:70000', '1.2.3.4.5', 'http://x', '1:2:3'];
const NO_SOCKETS = ['unix:', 'unix:run', 'unix://run', 'unix:/run//x', 'unix:/run/./x', 'unix:/run/..', 'unix:/run:/x'];
for (const entry of [...NO_ENTRIES, ...NO_SOCKETS]) {
  test(`"${entry}" is a fault in the settings and opens nothing`, () => {
    assert.match(allowEntryFault(entry) ?? '', /^expected/);
    assert.deepEqual(parseAllow([entry]), ALLOW_NOTHING);
  });
}

for (const [url, expected] of [
  ['https://docs.example.com', undefined],
  ['http://docs.example.com:8080/base/', undefined],
  ['http://1.1.1.1/', undefined],
  ['http://0x7f.1/', /public address/],
  ['http://[::ffff:127.0.0.1]/', /public address/],
  ['http://169.254.169.254/latest/meta-data', /public address/],
  ['ftp://docs.example.com', /http/],
  ['docs.example.com', /absolute URL/],
  ['http://user:pw@docs.example.com', /user name/],
  ['http://docs.example.com/?a=b', /"\?"/],
  ['unix:/run/http.sock', undefined],
  ['unix:http.sock', /absolute path/],
  ['http://unix:/run/http.sock', /without "http:\/\/"/],
] as const) {
  test(`target ${url} is ${expected === undefined ? 'fine' : 'refused'}`, () => {
    const fault = judgeTarget(url, ALLOW_NOTHING);
    if (expected === undefined) assert.equal(fault, undefined);
    else assert.match(fault ?? '', expected);
  });
}

test('a literal target that the settings allow is fine', () => {
  assert.equal(judgeTarget('http://127.0.0.1:9000/x', parseAllow(['127.0.0.1:9000'])), undefined);
});
