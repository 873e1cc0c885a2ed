import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHost, parsePath, parseTarget } from './request-target.ts';

for (const [path, sent, decoded, deepest] of [
  ['/a/b', '/a/b', '/a/b', '/a/b'],
  ['/', '/', '/', '/'],
  ['//a', '//a', '//a', '//a'],
  ['/a/../b', '/b', '/b', '/b'],
  ['/a/%2e%2E/b', '/b', '/b', '/b'],
  ['/..', '/', '/', '/'],
  ['/a/.', '/a/', '/a/', '/a/'],
  ['/.well-known/x', '/.well-known/x', '/.well-known/x', '/.well-known/x'],
  ['/%74ools/x', '/%74ools/x', '/tools/x', '/tools/x'],
  ['/tools%2fsales', '/tools%2fsales', '/tools%2Fsales', '/tools/sales'],
  ['/a/b%2f..%2f..%2fc', '/a/b%2f..%2f..%2fc', '/a/b%2F..%2F..%2Fc', '/c'],
  ['/a/..%5cc', '/a/..%5cc', '/a/..\\c', '/c'],
  ['/a/%ff%2f..%2fb', '/a/%ff%2f..%2fb', '/a/\u00ff%2F..%2Fb', '/a/b'],
] as const) {
  test(`path ${path} decides as ${decoded} and is passed on as ${sent}`, () =>
    assert.deepEqual(parsePath(path), { sent, decoded, deepest }));
}

for (const path of ['/%', '/..%2f..%2fb', '/a/..%5c..%5cb', '/%2', '/%zz', '/a%00b', '/a%0d%0ab', '/%7f']) {
  test(`path ${path} is malformed`, () => assert.equal(parsePath(path), undefined));
}

for (const [host, expected] of [
  ['Apps.Example.com', 'apps.example.com'],
  ['apps.example.com:8080', 'apps.example.com'],
  ['apps.example.com.', 'apps.example.com'],
  ['[::1]:80', '[::1]'],
  ['a_b', 'a_b'],
  ['', undefined],
  ['.', undefined],
  ['a b', undefined],
  ['a/b', undefined],
  ['a@b', undefined],
  ['a:b', undefined],
  ['a:123456', undefined],
  ['\u00e4', undefined],
  ['[a]', undefined],
  ['[1.2.3.4]', undefined],
  ['[::1', undefined],
] as const) {
  test(`Host "${host}" means ${expected ?? 'nothing'}`, () => assert.equal(parseHost(host), expected));
}

test('an absolute request target decides instead of Host', () => {
  const target = parseTarget('http://Other:81/x?y=1', 'apps');
  assert.deepEqual(
    [target?.host, target?.authority, target?.path.sent, target?.query],
    ['other', 'Other:81', '/x', '?y=1'],
  );
});

test('an absolute request target does not excuse a Host that is none', () => {
  assert.equal(parseTarget('http://a/', 'b c'), undefined);
  assert.equal(parseTarget('http://a/', '')?.host, 'a');
});

for (const [url, isHttps] of [
  ['/', false],
  ['http://apps/', false],
  ['HTTPS://apps/', true],
] as const) {
  test(`request target ${url} asks for ${isHttps ? 'an https' : 'no https'} URI`, () =>
    assert.equal(parseTarget(url, 'apps')?.isHttps, isHttps));
}

for (const url of ['*', 'apps:80', '/a#b', 'ftp://apps/', 'http:///x', 'x']) {
  test(`request target ${url} is malformed`, () => assert.equal(parseTarget(url, 'apps'), undefined));
}
