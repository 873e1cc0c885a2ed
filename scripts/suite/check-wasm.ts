import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { nothing, type Outcome } from './outcome.ts';
import { runCheck } from './run-check.ts';

/**
 * Builds starlark.wasm anew and compares it with the committed one, where there is a Go to do it with. Elsewhere it only
 * says that it did not: nobody needs Go to work on the rest.
 */
export async function checkWasm(root: string): Promise<Outcome> {
  const script = readdirSync(join(root, 'scripts')).find((name) => name.startsWith('build-starlark-wasm.'));
  if (script === undefined)
    return { ...nothing, failures: [{ name: 'starlark.wasm', detail: 'its build is missing' }] };
  const go = await execa('go', ['version'], { reject: false });
  if (go.failed) {
    return { ...nothing, notices: ['starlark.wasm was NOT rebuilt and compared with its sources: no Go on PATH'] };
  }
  return runCheck(
    { name: 'starlark.wasm is what its sources build', script: `scripts/${script}`, args: ['--check'] },
    root,
  );
}
