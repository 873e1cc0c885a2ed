import type { AuditEvent } from '../model/audit.ts';
import { type Connection, sql } from '../store/database.ts';
import { type ChainHead, chainFault, formatHead, GENESIS, parseHead } from './chain.ts';

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

/** What checking the chain found. */
export interface AuditVerdict {
  readonly ok: boolean;
  /** Number of events that were read. */
  readonly lines: number;
  /** What is wrong with the first bad event, or that all is well. */
  readonly message: string;
  readonly head: string;
}

/**
 * Checks the whole chain, and that the event `expected` (`ID:HASH`, kept elsewhere) is part of it: a cut tail can't show by
 * itself.
 */
export function verifyAudit(connection: Connection, expected: string | null): AuditVerdict {
  const wanted = expected === null ? null : parseHead(expected);
  let head: ChainHead = GENESIS;
  let met = wanted === null || wanted?.id === 0;
  for (const event of readAudit(connection)) {
    const fault = chainFault(head, event);
    if (fault !== null) return { ok: false, lines: head.id, message: fault, head: formatHead(head) };
    head = { id: event.id, hash: event.hash };
    if (wanted && wanted.id === head.id && wanted.hash === head.hash) met = true;
  }
  const verdict = { lines: head.id, head: formatHead(head) };
  if (wanted === undefined)
    return { ok: false, ...verdict, message: `"${expected}" is not a head: expected ID:HASH as "status" shows it` };
  if (!met && wanted !== null) return { ok: false, ...verdict, message: missingHead(wanted, head) };
  return { ok: true, ...verdict, message: `${head.id} events, an unbroken chain` };
}

function missingHead(wanted: ChainHead, head: ChainHead): string {
  return wanted.id > head.id
    ? `the log ends at event ${head.id}, but event ${wanted.id} was known: events ${head.id + 1} to ${wanted.id} were cut off`
    : `event ${wanted.id} is not the one that was known: the log was written again from there or before`;
}
