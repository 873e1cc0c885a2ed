import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder, and what has to be ended before it goes. */
export interface Workplace {
  readonly dir: string;
  /** Called at the end, also when the bench is interrupted; the last one first. */
  atEnd(end: () => unknown): void;
}

/** Runs a part of the bench in a temporary folder, and leaves nothing behind. */
export async function inWorkplace(run: (at: Workplace) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'mainspring-bench-'));
  const ends: (() => unknown)[] = [];
  const tidy = async () => {
    for (const end of ends.splice(0).reverse()) await (async () => end())().catch(() => {});
    rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
  };
  const interrupted = (signal: NodeJS.Signals) => {
    process.exitCode = signal === 'SIGINT' ? 130 : 143;
    void tidy().finally(() => process.exit());
  };
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    await run({ dir, atEnd: (end) => ends.push(end) });
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    await tidy();
  }
}
