import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basePath, mapLocation, restBelow } from './target-path.ts';

for (const [path, depth, expected] of [
  ['/a/b/c', 2, '/c'],
  ['/a/b', 2, '/'],
  ['/a/b/', 2, '/'],
  ['/a/b//c', 2, '//c'],
  ['/a', 0, '/a'],
  ['/%61/b', 1, '/b'],
] as const) {
  test(`below ${depth} segments of ${path} lies ${expected}`, () => assert.equal(restBelow(path, depth), expected));
}

test('the base path of a URL has no slash at the end', () => {
  assert.equal(basePath(new URL('http://a/docs/')), '/docs');
  assert.equal(basePath(new URL('http://a')), '');
});

const MAP = { upstreamOrigins: ['https://docs.example'], base: '/base', prefix: '/docs' };
for (const [location, expected] of [
  ['https://docs.example/base/x?y#z', '/docs/x?y#z'],
  ['HTTPS://DOCS.example/base', '/docs/'],
  ['https://docs.example.evil/base', 'https://docs.example.evil/base'],
  ['https://docs.example:8443/base', 'https://docs.example:8443/base'],
  ['https://docs.example//evil.example', '/docs//evil.example'],
  ['/base/x', '/docs/x'],
  ['/basement', '/docs/basement'],
  ['?next', '?next'],
] as const) {
  test(`Location ${location} becomes ${expected}`, () => assert.equal(mapLocation(location, MAP), expected));
}

test('a mapped path is never read as another host', () =>
  assert.equal(
    mapLocation('http://up//evil.example', { upstreamOrigins: ['http://up'], base: '', prefix: '' }),
    '/.//evil.example',
  ));
