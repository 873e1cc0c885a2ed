import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { importsOf } from '../../../test/imports.ts';

/** Whether one of these test files, or what it imports, lies in or leads to the folder (all from the checkout's root). */
export function isNeeded(root: string, folder: string, files: readonly string[]): boolean {
  const wanted = join(root, folder) + sep;
  const seen = new Set<string>();
  const queue = files.map((file) => resolve(root, file));
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (file.startsWith(wanted)) return true;
    if (seen.has(file) || !existsSync(file)) continue;
    seen.add(file);
    const here = dirname(file);
    const imports = importsOf(readFileSync(file, 'utf8')).filter(({ specifier }) => /^[./]/.test(specifier));
    queue.push(...imports.map(({ specifier }) => resolve(here, specifier)));
  }
  return false;
}
