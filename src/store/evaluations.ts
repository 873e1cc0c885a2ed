import { type Connection, sql } from './database.ts';

/** Keeps what was evaluated, by entry file, over restarts. Values are opaque texts. */
export class EvaluationTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Everything kept: entry file → value. */
  read(): Map<string, string> {
    const rows = this.#connection.all<{ entry: string; value: string }>(
      sql.selectFrom('evaluations').select(['entry', 'value']),
    );
    return new Map(rows.map((row) => [row.entry, row.value]));
  }

  /** Keeps these and drops those, as one transaction. */
  write(values: ReadonlyMap<string, string>, dropped: readonly string[]): void {
    this.#connection.write([
      ...[...values].map(([entry, value]) =>
        sql
          .insertInto('evaluations')
          .values({ entry, value })
          .onConflict((conflict) => conflict.column('entry').doUpdateSet({ value })),
      ),
      ...dropped.map((entry) => sql.deleteFrom('evaluations').where('entry', '=', entry)),
    ]);
  }
}
