import { join } from 'node:path';
import { programVariable } from '../../test/e2e/support/daemon.ts';
import type { Outcome } from './outcome.ts';
import { runCheck } from './run-check.ts';

/** Builds the program as it is packed and names it in `env`: what tests drive as a whole is what people install. */
export async function buildProgram(root: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const outcome = await runCheck({ name: 'npm run build', script: 'scripts/build.ts', args: [] }, root);
  if (outcome.failures.length === 0) env[programVariable] = join(root, 'dist/src/main.js');
  return outcome;
}
