import { renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Boundary } from '../reconcile/boundaries.ts';

/**
 * Stops the process (SIGSTOP) at each boundary that has a file of its name in the folder, and renames that file to
 * `NAME.reached` before: each fires once, however often the process is started again. Whoever tests what survives then kills
 * this process, or another, at exactly that moment, and lets it go on with SIGCONT.
 */
export function failpoints(folder: string): Boundary {
  return (name) => {
    const file = join(folder, name);
    try {
      renameSync(file, `${file}.reached`);
    } catch {
      return undefined;
    }
    process.kill(process.pid, 'SIGSTOP');
    return undefined;
  };
}
