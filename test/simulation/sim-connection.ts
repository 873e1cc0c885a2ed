import type Database from 'better-sqlite3';
import { MainspringError } from '../../src/model/errors.ts';
import { Connection, type Query } from '../../src/store/database.ts';

/** What becomes of one write: it is done; the disk has no room; the controller is dead, or dies before it or right after it. */
export type WriteFate = 'done' | 'full' | 'dead' | 'dies-before' | 'dies-after';

/** The database as one life of the controller writes to it. */
export class SimConnection extends Connection {
  fate: () => WriteFate = () => 'done';
  readonly #shared: Connection;

  /** `shared` lives longer: what it prepared once serves all lives. */
  constructor(db: Database.Database, shared: Connection) {
    super(db, ':memory:');
    this.#shared = shared;
  }

  override all<Row>(query: Query): Row[] {
    return this.#shared.all<Row>(query);
  }

  override write(queries: readonly Query[]): void {
    const fate = this.fate();
    if (fate === 'full')
      throw new MainspringError('store-full', 'store: the disk is full', { retry: 'after-interval' });
    if (fate === 'done' || fate === 'dies-after') this.#shared.write(queries);
    if (fate !== 'done') throw new Error('this controller is dead');
  }
}

/** Looks into the database itself, past everything that a controller has in memory. */
export class DiskView {
  readonly #state: Record<'instances' | 'artifacts' | 'retained', Database.Statement<[string], { state: string }>>;

  constructor(db: Database.Database) {
    const of = (table: string, key: string) =>
      db.prepare<[string], { state: string }>(`SELECT state FROM ${table} WHERE ${key} = ?`);
    this.#state = {
      instances: of('instances', 'id'),
      artifacts: of('artifacts', 'key'),
      retained: of('retained', 'data_name'),
    };
  }

  /** The state that is written down for an instance, an artifact or retained data; undefined if there is no row. */
  stateOf(table: 'instances' | 'artifacts' | 'retained', key: string): string | undefined {
    return this.#state[table].get(key)?.state;
  }
}
