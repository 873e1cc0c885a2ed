import type { Reader } from '../cli/reader.ts';
import { readVersion, versionText } from '../cli/version.ts';
import { type WaitOutcome, waitForCommit } from '../cli/wait.ts';
import { openLocalReader } from '../roles/local-reader.ts';
import { systemClock } from '../roles/system-clock.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import type { Installation } from './installation.ts';
import type { Interrupts } from './interrupts.ts';

/** A demo that runs. */
export interface Session extends Installation {
  readonly daemon: Daemon;
  readonly reader: Reader;
}

/** Far more than a slow machine needs: what is not there by then does not come. */
export const PATIENCE_MS = 120_000;

/** Starts `serve`, hands over what runs, and stops it whatever happens. */
export async function withSession<T>(
  installation: Installation,
  interrupts: Interrupts,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const daemon = await startDaemon(installation, interrupts.signal);
  // Ctrl-C again: do not wait for requests that are under way.
  interrupts.onMore = () => void daemon.stop();
  try {
    const version = versionText(readVersion());
    const reader = await openLocalReader(installation.settings, version, { ...installation.env });
    try {
      return await use({ ...installation, daemon, reader });
    } finally {
      await reader.close();
    }
  } finally {
    await daemon.stop();
  }
}

/** Waits until a commit is live everywhere, or can't be. */
export function settled({ reader }: Session, commit: string, signal: AbortSignal): Promise<WaitOutcome> {
  return waitForCommit(
    { commit, env: null, timeoutMs: PATIENCE_MS, pollMs: 50 },
    { reader, clock: systemClock, signal, say: () => {} },
  );
}
