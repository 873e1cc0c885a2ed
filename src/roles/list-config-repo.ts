import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Settings } from '../model/settings.ts';
import { gitFor } from './controller-parts.ts';
import type { Environment } from './environment.ts';
import { answerTip } from './status-ports.ts';

/** Lists the config repo now and gives the commit of the followed branch; throws when it can't be reached or lacks it. */
export async function listConfigRepo(settings: Settings, env: Environment, signal: AbortSignal): Promise<string> {
  const work = mkdtempSync(join(tmpdir(), 'mainspring-list-'));
  const git = gitFor(settings, work, env);
  try {
    return await answerTip({ git, settings }, signal);
  } finally {
    await git.close();
    rmSync(work, { recursive: true, force: true });
  }
}
