import { hashOf } from '../model/canonical.ts';
import type { SpecBook } from '../model/spec.ts';
import type { SpecTable } from '../model/spec-table.ts';
import { isSpecName, readSpec, type SpecFiles } from '../specs/spec-files.ts';
import { specTable } from '../specs/spec-table.ts';
import { type ConfigFile, type ConfigTree, decodeSource, fileFault } from './config-tree.ts';
import { compareText, errorAt, type LocatedError } from './located-error.ts';

/** The specs that a tree's apps may name. */
export interface TreeSpecs {
  /** The built-in ones, and the tree's own, which win. One object for as long as none of them changes. */
  readonly book: SpecBook;
  /** What apps are checked against; one object for as long as none of the rules changes. A spec with errors is in it as null. */
  readonly table: SpecTable;
  readonly errors: readonly LocatedError[];
}

/** Bounds of the specs of a tree. */
const LIMITS = { specs: 200, fileBytes: 64 * 1024 };
/** Trees whose specs are remembered. */
const REMEMBERED = 100;
const SPEC_FILE = /^specs\/([^/]+)\/(spec\.toml|Containerfile)$/;

interface Folder {
  readonly name: string;
  readonly manifest?: ConfigFile;
  readonly containerfile?: ConfigFile;
}

/** Reads the specs of config trees: `specs/NAME/spec.toml`, with a `Containerfile` beside it. */
export class TeamSpecs {
  readonly #builtin: SpecBook;
  readonly #known = new Map<string, TreeSpecs>();
  readonly #tables = new Map<string, SpecTable>();

  constructor(builtin: SpecBook) {
    this.#builtin = builtin;
  }

  /** The specs of a tree, its own and the built-in ones. */
  async read(tree: ConfigTree): Promise<TreeSpecs> {
    const folders = foldersIn(tree);
    const key = hashOf(
      folders.map(({ name, ...files }) => [
        name,
        ...Object.values(files).map(({ path, oid, mode }) => [path, oid, mode]),
      ]),
    );
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const specs = await this.#readFolders(folders, tree);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= REMEMBERED && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, specs);
    return specs;
  }

  async #readFolders(folders: readonly Folder[], tree: ConfigTree): Promise<TreeSpecs> {
    if (folders.length > LIMITS.specs) {
      const at = { file: 'specs', line: 0, column: 0 };
      const error = errorAt(at, `there are more than ${LIMITS.specs} specs`, { code: 'config-limit' });
      return { book: this.#builtin, table: this.#interned(specTable(this.#builtin)), errors: [error] };
    }
    const book: Record<string, SpecBook[string]> = { ...this.#builtin };
    const broken = new Set<string>();
    const errors: LocatedError[] = [];
    // Those with a Containerfile of their own first: the others may refer to it.
    for (const folder of folders.toSorted(
      (a, b) => Number(b.containerfile !== undefined) - Number(a.containerfile !== undefined),
    )) {
      const found = await readFolder(folder, tree, book);
      if ('spec' in found) book[folder.name] = found.spec;
      else {
        broken.add(folder.name);
        errors.push(...found.errors);
      }
    }
    const rules = { ...specTable(book), ...Object.fromEntries([...broken].map((name) => [name, null])) };
    return { book: folders.length === 0 ? this.#builtin : Object.freeze(book), table: this.#interned(rules), errors };
  }

  #interned(table: SpecTable): SpecTable {
    const key = hashOf(table as never);
    const known = this.#tables.get(key);
    if (known !== undefined) return known;
    if (this.#tables.size >= REMEMBERED) this.#tables.clear();
    this.#tables.set(key, table);
    return table;
  }
}

/** Spec folders of a tree, in order. A folder in `specs/` that has neither file is something else, and left alone. */
function foldersIn({ files }: ConfigTree): readonly Folder[] {
  const folders = new Map<string, Folder>();
  for (const file of files) {
    const [, name, which] = SPEC_FILE.exec(file.path) ?? [];
    if (name === undefined || which === undefined || name.startsWith('.')) continue;
    const known = folders.get(name) ?? { name };
    folders.set(name, { ...known, [which === 'spec.toml' ? 'manifest' : 'containerfile']: file });
  }
  return [...folders.values()].sort((a, b) => compareText(a.name, b.name));
}

type Found = { readonly spec: SpecBook[string] } | { readonly errors: readonly LocatedError[] };

async function readFolder(folder: Folder, tree: ConfigTree, book: SpecBook): Promise<Found> {
  const place = `specs/${folder.name}/spec.toml`;
  const fail = (file: string, line: number | null, message: string, hint = ''): Found => ({
    errors: [errorAt({ file, line: line ?? 0, column: 0 }, message, { hint })],
  });
  if (!isSpecName(folder.name))
    return fail(
      place,
      null,
      `spec "${folder.name}": a spec has a name of at most 40 characters a-z, 0-9, "-" and "_"`,
      'Rename the folder.',
    );
  if (folder.manifest === undefined)
    return fail(
      `specs/${folder.name}/Containerfile`,
      null,
      `spec "${folder.name}": there is no spec.toml beside its Containerfile`,
      'Add one; the least is a line description = "…".',
    );
  const texts: string[] = [];
  for (const file of [folder.manifest, folder.containerfile]) {
    if (file === undefined) continue;
    const read = await textOf(file, tree);
    if ('fault' in read) return fail(file.path, read.line, read.fault);
    texts.push(read.text);
  }
  const files: SpecFiles = { name: folder.name, manifest: texts[0] ?? '', containerfile: texts[1] ?? null };
  const read = readSpec(files, book);
  if (read.ok) return { spec: read.spec };
  return {
    errors: read.faults.map(({ line, message }) =>
      errorAt({ file: place, line: line ?? 0, column: 0 }, `spec "${folder.name}": ${message}`, {
        hint: 'docs/specs.md says what a spec.toml holds.',
      }),
    ),
  };
}

async function textOf(
  file: ConfigFile,
  tree: ConfigTree,
): Promise<{ readonly text: string } | { readonly fault: string; readonly line: number }> {
  const fault = fileFault(file);
  if (fault !== undefined) return { fault: `the file is ${fault}`, line: 0 };
  const tooLarge = { fault: `the file is larger than ${LIMITS.fileBytes / 1024} KiB`, line: 0 };
  if ((file.size ?? 0) > LIMITS.fileBytes) return tooLarge;
  const [content] = await tree.read([file.oid]);
  if (content === undefined) return { fault: 'the file is not readable', line: 0 };
  if (content.length > LIMITS.fileBytes) return tooLarge;
  const decoded = decodeSource(content);
  return 'text' in decoded ? decoded : { fault: 'the line is not UTF-8 text', line: decoded.badLine };
}
