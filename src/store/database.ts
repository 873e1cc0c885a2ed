import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { MainspringError } from '../model/errors.ts';
import type { Columns, Schema } from './tables.ts';

/** Builds queries; runs none. What it compiles is run by `Connection`, so that another database needs another connection, not other queries. */
export const sql = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

/** A query that was built. */
export interface Query {
  compile(): CompiledQuery;
}

/** The end of what a transaction outlives: that of this process, or of the machine's power too. */
export type Outlives = 'process' | 'power';

/** An open database. Everything is synchronous: a transaction is over before anything else runs. */
export class Connection {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #statements = new Map<string, Database.Statement>();
  readonly #runAll: (queries: readonly Query[]) => void;

  constructor(db: Database.Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.#runAll = db.transaction((queries: readonly Query[]) => {
      for (const query of queries) {
        const { sql: text, parameters } = query.compile();
        this.#prepare(text).run(...parameters);
      }
    });
  }

  /** All rows of a query. */
  all<Row = Columns>(query: Query): Row[] {
    const { sql: text, parameters } = query.compile();
    return this.#guard(() => this.#prepare(text).all(...parameters) as Row[]);
  }

  /** The rows of a query, one by one. */
  *each<Row = Columns>(query: Query): Generator<Row> {
    const { sql: text, parameters } = query.compile();
    // A statement of its own: a cached one would be busy for as long as this is read.
    const rows = this.#guard(() => this.#db.prepare(text).iterate(...parameters)) as IterableIterator<Row>;
    try {
      for (;;) {
        const next = this.#guard(() => rows.next());
        if (next.done) return;
        yield next.value;
      }
    } finally {
      rows.return?.();
    }
  }

  /**
   * Runs queries as one transaction: all of them or none. It is on the disk when this comes back; with `outlives` `process` it outlives this
   * process at once, and a loss of power only when something else has been written after it
   * (https://sqlite.org/pragma.html#pragma_synchronous, for WAL).
   */
  write(queries: readonly Query[], outlives: Outlives = 'power'): void {
    this.#guard(() => {
      if (outlives === 'process') this.#db.pragma('synchronous = NORMAL');
      try {
        this.#runAll(queries);
      } finally {
        if (outlives === 'process') this.#db.pragma('synchronous = FULL');
      }
    });
  }

  #prepare(text: string): Database.Statement {
    const known = this.#statements.get(text);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }

  #guard<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  close(): void {
    this.#db.close();
  }
}

const UNWRITABLE: ReadonlySet<string> = new Set(['SQLITE_PERM', 'EROFS', 'EACCES', 'EPERM']);

/** The code of an error of SQLite or of the file system; null for any other. */
function codeOf(error: unknown): string | null {
  if (error instanceof Database.SqliteError) return error.code;
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : null;
}

/** Says what SQLite ran into as one of our codes; anything but an SQLite error stays what it is. */
export function storeError(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (code === null || !(error instanceof Error)) return error;
  const at = `store "${path}"`;
  if (code === 'SQLITE_FULL' || code === 'ENOSPC' || code === 'EDQUOT') {
    return new MainspringError('store-full', `${at}: the disk is full`, {
      cause: error,
      retry: 'after-interval',
      hint: 'Free some space; Mainspring goes on by itself. What is live is served meanwhile.',
    });
  }
  if (UNWRITABLE.has(code) || /^SQLITE_(READONLY|CANTOPEN)/.test(code)) {
    return new MainspringError('store-read-only', `${at}: can't be written (${error.message})`, {
      cause: error,
      retry: 'after-interval',
      hint: 'Check that the data folder belongs to the user that runs Mainspring and is not mounted read-only.',
    });
  }
  if (code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') {
    return new MainspringError('store-corrupt', `${at}: is damaged (${error.message})`, {
      cause: error,
      hint: 'Put back a backup of the data folder, or move it away and start anew: everything but the audit log is made again from git.',
    });
  }
  return new MainspringError('store-failed', `${at}: ${error.message} (${code})`, {
    cause: error,
    retry: 'after-interval',
  });
}

/** Opens the database for writing, checks that it is whole, and brings its tables up to date. */
export function openDatabase(path: string): Connection {
  try {
    keepPrivate(path);
    const db = new Database(path);
    try {
      prepareDatabase(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
    return new Connection(db, path);
  } catch (error) {
    throw storeError(error, path);
  }
}

/** Nobody but the owner reads what is recorded. SQLite gives its other files the mode of the first. */
function keepPrivate(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

/** Sets a database up for writing: durable, checked, and with the tables of this version. */
export function prepareDatabase(db: Database.Database, path: string): void {
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma('busy_timeout = 5000');
  checkWhole(db, path);
  migrate(db, path);
}

/** Opens the database to read it while another process writes. */
export function openDatabaseToRead(path: string): Connection {
  try {
    const db = new Database(path, { readonly: true, fileMustExist: true });
    try {
      db.pragma('busy_timeout = 5000');
      const version = db.pragma('user_version', { simple: true }) as number;
      if (version > newestVersion()) throw newer(path, version);
    } catch (error) {
      db.close();
      throw error;
    }
    return new Connection(db, path);
  } catch (error) {
    throw storeError(error, path);
  }
}

function checkWhole(db: Database.Database, path: string): void {
  const result = db.pragma('quick_check(1)', { simple: true }) as string;
  if (result !== 'ok') {
    throw new MainspringError('store-corrupt', `store "${path}": is damaged (${result})`, {
      hint: 'Put back a backup of the data folder, or move it away and start anew: everything but the audit log is made again from git.',
    });
  }
}

interface Migration {
  readonly version: number;
  readonly text: string;
}

function migrations(): Migration[] {
  const folder = new URL('./migrations/', import.meta.url);
  return readdirSync(folder)
    .filter((name) => /^\d{4}-.*\.sql$/.test(name))
    .sort()
    .map((name) => ({ version: Number(name.slice(0, 4)), text: readFileSync(new URL(name, folder), 'utf8') }));
}

function newestVersion(): number {
  return migrations().at(-1)?.version ?? 0;
}

function migrate(db: Database.Database, path: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  const known = migrations();
  if (version > (known.at(-1)?.version ?? 0)) throw newer(path, version);
  for (const migration of known.filter((candidate) => candidate.version > version)) {
    db.transaction(() => {
      db.exec(migration.text);
      db.pragma(`user_version = ${migration.version}`);
    })();
  }
}

function newer(path: string, version: number): MainspringError {
  return new MainspringError(
    'store-newer',
    `store "${path}": was written by a newer version (schema ${version}, this one knows ${newestVersion()})`,
    {
      hint: 'Start the newer version again, or put back the backup that was made before the upgrade.',
    },
  );
}
