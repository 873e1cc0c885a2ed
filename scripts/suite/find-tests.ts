import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The test files below these folders (or these files themselves), in order; a folder that is not there has none. */
export function findTests(root: string, paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    const info = statSync(resolve(root, path), { throwIfNoEntry: false });
    if (info === undefined) return [];
    if (info.isFile()) return [path];
    const names = readdirSync(resolve(root, path), { recursive: true, encoding: 'utf8' });
    const tests = names.filter((name) => /\.test\.m?[jt]s$/.test(name) && !/(^|\/)node_modules\//.test(name));
    return tests.map((name) => join(path, name)).sort();
  });
}
