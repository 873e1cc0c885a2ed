// Run as a process of its own: does one thing with a store in the folder it is given, and says what came of it on stdout.
import { join } from 'node:path';
import { problemOf } from '../../src/model/errors.ts';
import { openDatabase } from '../../src/store/database.ts';
import { takeLock } from '../../src/store/lock.ts';

const [, , what = '', folder = ''] = process.argv;

/** Says one line, as JSON. */
function say(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

try {
  if (what === 'open') openDatabase(join(folder, 'mainspring.db')).close();
  const lock = what === 'lock' ? takeLock(folder) : null;
  say({ ok: true, pid: process.pid });
  // Keeps what it holds until it is killed.
  if (lock !== null) setInterval(() => lock, 60_000);
} catch (error) {
  const { code, message } = problemOf(error);
  say({ ok: false, code, message });
}
