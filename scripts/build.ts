// The packed product: `npm run build`, then `npm pack`. What is installed is JavaScript, as Node refuses to strip types below node_modules:
// the program with its libraries in a few files, and beside them in dist/ what it reads, laid out as in the checkout. `--out` builds elsewhere.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { bundle } from './build/bundle.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const { values } = parseArgs({ options: { out: { type: 'string', default: 'dist' } } });
const dist = resolve(root, values.out);

/** What the program reads at run time besides code: migrations, templates, the evaluator, default settings. */
const assets = ['src/**/*', 'starlark-wasm/*.wasm', 'config/**/*'];

function copyAssets(): void {
  const files = globSync(assets, { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name))) {
    if (file.endsWith('.ts')) continue;
    const target = join(dist, file.slice(root.length));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
}

/** Its package.json says which version and commit this is, where the checkout's own would be. */
async function writeManifest(): Promise<void> {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const head = await execa('git', ['rev-parse', 'HEAD'], { cwd: root, reject: false });
  const manifest = { name, version, license, type: 'module', gitHead: head.failed ? null : head.stdout };
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

rmSync(dist, { recursive: true, force: true });
await bundle(root, dist);
copyAssets();
await writeManifest();
console.log(`built ${values.out}/${values.out === 'dist' ? '; "npm pack" makes the package of it' : ''}`);
