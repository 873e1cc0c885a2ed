import type { AuditEntry } from '../model/audit.ts';
import type { RowOf, TableName } from './tables.ts';

/** One change of what is recorded. */
export type Change =
  | { [T in TableName]: { readonly put: T; readonly row: RowOf<T> } }[TableName]
  | { [T in TableName]: { readonly drop: T; readonly row: RowOf<T> } }[TableName]
  | { readonly audit: AuditEntry };

/** A change that writes a row, new or not. */
export function put<T extends TableName>(table: T, row: RowOf<T>): Change {
  return { put: table, row } as unknown as Change;
}

/** A change that takes a row away. */
export function drop<T extends TableName>(table: T, row: RowOf<T>): Change {
  return { drop: table, row } as unknown as Change;
}

/** A change that adds an event to the log. */
export function audit(entry: AuditEntry): Change {
  return { audit: entry };
}
