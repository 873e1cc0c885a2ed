import type { AuditEvent } from '../model/audit.ts';
import { type Connection, sql } from '../store/database.ts';
import { type AuditVerdict, ChainCheck } from './verify-chain.ts';

/** Which events to read. */
export interface AuditFilter {
  readonly app?: string | null;
  readonly env?: string | null;
  /** ISO 8601; events from then on. */
  readonly since?: string | null;
  /** Events after this number. */
  readonly after?: number | null;
}

interface AuditColumns {
  readonly id: number;
  readonly at: string;
  readonly kind: string;
  readonly env: string | null;
  readonly app: string | null;
  readonly cause: string;
  readonly detail: string;
  readonly prev: string;
  readonly hash: string;
}

/** The events that fit, oldest first, read one by one. */
export function* readAudit(connection: Connection, filter: AuditFilter = {}): Generator<AuditEvent> {
  let query = sql.selectFrom('audit').selectAll().orderBy('id');
  if (filter.app) query = query.where('app', '=', filter.app);
  if (filter.env) query = query.where('env', '=', filter.env);
  if (filter.since) query = query.where('at', '>=', filter.since);
  if (filter.after) query = query.where('id', '>', filter.after);
  for (const row of connection.each<AuditColumns>(query)) yield eventOf(row);
}

function eventOf(row: AuditColumns): AuditEvent {
  return { ...row, cause: lenientJson(row.cause), detail: lenientJson(row.detail) } as AuditEvent;
}

// A row that somebody changed need not hold JSON any more; the chain then says so, which a thrown error would hide.
function lenientJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Checks the whole chain, and that the event `expected` (`ID:HASH`, kept elsewhere) is part of it: a cut tail can't show by
 * itself.
 */
export function verifyAudit(connection: Connection, expected: string | null): AuditVerdict {
  const check = new ChainCheck(expected);
  for (const event of readAudit(connection)) if (!check.next(event)) break;
  return check.verdict();
}
