import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SpecBook } from '../model/spec.ts';
import { CODE_SPECS } from './code-specs.ts';
import { readSpec, type SpecFiles } from './spec-files.ts';

const FOLDER = fileURLToPath(new URL('../../config/specs/', import.meta.url));

/** Every spec of this version, read from `config/specs/`. A fault in one of them is a fault of the product: throws. */
export function readBuiltinSpecs(folder: string = FOLDER): SpecBook {
  const book: Record<string, SpecBook[string]> = { ...CODE_SPECS };
  const names = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const all = names.map(({ name }) => filesOf(name, folder)).sort((a, b) => (a.name < b.name ? -1 : 1));
  // Those with a Containerfile of their own first: the others may refer to it.
  const own = all.filter(({ containerfile }) => containerfile !== null);
  for (const files of [...own, ...all.filter((one) => !own.includes(one))]) {
    const read = readSpec(files, book);
    if (read.ok) book[files.name] = read.spec;
    else
      throw new Error(read.faults.map(({ line, message }) => `${files.name}/spec.toml:${line}: ${message}`).join('\n'));
  }
  return Object.freeze(book);
}

function filesOf(name: string, folder: string): SpecFiles {
  const containerfile = join(folder, name, 'Containerfile');
  return {
    name,
    manifest: readFileSync(join(folder, name, 'spec.toml'), 'utf8'),
    containerfile: existsSync(containerfile) ? readFileSync(containerfile, 'utf8') : null,
  };
}
