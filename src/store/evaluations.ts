import { type Connection, type Query, sql } from './database.ts';

/** One kept evaluation: what it is of (`key`), under which loads (`variant`), and an opaque text. */
export interface EvaluationRow {
  readonly key: string;
  readonly variant: string;
  readonly value: string;
}

/** Rows that are kept at most; the ones added first go first. */
const MOST_ROWS = 50_000;
/** Keys asked for in one query. SQLite takes 32,766 parameters. */
const KEYS_PER_QUERY = 5_000;

/** Keeps evaluations over restarts. It is a cache: what can't be written is not kept, and nobody is told. */
export class EvaluationTable {
  readonly #connection: Connection;
  readonly #trim: Query;

  constructor(connection: Connection, { mostRows = MOST_ROWS }: { readonly mostRows?: number } = {}) {
    this.#connection = connection;
    this.#trim = trim(mostRows);
  }

  /** All rows of these keys, in any order. */
  async getMany(keys: readonly string[]): Promise<readonly EvaluationRow[]> {
    const rows: EvaluationRow[] = [];
    for (let from = 0; from < keys.length; from += KEYS_PER_QUERY) {
      const some = keys.slice(from, from + KEYS_PER_QUERY);
      const query = sql.selectFrom('evaluations').select(['key', 'variant', 'value']).where('key', 'in', some);
      rows.push(...this.#connection.all<EvaluationRow>(query));
    }
    return rows;
  }

  /** Adds rows; one with the same key and variant replaces what was there. */
  async putMany(rows: readonly EvaluationRow[]): Promise<void> {
    try {
      this.#connection.write([...rows.map(upsert), this.#trim]);
    } catch {
      // A full disk costs time at the next start, and nothing else.
    }
  }
}

function upsert({ key, variant, value }: EvaluationRow) {
  return sql.replaceInto('evaluations').values({ key, variant, value });
}

// A row that is replaced gets a new rowid, so the lowest ones are the oldest.
function trim(mostRows: number): Query {
  const newest = sql.selectFrom('evaluations').select('rowid').orderBy('rowid', 'desc').limit(1).offset(mostRows);
  return sql.deleteFrom('evaluations').where('rowid', '<=', newest as never);
}
