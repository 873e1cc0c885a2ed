import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { withNodeFirst } from './npm.mjs';
import { root } from './paths.mjs';

/** Where the program's code is kept with its types stripped and compiled. It goes with the modules it was compiled with. */
export const compileCache = path.join(root, 'node_modules', '.compile-cache');

/**
 * Loads the program once, so that already its first processes find their code there: stripping types costs each process that
 * does it 20 MB and a second. What can't be kept is only not kept.
 */
export function warmUp(node, flags) {
  const env = Object.assign(withNodeFirst(node), { NODE_COMPILE_CACHE: compileCache });
  spawnSync(node, flags.concat(path.join(root, 'scripts', 'warm-up.ts')), {
    cwd: root,
    env,
    stdio: 'ignore',
    timeout: 60_000,
  });
}
