import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { MainspringError } from '../model/errors.ts';
import { storeError } from './database.ts';

/**
 * The lock of a data folder, held until `release` or the end of the process, however it ends. Keep it: one that nobody refers to
 * any more is let go of.
 */
export interface StoreLock {
  release(): void;
}

/**
 * Takes the lock of a data folder: only its holder may write. The lock is an exclusive transaction on a file of its own, so
 * the system lets go of it when the process dies; the pid of the holder stands beside it. `store-locked` names that pid.
 */
export function takeLock(dataDir: string): StoreLock {
  const path = join(dataDir, 'controller.lock');
  const pidFile = join(dataDir, 'controller.pid');
  let db: Database.Database;
  try {
    db = new Database(path, { timeout: 0 });
  } catch (error) {
    throw storeError(error, path);
  }
  try {
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
    writeFileSync(pidFile, `${process.pid}\n`);
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      throw locked(dataDir, holder(pidFile));
    throw storeError(error, path);
  }
  return { release: () => db.close() };
}

function holder(pidFile: string): string {
  try {
    return readFileSync(pidFile, 'utf8').trim() || 'unknown';
  } catch {
    return 'unknown';
  }
}

function locked(dataDir: string, pid: string): MainspringError {
  return new MainspringError('store-locked', `data folder "${dataDir}": process ${pid} is using it`, {
    retry: 'after-interval',
    hint: `Only one Mainspring may use a data folder. Stop process ${pid}, or give this one a data_dir of its own.`,
  });
}
