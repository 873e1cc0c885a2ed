import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Contents } from './recipe.ts';

/** Writes what an image has of its own, not of this machine, into an empty folder that stands for its root. */
export function stage(folder: string, { texts = {}, links = {}, folders = [] }: Contents): void {
  chmodSync(folder, 0o755);
  for (const path of folders) {
    mkdirSync(join(folder, path), { recursive: true });
    if (/^\/(var\/)?tmp$/.test(path)) chmodSync(join(folder, path), 0o1777);
  }
  for (const [path, content] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
    if (path.includes('/bin/')) chmodSync(join(folder, path), 0o755);
  }
  for (const [path, target] of Object.entries(links)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    symlinkSync(target, join(folder, path));
  }
}
