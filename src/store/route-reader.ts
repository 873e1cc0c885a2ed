import Database from 'better-sqlite3';
import type { AppId, EnvName } from '../model/ids.ts';
import type { RouteRow } from '../model/routing.ts';

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
}

const NEWER = 'SELECT host, path, generation, env, app, serve FROM routes WHERE generation > ? ORDER BY generation';

/**
 * A reader for the store at this path. It opens the store when it is first asked and again after any failure, so that it may
 * be made before the store is.
 */
export function openRouteReader(dbPath: string): RouteReader {
  let open:
    | { readonly database: Database.Database; readonly newer: Database.Statement<[number], StoredRow> }
    | undefined;
  const close = () => {
    open?.database.close();
    open = undefined;
  };
  const connect = () => {
    const database = new Database(dbPath, { readonly: true, fileMustExist: true, timeout: 1_000 });
    try {
      return { database, newer: database.prepare<[number], StoredRow>(NEWER) };
    } catch (error) {
      database.close();
      throw error;
    }
  };
  return {
    readSince: (generation) => {
      open ??= connect();
      try {
        return open.newer.all(generation).map(parseRow);
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}

function parseRow(row: StoredRow): RouteRow {
  return { ...row, serve: row.serve === null ? null : (JSON.parse(row.serve) as RouteRow['serve']) };
}
