import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { nothing, type Outcome } from './outcome.ts';
import { runCheck } from './run-check.ts';

/**
 * Builds starlark.wasm anew and compares it with the committed one, where the Go that it was built with is here or can
 * be fetched. Elsewhere it only says that it did not: nobody needs Go to work on the rest.
 */
export async function checkWasm(root: string): Promise<Outcome> {
  const module = readFileSync(join(root, 'starlark-wasm/go/go.mod'), 'utf8');
  const toolchain = /^toolchain (\S+)$/m.exec(module)?.[1] ?? 'unknown';
  // Go older than 1.21 knows nothing of toolchains and answers with its own version.
  const go = await execa('go', ['version'], { env: { GOTOOLCHAIN: toolchain }, reject: false });
  if (go.failed || !go.stdout.includes(` ${toolchain} `)) {
    return {
      ...nothing,
      notices: [`starlark.wasm was NOT compared with its sources: that needs ${toolchain} on PATH`],
    };
  }
  const name = 'starlark.wasm is what its sources build';
  return runCheck({ name, script: 'scripts/build-starlark-wasm.mjs', args: ['--check'] }, root);
}
