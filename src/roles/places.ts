import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where things lie in a data folder. */
export function placesIn(dataDir: string) {
  const runDir = join(dataDir, 'run');
  return {
    database: join(dataDir, 'mainspring.db'),
    runDir,
    controlSocket: join(runDir, 'control.sock'),
    statusSocket: join(runDir, 'status.sock'),
    /** Written when a controller ended in order; whatever it says, its absence means that one did not. */
    cleanStop: join(dataDir, 'clean-stop'),
  };
}

/** The program's entry file as it runs now: TypeScript in a checkout, JavaScript when built. */
export function entryFile(): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../main.${extension}`, import.meta.url));
}
