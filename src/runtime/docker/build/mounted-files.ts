import { chmod, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '../../../model/clock.ts';
import { MainspringError } from '../../../model/errors.ts';
import type { ArtifactKey } from '../../../model/ids.ts';
import type { SourceEntry, SourceTree } from '../../../model/source-tree.ts';
import { makeOpenFolder } from '../../folders.ts';
import { TreeStore } from '../../tree-store.ts';

/** What apps mount of their sources, kept by artifact: whole or not there. Every user may read it, as users of containers are anybody. */
export class MountedFiles {
  readonly #trees: TreeStore;

  constructor(dir: string, clock: Clock) {
    this.#trees = new TreeStore(dir, clock);
  }

  async has(key: ArtifactKey): Promise<boolean> {
    return (await this.#trees.find(key)) !== undefined;
  }

  /** Where a path of the source lies, for an artifact that has it. */
  placeOf(key: ArtifactKey, path: string): string {
    return join(this.#trees.treeOf(key), path);
  }

  /** Takes these paths out of the source: files, and folders with all that is in them. Throws `build-failed` where one is not there. */
  async keep(key: ArtifactKey, paths: readonly string[], source: SourceTree, signal: AbortSignal): Promise<void> {
    const entries = [...new Set(paths.flatMap((path) => entriesAt(source, path)))];
    await this.#trees.add(key, async (tree) => {
      const folders = new Set(entries.flatMap(({ path }) => foldersOf(path)));
      for (const folder of folders) await makeOpenFolder(join(tree, folder));
      for await (const { entry, content } of source.read(entries, signal)) {
        const path = join(tree, entry.path);
        await writeFile(path, content, { signal });
        await chmod(path, entry.mode & 0o111 ? 0o755 : 0o644);
      }
      return null;
    });
  }

  async remove(key: ArtifactKey): Promise<void> {
    await this.#trees.remove(key);
  }

  /** Removes those made since then that an unclean stop left half written, and says which. */
  async recheck(since: number): Promise<readonly ArtifactKey[]> {
    return this.#trees.recheck(since);
  }

  /** Clears what a crash left of making and removing them. */
  async tidy(): Promise<void> {
    await this.#trees.tidy();
  }
}

/** The folders that a path is in, the outermost (`.`) first. */
function foldersOf(path: string): string[] {
  const folder = dirname(path);
  return folder === '.' ? ['.'] : [...foldersOf(folder), folder];
}

function entriesAt({ entries }: SourceTree, path: string): readonly SourceEntry[] {
  const found = entries.filter((entry) => entry.path === path || entry.path.startsWith(`${path}/`));
  if (found.length === 0) throw unfit(path, 'there is no such file or folder in the source');
  const link = found.find(({ kind }) => kind === 'symlink');
  if (link !== undefined) throw unfit(path, `"${link.path}" is a link: expected files and folders`);
  return found;
}

function unfit(path: string, fault: string): MainspringError {
  return new MainspringError('build-failed', `container_vols "./${path}": ${fault}`, {
    hint: 'Paths are taken from the top of the source folder of the app.',
  });
}
