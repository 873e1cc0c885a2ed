import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MainspringError } from '../model/errors.ts';
import { type StoreLock, takeLock } from '../store/lock.ts';

/** A demo's hold on its folder: one runs in it at a time. */
export interface Occupancy {
  /** Writes down where this demo is, for a second one to say. */
  announce(url: string): void;
  release(): void;
}

/** Takes the folder. Throws `store-locked`, naming the demo that has it. */
export function occupy(folder: string): Occupancy {
  const note = join(folder, 'running.json');
  const lock = lockOf(folder, note);
  const write = (url: string | null) => writeFileSync(note, `${JSON.stringify({ pid: process.pid, url })}\n`);
  write(null);
  return {
    announce: write,
    release: () => {
      rmSync(note, { force: true });
      lock.release();
    },
  };
}

function lockOf(folder: string, note: string): StoreLock {
  try {
    return takeLock(folder);
  } catch (error) {
    if (!(error instanceof MainspringError) || error.code !== 'store-locked') throw error;
    const { pid, url } = readNote(note);
    const where = url === null ? '' : ` at ${url}/`;
    throw new MainspringError('store-locked', `demo: another one runs in "${folder}"${where} (process ${pid})`, {
      cause: error,
      hint: `Use that one, or stop it first: Ctrl-C in its terminal, or "kill ${pid}".`,
    });
  }
}

function readNote(file: string): { readonly pid: number | string; readonly url: string | null } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; url: string | null };
  } catch {
    return { pid: 'unknown', url: null };
  }
}
