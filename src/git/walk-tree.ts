import { MainspringError } from '../model/errors.ts';
import type { CommitId, TreeId } from '../model/ids.ts';
import type { TreeEntry } from './git.ts';
import type { ObjectCache, ObjectSource, Tree } from './object-cache.ts';
import type { RawEntry } from './tree-object.ts';
import { MissingObject } from './unreadable-object.ts';

/** What a walk needs: where objects are read and where they are kept. */
export interface Walk {
  readonly source: ObjectSource;
  readonly cache: ObjectCache;
  readonly maxEntries: number;
}

const MAX_DEPTH = 200;

/** The tree of a folder of a commit; undefined if there is none, or something else. */
export async function findFolder(walk: Walk, commit: CommitId, folder: string): Promise<TreeId | undefined> {
  let oid = (await walk.cache.commit(walk.source, commit)).tree as string;
  for (const name of folder === '' ? [] : folder.split('/')) {
    const entry: RawEntry | undefined = (await walk.cache.tree(walk.source, oid)).byName.get(name);
    if (entry?.mode !== '040000') return undefined;
    oid = entry.oid;
  }
  return oid as TreeId;
}

/** The entries of a tree, or all files below it, in git's order and with sizes. Limited, for a small repo can hold a tree of billions. */
export async function listTree(walk: Walk, tree: TreeId, recursive: boolean): Promise<TreeEntry[]> {
  const top = await walk.cache.tree(walk.source, tree);
  const found: { readonly path: string; readonly raw: RawEntry }[] = [];
  if (recursive) {
    const trees = await loadTrees(walk, tree, top);
    collect(trees, top, '', found);
  } else {
    for (const raw of top.entries) found.push({ path: raw.name, raw });
  }
  await fillSizes(walk, found);
  return found.map(({ path, raw }) => ({ path, mode: raw.mode, oid: raw.oid, size: raw.size }));
}

/** Loads all trees below one, level by level so that each level is one batch, each tree once; counts as if each place were walked. */
async function loadTrees(walk: Walk, root: string, top: Tree): Promise<ReadonlyMap<string, Tree>> {
  const trees = new Map<string, Tree>([[root, top]]);
  // How often each tree of this level occurs.
  let level = new Map<string, number>([[root, 1]]);
  let met = 0;
  for (let depth = 0; level.size > 0; depth++) {
    const below = new Map<string, number>();
    for (const [oid, times] of level) {
      const { entries } = trees.get(oid) ?? top;
      met += entries.length * times;
      if (met > walk.maxEntries || depth > MAX_DEPTH) throw tooLarge(root, walk.maxEntries);
      for (const entry of entries) {
        if (entry.mode === '040000') below.set(entry.oid, (below.get(entry.oid) ?? 0) + times);
      }
    }
    const oids = [...below.keys()].filter((oid) => !trees.has(oid));
    const loaded = await Promise.all(oids.map((oid) => walk.cache.tree(walk.source, oid)));
    for (const [index, tree] of loaded.entries()) trees.set(oids[index] ?? '', tree);
    level = below;
  }
  return trees;
}

function collect(
  trees: ReadonlyMap<string, Tree>,
  tree: Tree,
  prefix: string,
  found: { readonly path: string; readonly raw: RawEntry }[],
): void {
  for (const raw of tree.entries) {
    const path = prefix + raw.name;
    const below = raw.mode === '040000' ? trees.get(raw.oid) : undefined;
    if (below === undefined) found.push({ path, raw });
    else collect(trees, below, `${path}/`, found);
  }
}

async function fillSizes(walk: Walk, found: readonly { readonly raw: RawEntry }[]): Promise<void> {
  const unknown = new Set<RawEntry>();
  for (const { raw } of found) {
    if (raw.size === null && raw.mode !== '040000' && raw.mode !== '160000') unknown.add(raw);
  }
  const asked = [...unknown];
  const answers = await Promise.all(asked.map((raw) => walk.source.info(raw.oid)));
  for (const [index, raw] of asked.entries()) {
    const answer = answers[index];
    if (answer?.type !== 'blob') throw new MissingObject(raw.oid, 'blob');
    raw.size = answer.size;
  }
}

function tooLarge(tree: string, maxEntries: number): MainspringError {
  return new MainspringError('git-tree-unsupported', `tree ${tree}: more than ${maxEntries} entries, or too deep`, {
    hint: 'Point the source to a smaller folder (`//folder`).',
  });
}
