import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearApps } from './near-apps.ts';

const APPS = ['/tools/sales', '/tools/stock', '/wiki', '/reports', '/hr'];

for (const [asked, expected] of [
  ['/tools/sale', ['/tools/sales']],
  ['/Tools/Sales2/page?x', ['/tools/sales']],
  ['/wikki/page/one', ['/wiki']],
  ['/something/else', []],
  [`/${'x'.repeat(10_000)}`, []],
] as const) {
  test(`near ${asked.slice(0, 30)}: ${expected.join(' ') || 'nothing'}`, () =>
    assert.deepEqual(nearApps(asked, APPS), expected));
}

test('at most three are shown, the nearest first', () => {
  assert.deepEqual(nearApps('/app1', ['/app4', '/app3', '/app12', '/app2', '/app1x']), ['/app12', '/app1x', '/app2']);
});
