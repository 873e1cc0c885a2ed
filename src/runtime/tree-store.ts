import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import type { Clock } from '../model/clock.ts';
import type { ArtifactKey } from '../model/ids.ts';
import { makeOpenFolder, namesIn, removeFolder, removeTrash } from './folders.ts';
import { OPEN_FILES } from './record-files.ts';
import { surveyTree } from './tree-survey.ts';

/** What lies beside a whole tree, outside of what is served or run. */
export interface TreeMarker {
  /** When the tree was finished, in milliseconds since the epoch. */
  readonly at: number;
  readonly files: number;
  /** Over path, mode and size of all files, to find what an unclean stop left half written. */
  readonly survey: string;
  /** Content address, where the engine asked for one. */
  readonly digest: string | null;
}

const TEMP_PREFIX = '.new-';
const KEY = /^[0-9a-f]{64}$/;

/** Whether a name can be that of a tree. */
export function isKey(name: string): name is ArtifactKey {
  return KEY.test(name);
}

/**
 * Trees by artifact key: `KEY/tree/` and `KEY/complete`, the marker. A tree is there with its marker or not at all: it is filled
 * under another name and renamed when done. Files are not synced one by one; `recheck` finds what a power cut left of them.
 */
export class TreeStore {
  readonly dir: string;
  readonly #clock: Clock;

  constructor(dir: string, clock: Clock) {
    this.dir = dir;
    this.#clock = clock;
  }

  /** Where the files of a key are, if it is there. */
  treeOf(key: ArtifactKey): string {
    return join(this.dir, key, 'tree');
  }

  /** The marker of a tree that is there and whole. */
  async find(key: ArtifactKey): Promise<TreeMarker | undefined> {
    if (!isKey(key)) return undefined;
    const marker = await readMarker(join(this.dir, key, 'complete'));
    const tree = marker && (await stat(this.treeOf(key)).catch(() => undefined));
    return tree?.isDirectory() ? marker : undefined;
  }

  /** Keys of all trees that are there and whole. */
  async keys(): Promise<ArtifactKey[]> {
    const names = (await namesIn(this.dir)).filter(isKey);
    const whole = await pLimit(OPEN_FILES).map(names, async (key) => ((await this.find(key)) ? [key] : []));
    return whole.flat().sort();
  }

  /** Makes the tree of a key: `fill` makes the folder it is given and all in it, and may say a content address. */
  async add(key: ArtifactKey, fill: (tree: string) => Promise<string | null>): Promise<TreeMarker> {
    const temp = join(this.dir, `${TEMP_PREFIX}${key}`);
    await rm(temp, { recursive: true, force: true });
    await makeOpenFolder(temp);
    try {
      const digest = await fill(join(temp, 'tree'));
      const { files, digest: survey } = await surveyTree(join(temp, 'tree'), { content: false });
      const marker: TreeMarker = { at: this.#clock.now(), files, survey, digest };
      await writeFile(join(temp, 'complete'), JSON.stringify(marker));
      await removeFolder(join(this.dir, key));
      await rename(temp, join(this.dir, key));
      return marker;
    } finally {
      await removeFolder(temp);
    }
  }

  /** Removes a tree. A missing one counts as removed. */
  async remove(key: ArtifactKey): Promise<void> {
    if (isKey(key)) await removeFolder(join(this.dir, key));
  }

  /** Clears what a crash left of making and removing trees. Only while nobody makes one. */
  async tidy(): Promise<void> {
    await makeOpenFolder(this.dir);
    await removeTrash(this.dir, (name) => name.startsWith(TEMP_PREFIX));
  }

  /** Compares all trees finished since then with their markers, removes those that differ, and says which. For the start after an unclean stop. */
  async recheck(since: number): Promise<ArtifactKey[]> {
    const broken: ArtifactKey[] = [];
    for (const key of (await namesIn(this.dir)).filter(isKey)) {
      if (await this.#isSound(key, since)) continue;
      await this.remove(key);
      broken.push(key);
    }
    return broken.sort();
  }

  async #isSound(key: ArtifactKey, since: number): Promise<boolean> {
    const marker = await this.find(key);
    if (marker === undefined) return false;
    if (marker.at < since) return true;
    const { files, digest } = await surveyTree(this.treeOf(key), { content: false });
    return files === marker.files && digest === marker.survey;
  }
}

async function readMarker(path: string): Promise<TreeMarker | undefined> {
  try {
    const marker = JSON.parse(await readFile(path, 'utf8')) as TreeMarker;
    return typeof marker.survey === 'string' ? marker : undefined;
  } catch {
    // Missing, or cut off by a power failure: either way the tree does not count.
    return undefined;
  }
}
