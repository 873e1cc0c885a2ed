import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { ConfigFile, ConfigTree } from '../starlark/config-tree.ts';
import { TREE_LIMITS } from '../starlark/dialect.ts';

/** Never part of a commit, or never a place for config. */
const SKIPPED = new Set(['.git', 'node_modules']);

/** The files of a folder as git would list them. Symbolic links are listed, never followed; each file is its own oid. */
export async function readFolder(dir: string): Promise<ConfigTree> {
  const files: ConfigFile[] = [];
  await listFolder(dir, '', files);
  return { files, read: (oids) => Promise.all(oids.map((oid) => readFile(path.join(dir, oid)))) };
}

async function listFolder(dir: string, below: string, files: ConfigFile[]): Promise<void> {
  for (const entry of await readdir(path.join(dir, below), { withFileTypes: true })) {
    // One more than is looked at: enough for the evaluator to say so.
    if (files.length > TREE_LIMITS.files) return;
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name)) await listFolder(dir, name, files);
      continue;
    }
    const file = await configFile(dir, name, entry);
    if (file !== undefined) files.push(file);
  }
}

async function configFile(dir: string, name: string, entry: Dirent): Promise<ConfigFile | undefined> {
  if (entry.isSymbolicLink()) return { path: name, mode: '120000', oid: name, size: null };
  // Sockets and the like are in no commit.
  if (!entry.isFile()) return undefined;
  const size = name.endsWith('.star') || name.startsWith('specs/') ? (await lstat(path.join(dir, name))).size : null;
  return { path: name, mode: '100644', oid: name, size };
}
