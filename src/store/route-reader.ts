import Database from 'better-sqlite3';
import type { AppId, EnvName } from '../model/ids.ts';
import type { RouteRow, Vacancy } from '../model/routing.ts';

/** Reads the route table beside the writer, on a connection of its own that can change nothing. */
export interface RouteReader {
  /** The rows that are newer than the generation, oldest first, tombstones included. Throws while the store is not there yet. */
  readSince(generation: number): RouteRow[];
  close(): void;
}

interface StoredRow {
  readonly host: string;
  readonly path: string;
  readonly generation: number;
  readonly env: EnvName;
  readonly app: AppId;
  readonly serve: string | null;
  readonly vacancy: string | null;
}

const NEWER =
  'SELECT host, path, generation, env, app, serve, vacancy FROM routes WHERE generation > ? ORDER BY generation';
// A gateway may be newer than the store, until the controller of its version has brought that up to date.
const NEWER_BEFORE_VACANCIES = NEWER.replace('vacancy', 'NULL AS vacancy');
const HAS_VACANCIES = "SELECT 1 FROM pragma_table_info('routes') WHERE name = 'vacancy'";

/**
 * A reader for the store at this path. It opens the store when it is first asked and again after any failure, so that it may
 * be made before the store is.
 */
export function openRouteReader(dbPath: string): RouteReader {
  let open: OpenStore | undefined;
  const close = () => {
    open?.database.close();
    open = undefined;
  };
  return {
    readSince: (generation) => {
      open ??= connect(dbPath);
      try {
        const rows = open.newer.all(generation).map(parseRow);
        if (!open.isCurrent) close();
        return rows;
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}

interface OpenStore {
  readonly database: Database.Database;
  readonly newer: Database.Statement<[number], StoredRow>;
  /** Whether its tables are those of this version. */
  readonly isCurrent: boolean;
}

function connect(dbPath: string): OpenStore {
  const database = new Database(dbPath, { readonly: true, fileMustExist: true, timeout: 1_000 });
  try {
    const isCurrent = database.prepare(HAS_VACANCIES).get() !== undefined;
    const newer = database.prepare<[number], StoredRow>(isCurrent ? NEWER : NEWER_BEFORE_VACANCIES);
    return { database, newer, isCurrent };
  } catch (error) {
    database.close();
    throw error;
  }
}

function parseRow(row: StoredRow): RouteRow {
  return { ...row, serve: parse<RouteRow['serve']>(row.serve), vacancy: parse<Vacancy>(row.vacancy) };
}

function parse<T>(json: string | null): T | null {
  return json === null ? null : (JSON.parse(json) as T);
}
