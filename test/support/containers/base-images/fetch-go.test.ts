import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstProxy } from './fetch-go.ts';

for (const [proxies, expected] of [
  [undefined, 'https://proxy.golang.org'],
  ['off', 'https://proxy.golang.org'],
  ['https://go.example.com/mod/,direct', 'https://go.example.com/mod'],
  ['direct|https://a.example.com|https://b.example.com', 'https://a.example.com'],
] as const) {
  test(`of the module proxies "${proxies}" ${expected} is asked for a toolchain`, () => {
    assert.equal(firstProxy(proxies), expected);
  });
}
