import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCommitId } from '../model/ids.ts';
import type { LocalRepo } from './local-repo.ts';
import { type Refs, refsOf } from './refs.ts';

/** A ref as stored: an id, or the name of another ref. */
type Stored = { readonly oid: string } | { readonly target: string };

const MAX_HOPS = 5;
const READ_AT_ONCE = 64;

/** Whether the refs are kept in files, which is all that `readLocalRefs` can read. */
export async function hasRefFiles(repo: LocalRepo): Promise<boolean> {
  const reftable = await stat(join(repo.commonDir, 'reftable')).catch(() => null);
  return reftable === null;
}

/**
 * Reads HEAD and the branches from a local repo's files. Loose refs are read before packed ones, as git packs in the opposite
 * order: a branch that is there all the time is seen. A damaged ref is an error, not an absent branch.
 */
export async function readLocalRefs(repo: LocalRepo): Promise<Refs> {
  const loose = await readLoose(repo.commonDir);
  const all = new Map<string, Stored>([...(await readPacked(repo.commonDir)), ...loose]);
  const head = parseStored(await readFile(join(repo.gitDir, 'HEAD'), 'utf8'), 'HEAD');
  const refs = [...all].flatMap(([ref, stored]) => {
    const oid = resolveOid(stored, all);
    return oid === undefined ? [] : [{ ref, oid }];
  });
  return refsOf([...refs, { ref: 'HEAD', oid: '', target: 'target' in head ? head.target : undefined }]);
}

async function readLoose(commonDir: string): Promise<Map<string, Stored>> {
  const entries = await listHeads(join(commonDir, 'refs', 'heads'));
  const paths = entries
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
    .map((entry) => join(entry.parentPath, entry.name));
  const loose = new Map<string, Stored>();
  for (let from = 0; from < paths.length; from += READ_AT_ONCE) {
    const some = paths.slice(from, from + READ_AT_ONCE);
    const texts = await Promise.all(some.map((path) => readFile(path, 'utf8').catch(nullIfMissing)));
    for (const [index, text] of texts.entries()) {
      const ref = (some[index] ?? '').slice(commonDir.length + 1);
      if (text !== null) loose.set(ref, parseStored(text, ref));
    }
  }
  return loose;
}

// A folder such as `feature/` goes with its last branch, perhaps while it is being read.
async function listHeads(dir: string, triesLeft = 3): Promise<Dirent[]> {
  try {
    return await readdir(dir, { recursive: true, withFileTypes: true });
  } catch (error) {
    nullIfMissing(error);
    if ((await stat(dir).catch(nullIfMissing)) === null) return [];
    if (triesLeft === 0) throw error;
    return listHeads(dir, triesLeft - 1);
  }
}

async function readPacked(commonDir: string): Promise<Map<string, Stored>> {
  const text = (await readFile(join(commonDir, 'packed-refs'), 'utf8').catch(nullIfMissing)) ?? '';
  const packed = new Map<string, Stored>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    const ref = line.slice(space + 1);
    if (!line.startsWith('#') && !line.startsWith('^') && ref.startsWith('refs/heads/')) {
      packed.set(ref, { oid: line.slice(0, space) });
    }
  }
  return packed;
}

/** For a file that need not be there, or that was deleted between listing its folder and reading it. */
export function nullIfMissing(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
}

function parseStored(text: string, ref: string): Stored {
  const trimmed = text.trim();
  if (trimmed.startsWith('ref:')) return { target: trimmed.slice(4).trim() };
  if (!isCommitId(trimmed)) throw new Error(`the ref "${ref}" is damaged`);
  return { oid: trimmed };
}

function resolveOid(stored: Stored, all: ReadonlyMap<string, Stored>): string | undefined {
  let at: Stored | undefined = stored;
  for (let hop = 0; hop < MAX_HOPS && at !== undefined && 'target' in at; hop++) at = all.get(at.target);
  return at !== undefined && 'oid' in at ? at.oid : undefined;
}
