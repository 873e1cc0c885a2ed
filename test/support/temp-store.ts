import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainEvent } from '../../src/audit/chain.ts';
import { type Connection, openDatabase } from '../../src/store/database.ts';
import { Store } from '../../src/store/store.ts';
import { AT } from './recorded.ts';

/** A folder for a store, removed at the end of the test, and ways to open it. */
export interface TempStore {
  readonly folder: string;
  readonly path: string;
  /** Opens the store; it is closed at the end of the test, if not before. */
  open(): Store;
  /** Opens just the database. */
  connect(): Connection;
}

/** A store on disk, in a folder of its own. */
export function tempStore(t: { after(fn: () => void): void }): TempStore {
  const folder = mkdtempSync(join(tmpdir(), 'mainspring-store-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return storeIn(t, folder);
}

/** A store in a folder that is there. */
export function storeIn(t: { after(fn: () => void): void }, folder: string): TempStore {
  const path = join(folder, 'mainspring.db');
  const clock = { now: () => AT, sleep: () => Promise.resolve() };
  const connect = () => {
    const connection = openDatabase(path);
    t.after(() => connection.close());
    return connection;
  };
  return { folder, path, connect, open: () => new Store({ connection: connect(), clock, chain: chainEvent }) };
}
