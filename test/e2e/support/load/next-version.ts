import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { root as checkout } from '../../../imports.ts';
import { PROGRAM } from '../daemon.ts';

/** What the copy says its version is. */
export const NEXT_VERSION = '99.0.0-next';

/** Copies the program into a folder as another version of itself; gives what starts it. */
export function copyAsNextVersion(folder: string): readonly [string, ...string[]] {
  mkdirSync(folder, { recursive: true });
  const [node, flag, main] = PROGRAM;
  const home = dirname(dirname(main));
  cpSync(join(home, 'src'), join(folder, 'src'), { recursive: true });
  for (const shared of ['starlark-wasm', 'config']) symlinkSync(join(home, shared), join(folder, shared));
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'node_modules'));
  const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: NEXT_VERSION }));
  return [node, flag, join(folder, 'src', basename(main))];
}
