import { readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/**
 * The test files below these folders (or these files themselves), each once, in order; a folder that is not there has
 * none, and those below the folders of `without` are left out.
 */
export function findTests(root: string, paths: readonly string[], without: readonly string[] = []): string[] {
  const found = paths.flatMap((path) => {
    const info = statSync(resolve(root, path), { throwIfNoEntry: false });
    if (info === undefined) return [];
    if (info.isFile()) return [path];
    const names = readdirSync(resolve(root, path), { recursive: true, encoding: 'utf8' });
    const tests = names.filter((name) => /\.test\.m?[jt]s$/.test(name) && !/(^|\/)node_modules\//.test(name));
    return tests.map((name) => join(path, name)).sort();
  });
  return [...new Set(found)].filter((file) => !isBelow(without, file));
}

/** Whether a file lies below one of these folders. */
export function isBelow(folders: readonly string[], file: string): boolean {
  return folders.some((folder) => !relative(folder, file).startsWith('..'));
}

/** The folder whose tests share a process with those of this file: `src/git`, `test/integration/gateway`; undefined: it has one of its own. */
export function sharedFolder(file: string): string | undefined {
  return /^(?:src|test\/integration)\/[^/]+(?=\/)/.exec(file)?.[0];
}
