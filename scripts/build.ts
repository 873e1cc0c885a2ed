// The packed product: `npm run build`, then `npm pack`. Node refuses to strip types below node_modules, so what is
// installed is JavaScript, laid out in dist/ as the sources are in the checkout.
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { rewriteForDist, unresolvedReferences } from './suite/dist-references.ts';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');

/** What the program reads at run time besides code: migrations, templates, the evaluator, default settings. */
const assets = ['{src,starlark-wasm/src}/**/*', 'starlark-wasm/*.wasm', 'config/**/*'];

async function compile(): Promise<void> {
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const options = { cwd: root, stdio: 'inherit', reject: false } as const;
  const { failed } = await execa(process.execPath, [tsc, '-p', 'tsconfig.build.json'], options);
  // The compiler has said why.
  if (failed) process.exit(1);
}

function rewriteReferences(): void {
  for (const file of globSync('**/*.js', { cwd: dist })) {
    const code = rewriteForDist(file, readFileSync(join(dist, file), 'utf8'));
    const unresolved = unresolvedReferences(code);
    if (unresolved.length > 0) throw new Error(`dist/${file} would not find ${unresolved.join(', ')}`);
    writeFileSync(join(dist, file), code);
  }
}

function copyAssets(): void {
  const files = globSync(assets, { cwd: root, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => join(entry.parentPath, entry.name))) {
    if (file.endsWith('.ts')) continue;
    const target = join(dist, file.slice(root.length));
    mkdirSync(dirname(target), { recursive: true });
    cpSync(file, target);
  }
}

/** dist/package.json says which version and commit this is, where the checkout's own would be. */
async function writeManifest(): Promise<void> {
  const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const head = await execa('git', ['rev-parse', 'HEAD'], { cwd: root, reject: false });
  const manifest = { name, version, license, type: 'module', gitHead: head.failed ? null : head.stdout };
  writeFileSync(join(dist, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

rmSync(dist, { recursive: true, force: true });
await compile();
rewriteReferences();
copyAssets();
await writeManifest();
console.log('built dist/; "npm pack" makes the package of it');
