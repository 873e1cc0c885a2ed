import type { AuditEvent } from '../model/audit.ts';
import { canonicalJson } from '../model/canonical.ts';
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
  for (const row of readRows(connection, filter))
    yield { ...row, cause: lenientJson(row.cause), detail: lenientJson(row.detail) } as AuditEvent;
}

function readRows(connection: Connection, filter: AuditFilter): Iterable<AuditColumns> {
  let query = sql.selectFrom('audit').selectAll().orderBy('id');
  if (filter.app) query = query.where('app', '=', filter.app);
  if (filter.env) query = query.where('env', '=', filter.env);
  if (filter.since) query = query.where('at', '>=', filter.since);
  if (filter.after) query = query.where('id', '>', filter.after);
  return connection.each<AuditColumns>(query);
}

// A row that somebody changed need not hold JSON any more; the chain then says so, which a thrown error would hide.
function lenientJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

// What means the same but is written otherwise was not written by us: it stays a text, and the hash shows it.
function writtenJson(text: string): unknown {
  const value = lenientJson(text);
  try {
    return canonicalJson(value) === text ? value : text;
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
  for (const row of readRows(connection, {})) {
    const event = { ...row, cause: writtenJson(row.cause), detail: writtenJson(row.detail) } as AuditEvent;
    if (!check.next(event)) break;
  }
  return check.verdict();
}
