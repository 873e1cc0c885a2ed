import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openedPath, unixTarget, unixTargetFault } from './unix-target.ts';

for (const [url, expected] of [
  ['unix:/run/http.sock', { socket: '/run/http.sock', base: '' }],
  ['unix:/run/http.sock:/', { socket: '/run/http.sock', base: '' }],
  ['unix:/run/http.sock:/base/', { socket: '/run/http.sock', base: '/base' }],
  ['unix:/run/my app.sock:/a/b', { socket: '/run/my app.sock', base: '/a/b' }],
  ['unix:/x:/a:b', { socket: '/x', base: '/a:b' }],
  ['http://unix/run', undefined],
] as const) {
  test(`${url} is taken apart`, () => assert.deepEqual(unixTarget(url), expected));
}

const LONGEST = `/run/${'s'.repeat(102)}`;

for (const url of [
  'unix:/run/http.sock',
  'unix:/run/http.sock:/',
  'unix:/run/http.sock:/base',
  'unix:/run/http.sock:/a%20b/c/',
  `unix:${LONGEST}`,
  `unix:${LONGEST}:/${'b'.repeat(200)}`,
  'unix:/run/…/x.sock',
]) {
  test(`${url} is fine`, () => assert.equal(unixTargetFault(url), undefined));
}

for (const url of [
  'unix:',
  'unix:/',
  'unix:http.sock',
  'unix://run/http.sock',
  'unix:///run/http.sock',
  'unix:/run/http.sock/',
  'unix:/run//http.sock',
  'unix:/run/./http.sock',
  'unix:/run/../http.sock',
  'unix:/run/..',
  'unix:/run/a\nb',
  'unix:/run/a\0b',
  'unix:@abstract',
  'unix::/base',
]) {
  test(`${JSON.stringify(url)} names no socket`, () =>
    assert.match(unixTargetFault(url) ?? '', /^expected the absolute path of a socket/));
}

test('a path is measured in bytes', () => {
  assert.match(unixTargetFault(`unix:${LONGEST}s`) ?? '', /at most 107 bytes \(it has 108\)/);
  assert.match(unixTargetFault(`unix:/run/${'é'.repeat(52)}`) ?? '', /at most 107 bytes \(it has 109\)/);
});

for (const base of [
  '',
  'base',
  '//base',
  '/a//b',
  '/a/../b',
  '/a/.',
  '/a/%2e%2e/b',
  '/a b',
  '/a\r\nX: y',
  '/a?b',
  '/a#b',
  '/a\\b',
  '/é',
]) {
  test(`the base ${JSON.stringify(base)} is refused`, () =>
    assert.match(unixTargetFault(`unix:/run/http.sock:${base}`) ?? '', /^expected a plain path behind the second ":"/));
}

test('an entry of [proxy] allow names a socket or a folder, with a slash at the end or without', () => {
  assert.deepEqual(['unix:/run/x/', 'unix:/run/x', 'unix:/', '/run/x', 'unix:x'].map(openedPath), [
    '/run/x',
    '/run/x',
    '/',
    undefined,
    undefined,
  ]);
});
