import type { CompiledQuery } from 'kysely';
import type { AuditEntry, AuditEvent } from '../model/audit.ts';
import { canonicalJson } from '../model/canonical.ts';
import { type Clock, isoTime } from '../model/clock.ts';
import type { InstallationId } from '../model/ids.ts';
import type { Change } from './changes.ts';
import { type Connection, type Outlives, type Query, sql } from './database.ts';
import { Recorded, type RecordedView } from './recorded.ts';
import { type Columns, TABLES, type Table, type TableName } from './tables.ts';

/** Gives an event its place behind the newest one; `src/audit/chain.ts` has the real one. */
export type Chain = (head: { readonly id: number; readonly hash: string }, entry: AuditEntry, at: string) => AuditEvent;

/** What a store is made of. */
export interface StoreDeps {
  readonly connection: Connection;
  readonly clock: Clock;
  readonly chain: Chain;
  /** Adds what follows from the changes that were decided on; absent: nothing does. */
  readonly complete?: Complete;
}

/** Decides on changes from what is recorded at that instant. `generation` gives out the next one. Pure; an empty list writes nothing. */
export type Decide = (recorded: RecordedView, generation: () => number) => readonly Change[];

/** All changes of a transaction, from those that were decided on: with what follows from them by itself. Pure. */
export type Complete = (
  changes: readonly Change[],
  recorded: RecordedView,
  generation: () => number,
) => readonly Change[];

/**
 * The one way to write what is recorded. A decision is made from the state it changes, written with its audit events in one
 * transaction, and only then taken over in memory: a failed write leaves both as they were.
 */
export class Store {
  readonly #deps: StoreDeps;
  readonly #recorded: Recorded;
  #head: { readonly id: number; readonly hash: string };
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();

  constructor(deps: StoreDeps) {
    this.#deps = deps;
    this.#recorded = loadRecorded(deps.connection);
    this.#head = readHead(deps.connection);
  }

  /** What is recorded now. Rows are never changed in place, so a row that was read stays as it was. */
  get recorded(): RecordedView {
    return this.#recorded;
  }

  /** The newest audit event's number and hash. */
  get head(): { readonly id: number; readonly hash: string } {
    return this.#head;
  }

  /** Calls back after each transaction with what it changed. Call the result to end it. */
  onChange(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Decides, writes and takes over, as one transaction. Throws a `MainspringError` (`store-…`) and changes nothing if it can't be written. What
   * need not outlive a loss of power, as nothing that follows from it does, does not wait for the disk.
   */
  transact(decide: Decide, outlives: Outlives = 'power'): readonly Change[] {
    let generation = this.#recorded.generation;
    const nextGeneration = () => {
      generation += 1;
      return generation;
    };
    const decided = decide(this.#recorded, nextGeneration);
    if (decided.length === 0) return decided;
    const changes = this.#deps.complete?.(decided, this.#recorded, nextGeneration) ?? decided;
    let head = this.#head;
    const at = isoTime(this.#deps.clock.now());
    const queries: Query[] = changes.map((change) => {
      if (!('audit' in change)) return queryOf(change);
      const event = this.#deps.chain(head, change.audit, at);
      head = { id: event.id, hash: event.hash };
      return insertEvent(event);
    });
    if (generation > this.#recorded.generation) queries.push(writeMeta('generation', String(generation)));
    // Of the log nothing is ever lost.
    const lasting = changes.some((change) => 'audit' in change) ? 'power' : outlives;
    this.#deps.connection.write(queries, lasting);
    for (const change of changes) this.#recorded.apply(change);
    this.#recorded.generation = generation;
    this.#head = head;
    for (const listener of this.#listeners) listener(changes);
    return changes;
  }

  /** A value kept beside the tables. */
  meta(key: string): string | null {
    return readMeta(this.#deps.connection, key);
  }

  /** Keeps a value beside the tables. */
  setMeta(key: string, value: string): void {
    this.#deps.connection.write([writeMeta(key, value)]);
  }

  close(): void {
    this.#deps.connection.close();
  }
}

/** Reads everything that is recorded. */
export function loadRecorded(connection: Connection): Recorded {
  const recorded = new Recorded();
  for (const name of Object.keys(TABLES) as TableName[]) {
    const table = TABLES[name] as Table<unknown>;
    for (const columns of connection.each<Columns>(sql.selectFrom(table.name).selectAll())) {
      recorded.apply({ put: name, row: table.fromColumns(columns) } as Change);
    }
  }
  recorded.generation = Math.max(recorded.generation, Number(readMeta(connection, 'generation') ?? 0));
  return recorded;
}

/** A value kept beside the tables; null if there is none. */
export function readMeta(connection: Connection, key: string): string | null {
  const rows = connection.all<{ value: string }>(sql.selectFrom('meta').select('value').where('key', '=', key));
  return rows[0]?.value ?? null;
}

/** The id of the installation, written by `init`. */
export function installationId(connection: Connection): InstallationId {
  return (readMeta(connection, 'installation') ?? '') as InstallationId;
}

/** A query that keeps a value beside the tables. */
export function writeMeta(key: string, value: string): Query {
  return sql
    .insertInto('meta')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }));
}

/** Number and hash of the newest audit event. */
export function readHead(connection: Connection): { id: number; hash: string } {
  const rows = connection.all<{ id: number; hash: string }>(
    sql.selectFrom('audit').select(['id', 'hash']).orderBy('id', 'desc').limit(1),
  );
  return rows[0] ?? { id: 0, hash: '0'.repeat(64) };
}

function queryOf(change: Exclude<Change, { audit: unknown }>): Query {
  const name = 'put' in change ? change.put : change.drop;
  const table = TABLES[name] as Table<unknown>;
  const columns = table.toColumns(change.row);
  if ('put' in change) return upsert(table, columns);
  return table.key.reduce((query, column) => query.where(column, '=', columns[column]), sql.deleteFrom(table.name));
}

/** The text of each table's upsert. Building it costs more than running it, and a large pass runs thousands. */
const upserts = new Map<string, CompiledQuery>();

function upsert(table: Table<unknown>, columns: Columns): Query {
  const compiled = upserts.get(table.name) ?? compileUpsert(table, columns);
  upserts.set(table.name, compiled);
  return { compile: () => ({ ...compiled, parameters: Object.values(columns) }) };
}

/** A row's columns always come in the same order: that of its table. */
function compileUpsert(table: Table<unknown>, columns: Columns): CompiledQuery {
  const rest = Object.keys(columns).filter((column) => !table.key.includes(column));
  return sql
    .insertInto(table.name)
    .values(columns)
    .onConflict((conflict) =>
      conflict
        .columns([...table.key])
        .doUpdateSet((row) => Object.fromEntries(rest.map((column) => [column, row.ref(`excluded.${column}`)]))),
    )
    .compile();
}

let auditInsert: CompiledQuery | null = null;

function insertEvent({ id, at, kind, env, app, cause, detail, prev, hash }: AuditEvent): Query {
  const columns = { id, at, kind, env, app, cause: canonicalJson(cause), detail: canonicalJson(detail), prev, hash };
  auditInsert ??= sql.insertInto('audit').values(columns).compile();
  const compiled = { ...auditInsert, parameters: Object.values(columns) };
  return { compile: () => compiled };
}
