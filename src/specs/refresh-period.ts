import type { AppDeclaration } from '../model/app.ts';
import { sha256Hex } from '../model/canonical.ts';

const DAY_MS = 86_400_000;
const WEEK_MS = 7 * DAY_MS;

/**
 * The week (ISO 8601, UTC) that an app's artifact is made for at an instant, as `2026-W48`; null: its artifact is for ever. The week of
 * each app begins at an hour of its own on Monday, so that not all are built at once.
 */
export function refreshPeriod({ id, refresh }: Pick<AppDeclaration, 'id' | 'refresh'>, at: number): string | null {
  if (refresh === undefined) return null;
  const share = Number.parseInt(sha256Hex(id).slice(0, 8), 16) / 0x1_0000_0000;
  return isoWeek(at - Math.floor(share * DAY_MS));
}

/** The week of an instant: that of its Thursday, counted within the year that this Thursday is in. */
function isoWeek(at: number): string {
  const day = new Date(at).getUTCDay() || 7;
  const thursday = new Date(at + (4 - day) * DAY_MS);
  const newYear = Date.UTC(thursday.getUTCFullYear(), 0, 1);
  const week = 1 + Math.floor((thursday.getTime() - newYear) / WEEK_MS);
  return `${thursday.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
}
