import { posix } from 'node:path';

const workspacePackage = 'starlark-wasm';
const workspaceEntry = 'starlark-wasm/src/index.js';

const packageReference = /(\bfrom\s*|\bimport\(\s*|\bimport\s*)(['"])starlark-wasm\2/g;
const sourceUrl = /(\bnew URL\(\s*(['"])\.{1,2}\/[^'"\n]+)\.ts(\2\s*,\s*import\.meta\.url)/g;

/**
 * Compiled code as it has to be in dist/: the compiler maps the endings of relative imports, but neither those of the
 * URLs by which workers and child processes are started, nor a workspace package, which is no dependency of the packed
 * product and lies in dist/ itself.
 */
export function rewriteForDist(file: string, code: string): string {
  const entry = posix.relative(posix.dirname(file), workspaceEntry);
  return code
    .replaceAll(packageReference, (_match, before, quote) => `${before}${quote}${entry}${quote}`)
    .replaceAll(sourceUrl, (_match, before, _quote, after) => `${before}.js${after}`);
}

/** What is left in compiled code that could not be found from dist/. */
export function unresolvedReferences(code: string): string[] {
  const references = code.matchAll(/\b(?:from|import|URL)\b\s*\(?\s*(['"])([^'"\n]+)\1/g);
  return [...references]
    .map(([, , specifier = '']) => specifier)
    .filter((specifier) => specifier === workspacePackage || /^\..*\.ts$/.test(specifier));
}
