import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root as checkout } from '../../../imports.ts';
import { PROGRAM } from '../daemon.ts';

/** What the copy says its version is. */
export const NEXT_VERSION = '99.0.0-next';

/** Copies the program into a folder as another version of itself; gives what starts it. */
export function copyAsNextVersion(folder: string): readonly [string, ...string[]] {
  mkdirSync(folder, { recursive: true });
  cpSync(join(checkout, 'src'), join(folder, 'src'), { recursive: true });
  for (const shared of ['node_modules', 'starlark-wasm', 'config'])
    symlinkSync(join(checkout, shared), join(folder, shared));
  const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: NEXT_VERSION }));
  const [node, flag] = PROGRAM;
  return [node, flag, join(folder, 'src/main.ts')];
}
