import { isUtf8 } from 'node:buffer';
import { TREE_LIMITS } from './dialect.ts';

/** One file of a config tree, as git lists it. */
export interface ConfigFile {
  /** With `/`, from the root of the tree. */
  readonly path: string;
  /** As git writes it; anything but a plain file is never read. */
  readonly mode: string;
  /** Names its content: two files with one oid hold the same. */
  readonly oid: string;
  /** Bytes; null for what is no file. */
  readonly size: number | null;
}

/** A config tree: all its files, and a way to their content. */
export interface ConfigTree {
  readonly files: readonly ConfigFile[];
  /** The contents by oid, in the order asked. Only asked for files of at most `TREE_LIMITS.fileBytes`. */
  read(oids: readonly string[]): Promise<readonly Uint8Array[]>;
}

/** Whether a path names an entry file: `*.star` at the root, or anywhere below `config/`. Names with a leading dot are left alone. */
export function isEntryPath(path: string): boolean {
  return path.endsWith('.star') && (!path.includes('/') || path.startsWith('config/')) && !/(?:^|\/)\./.test(path);
}

const MODES: Readonly<Record<string, string>> = {
  '120000': 'a symbolic link, which is not followed',
  '160000': 'a submodule',
};

/** Why a file can't be read as config, in words that finish "FILE is …"; undefined when it can. */
export function fileFault(file: ConfigFile): string | undefined {
  if (file.mode in MODES) return MODES[file.mode];
  if (!file.mode.startsWith('100')) return 'not a file';
  const { fileBytes } = TREE_LIMITS;
  return (file.size ?? 0) > fileBytes ? `larger than ${fileBytes / 1024 ** 2} MiB` : undefined;
}

/** The text of a file, or the first line that is not text. A byte order mark is dropped; line ends become `\n`. */
export function decodeSource(bytes: Uint8Array): { readonly text: string } | { readonly badLine: number } {
  if (!isUtf8(bytes)) return { badLine: badLine(bytes) };
  const text = new TextDecoder().decode(bytes);
  return { text: text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text };
}

function badLine(bytes: Uint8Array): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    const until = end < 0 ? bytes.length : end;
    if (!isUtf8(bytes.subarray(from, until))) return line;
    from = until + 1;
  }
  return line;
}

/** Which of these folders a tree does not have, and what is there instead. The root (`""`) is always there. */
export function missingFolders(
  folders: ReadonlySet<string>,
  files: readonly ConfigFile[],
): ReadonlyMap<string, string> {
  const missing = new Map<string, string>();
  for (const folder of folders) if (folder !== '') missing.set(folder, 'does not exist in the config repo');
  for (const { path, mode } of files) {
    if (missing.size === 0) break;
    const here = missing.has(path);
    if (here) missing.set(path, mode in MODES ? `is ${MODES[mode]}` : 'is a file, not a folder');
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
      missing.delete(path.slice(0, slash));
  }
  return missing;
}

/** Every folder of a tree. */
export function foldersOf(files: readonly ConfigFile[]): readonly string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let slash = path.indexOf('/'); slash > 0; slash = path.indexOf('/', slash + 1))
      folders.add(path.slice(0, slash));
  }
  return [...folders];
}
