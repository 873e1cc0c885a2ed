import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { ownPlaces } from './own-place.ts';

/**
 * Not put into the bundle: what is no JavaScript alone, and what is found by its place (`createRequire`) or loaded when it is first needed.
 * They are installed beside it.
 */
const beside = ['better-sqlite3', 'dockerode', 'nunjucks', '@balena/dockerignore'];

/**
 * Puts the program with its libraries into a few files below `dist`: a process then need not find and open every module, and starts with
 * a third less CPU. What is loaded late stays in files of its own.
 */
export async function bundle(root: string, dist: string): Promise<void> {
  const shared: BuildOptions = {
    ...{ absWorkingDir: root, bundle: true, platform: 'node', format: 'esm', target: 'node22.22', external: beside },
    ...{ plugins: [ownPlaces(root)], logLevel: 'warning', legalComments: 'inline' },
    // Libraries that are CommonJS ask for Node's own modules by it.
    banner: {
      js: `import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);`,
    },
  };
  const src = { outdir: join(dist, 'src'), splitting: true, chunkNames: '[name]-[hash]' };
  await build({ ...shared, ...src, entryPoints: { main: 'src/main.ts' } });
  await build({
    ...shared,
    outfile: join(dist, 'starlark-wasm/src/worker.js'),
    entryPoints: ['starlark-wasm/src/worker.ts'],
  });
}
