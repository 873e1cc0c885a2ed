import { join } from 'node:path';
import { execa } from 'execa';
import { programVariable } from '../../test/e2e/support/daemon.ts';
import { nothing, type Outcome } from './outcome.ts';

/** Builds the program as it is packed and names it in `env`: what tests drive as a whole is what people install. */
export async function buildProgram(root: string, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const built = await execa(process.execPath, ['scripts/build.ts'], { all: true, cwd: root, reject: false });
  if (built.failed) return { ...nothing, failures: [{ name: 'npm run build', detail: built.all }] };
  env[programVariable] = join(root, 'dist/src/main.js');
  return nothing;
}
