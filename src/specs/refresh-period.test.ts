import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppId } from '../model/ids.ts';
import { refreshPeriod } from './refresh-period.ts';

const HOUR_MS = 3_600_000;
const weekly = (id: string) => ({ id: id as AppId, refresh: 'weekly' as const });

test('an app that is not refreshed has one artifact for ever', () => {
  assert.equal(refreshPeriod({ id: '/a' as AppId }, Date.now()), null);
});

for (const [date, week] of [
  ['2026-11-24', '2026-W48'],
  ['2025-12-30', '2026-W01'],
  ['2027-01-03', '2026-W53'],
  ['2024-01-02', '2024-W01'],
] as const) {
  test(`${date} is in ${week}`, () => assert.equal(refreshPeriod(weekly('/a'), Date.parse(date)), week));
}

test('the week of an app begins within Monday, and not all begin at once', () => {
  const monday = Date.UTC(2026, 10, 23);
  const begins = ['/a', '/b', '/c', '/d', '/e', '/f'].map((id) => {
    assert.equal(refreshPeriod(weekly(id), monday - 1), '2026-W47');
    assert.equal(refreshPeriod(weekly(id), monday + 24 * HOUR_MS), '2026-W48');
    return Array.from({ length: 24 }, (_, hour) => refreshPeriod(weekly(id), monday + hour * HOUR_MS)).indexOf(
      '2026-W48',
    );
  });
  assert.ok(new Set(begins).size > 2);
});
