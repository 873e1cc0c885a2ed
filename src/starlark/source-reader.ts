import { type ConfigFile, type ConfigTree, decodeSource, fileFault, isEntryPath } from './config-tree.ts';

/** The text of a config file, or why there is none, in words that finish "FILE is …". */
export type Source = { readonly text: string } | { readonly fault: string; readonly line: number };

const MAX_KEPT_CHARACTERS = 32 * 1024 ** 2;

/** Reads the texts of one tree: entries in batches, what they load once for all of them. */
export class SourceReader {
  readonly #tree: ConfigTree;
  readonly #files: ReadonlyMap<string, ConfigFile>;
  #loaded = new Map<string, Promise<Source | undefined>>();
  #keptCharacters = 0;

  constructor(tree: ConfigTree, files: ReadonlyMap<string, ConfigFile>) {
    this.#tree = tree;
    this.#files = files;
  }

  /** The texts of entry files, in order. */
  async readEntries(files: readonly ConfigFile[]): Promise<readonly Source[]> {
    const readable = files.filter((file) => fileFault(file) === undefined);
    const contents = readable.length === 0 ? [] : await this.#tree.read(readable.map((file) => file.oid));
    const byFile = new Map(readable.map((file, index) => [file, contents[index]]));
    return files.map((file) => sourceOf(file, byFile.get(file)));
  }

  /** A file that another one loads; undefined when the tree has none of that path. An entry file can't be loaded. */
  readLoaded(path: string): Promise<Source | undefined> {
    if (isEntryPath(path)) return Promise.resolve(this.#files.has(path) ? ENTRY : undefined);
    const known = this.#loaded.get(path) ?? this.#readAnew(path);
    this.#loaded.set(path, known);
    return known;
  }

  async #readAnew(path: string): Promise<Source | undefined> {
    const file = this.#files.get(path);
    if (file === undefined) return undefined;
    const [source] = await this.readEntries([file]);
    this.#keptCharacters += source !== undefined && 'text' in source ? source.text.length : 0;
    if (this.#keptCharacters > MAX_KEPT_CHARACTERS) this.#forget();
    return source;
  }

  #forget(): void {
    this.#loaded = new Map();
    this.#keptCharacters = 0;
  }
}

const ENTRY: Source = { fault: 'an entry file, which is evaluated on its own and never loaded', line: 0 };

function sourceOf(file: ConfigFile, content: Uint8Array | undefined): Source {
  const fault = fileFault(file);
  if (fault !== undefined || content === undefined) return { fault: fault ?? 'not readable', line: 0 };
  const decoded = decodeSource(content);
  if ('text' in decoded) return decoded;
  return { fault: 'not UTF-8 text', line: decoded.badLine };
}
