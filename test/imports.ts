import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('../', import.meta.url));

/** One import of a file: what it names, and whether it is gone once types are stripped. */
export interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

// Formatted code only: a statement begins its line, and its specifier follows the next `from`.
const statement = /^(?:import|export)\s+(type\s)?(?:[\w*\s{},$]+?\sfrom\s+)?(['"])([^'"\n]+)\2/gm;
const call = /\b(typeof\s+)?import\(\s*(['"])([^'"\n]+)\2/g;
const url = /\bnew URL\(\s*(['"])(\.[^'"\n]+\.ts)\1,\s*import\.meta\.url/g;

/** Every import in the text: statements, `import()` as call and as type, and the URLs by which workers are started. */
export function importsOf(text: string): Import[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [
    ...code.matchAll(statement).map(([, type, , specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...code.matchAll(call).map(([, type, , specifier = '']) => ({ specifier, typeOnly: type !== undefined })),
    ...code.matchAll(url).map(([, , specifier = '']) => ({ specifier, typeOnly: false })),
  ];
}

/** The product's source files below a path of the checkout (a file or a folder), tests left out; none if it is missing. */
export function sourcesBelow(path: string): string[] {
  const absolute = join(root, path);
  const info = statSync(absolute, { throwIfNoEntry: false });
  if (info === undefined) return [];
  if (info.isFile()) return [path];
  const names = readdirSync(absolute, { recursive: true, encoding: 'utf8' });
  const sources = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return sources.map((name) => join(path, name)).filter((file) => !file.split('/').includes('node_modules'));
}

/** The imports of a file, those of its own package as paths from the checkout's root. */
export function readImports(file: string): Import[] {
  return importsOf(readFileSync(join(root, file), 'utf8')).map(({ specifier, typeOnly }) => ({
    specifier: specifier.startsWith('.') ? relative(root, join(root, dirname(file), specifier)) : specifier,
    typeOnly,
  }));
}

/** One circle in the graph, as the list of its members from the first back to it, or null. */
export function findCycle(graph: ReadonlyMap<string, Iterable<string>>): string[] | null {
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): string[] | null => {
    if (trail.includes(node)) return [...trail.slice(trail.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...trail, node]);
      if (cycle !== null) return cycle;
    }
    done.add(node);
    return null;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== null) return cycle;
  }
  return null;
}
