import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapCookie } from './map-cookie.ts';
import { mapRefresh } from './target-path.ts';

const STRIPPED = { upstreamOrigins: ['http://127.0.0.1:1'], base: '', prefix: '/tools/sales' };
const FOREIGN = {
  upstreamOrigins: ['https://docs.other.example'],
  base: '/v2',
  prefix: '/docs',
  hosts: { upstream: 'docs.other.example', client: 'apps.example.com' },
};

for (const [name, map, value, expected] of [
  ['the root becomes the prefix', STRIPPED, 'a=1; Path=/', 'a=1; Path=/tools/sales'],
  ['a path gets the prefix', STRIPPED, 'a=1; path = /x; Secure', 'a=1; path =/tools/sales/x; Secure'],
  ['an app that knows its path is not told twice', STRIPPED, 'a=1; Path=/tools/sales/', 'a=1; Path=/tools/sales/'],
  [
    'a path that only begins alike is another',
    STRIPPED,
    'a=1; Path=/tools/sales2',
    'a=1; Path=/tools/sales/tools/sales2',
  ],
  ['no path means the folder of the request', STRIPPED, 'a=1; HttpOnly', 'a=1; HttpOnly'],
  ['an odd path means that too', STRIPPED, 'a=1; Path=x', 'a=1; Path=x'],
  ['a __Host- cookie has no other path', STRIPPED, '__Host-a=1; Path=/; Secure', '__Host-a=1; Path=/; Secure'],
  ['a value that looks like one is none', STRIPPED, 'path=/; Path=/', 'path=/; Path=/tools/sales'],
  ['without a prefix all stays', { ...STRIPPED, prefix: '' }, 'a=1; Path=/x', 'a=1; Path=/x'],
  ['the path of the target is the root here', FOREIGN, 'a=1; Path=/v2/x', 'a=1; Path=/docs/x'],
  ['the domain of the target goes', FOREIGN, 'a=1; Domain=.other.example; Path=/v2', 'a=1; Path=/docs'],
  ['a domain of ours stays', FOREIGN, 'a=1; Domain=example.com', 'a=1; Domain=example.com'],
] as const) {
  test(`cookies: ${name}`, () => assert.equal(mapCookie(value, map), expected));
}

for (const [value, expected] of [
  ['5', '5'],
  ['0; url=/x', '0; url=/tools/sales/x'],
  ['1.5;URL="/x?y"', '1.5;URL="/tools/sales/x?y"'],
  ["3, url='http://127.0.0.1:1/z'", "3, url='/tools/sales/z'"],
  ['0; /x', '0; /tools/sales/x'],
  ['0; url=https://elsewhere.example/', '0; url=https://elsewhere.example/'],
  ['nonsense', 'nonsense'],
] as const) {
  test(`Refresh: ${value} becomes ${expected}`, () => assert.equal(mapRefresh(value, STRIPPED), expected));
}
