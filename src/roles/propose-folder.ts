import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readFolder } from '../cli/read-folder.ts';
import { MainspringError, problemOf } from '../model/errors.ts';
import type { CommitId, TreeId } from '../model/ids.ts';
import type { SourceState } from '../model/snapshot.ts';
import type { SourceSurvey } from '../model/source.ts';
import type { Proposal } from '../reconcile/plan-for.ts';
import { SURVEYED_BYTES, SURVEYED_FILES, surveyOf } from '../specs/survey.ts';

/** The commit that files have which are in none. */
const NO_COMMIT = '0'.repeat(40) as CommitId;

/** A folder of this machine as a proposal, as if it had just been committed. Trees get the ids that git would give them. */
export async function proposeFolder(dir: string): Promise<Proposal> {
  const tree = await readFolder(dir);
  return {
    commit: NO_COMMIT,
    cause: { kind: 'observation', what: `the files in ${basename(dir) || dir}` },
    tree,
    folder: (path) => sourceIn(dir, path),
  };
}

async function sourceIn(dir: string, path: string): Promise<SourceState> {
  const folder = join(dir, path);
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const procfile = entries.some((entry) => entry.name === 'Procfile' && entry.isFile())
      ? await readFile(join(folder, 'Procfile'), 'utf8')
      : null;
    const names = entries.filter(isTracked).map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    return {
      commit: NO_COMMIT,
      tree: (await treeId(folder)) ?? EMPTY_TREE,
      author: null,
      entries: names.sort(),
      procfile,
      survey: await surveyIn(folder, entries),
    };
  } catch (error) {
    const missing = new MainspringError('git-path-missing', `config: there is no folder "${path}"`, { cause: error });
    return { problem: problemOf(missing) };
  }
}

async function surveyIn(folder: string, entries: readonly Dirent[]): Promise<SourceSurvey> {
  const texts: [string, string][] = [];
  for (const name of SURVEYED_FILES) {
    if (!entries.some((entry) => entry.name === name && entry.isFile())) continue;
    if ((await lstat(join(folder, name))).size <= SURVEYED_BYTES)
      texts.push([name, await readFile(join(folder, name), 'utf8')]);
  }
  return surveyOf(Object.fromEntries(texts));
}

const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904' as TreeId;

function isTracked(entry: { readonly name: string }): boolean {
  return entry.name !== '.git';
}

/** The id that git gives the tree of a folder; null for an empty one, which git does not record. Objects are named by SHA-1 here, as in all but the newest repos. */
async function treeId(folder: string): Promise<TreeId | null> {
  const lines: { readonly order: string; readonly line: Buffer }[] = [];
  for (const entry of (await readdir(folder, { withFileTypes: true })).filter(isTracked)) {
    const path = join(folder, entry.name);
    const id = entry.isDirectory() ? await treeId(path) : await blobId(path, entry.isSymbolicLink());
    if (id === null) continue;
    const mode = entry.isDirectory() ? '40000' : entry.isSymbolicLink() ? '120000' : await fileMode(path);
    // Git sorts folders as if their names ended with a slash.
    const order = entry.isDirectory() ? `${entry.name}/` : entry.name;
    lines.push({ order, line: Buffer.concat([Buffer.from(`${mode} ${entry.name}\0`), Buffer.from(id, 'hex')]) });
  }
  if (lines.length === 0) return null;
  lines.sort((a, b) => Buffer.compare(Buffer.from(a.order), Buffer.from(b.order)));
  return objectId('tree', Buffer.concat(lines.map(({ line }) => line))) as TreeId;
}

async function blobId(path: string, isLink: boolean): Promise<string> {
  return objectId('blob', isLink ? Buffer.from(await readlink(path)) : await readFile(path));
}

async function fileMode(path: string): Promise<string> {
  return ((await lstat(path)).mode & 0o111) === 0 ? '100644' : '100755';
}

function objectId(kind: 'blob' | 'tree', content: Buffer): string {
  return createHash('sha1').update(`${kind} ${content.length}\0`).update(content).digest('hex');
}
