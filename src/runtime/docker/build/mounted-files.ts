import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MainspringError } from '../../../model/errors.ts';
import type { ArtifactKey } from '../../../model/ids.ts';
import type { SourceEntry, SourceTree } from '../../../model/source-tree.ts';
import { removeFolder } from '../../folders.ts';

/** What apps mount of their sources, kept by artifact: each in a folder of its own, whole or not there. */
export class MountedFiles {
  readonly #dir: string;
  readonly #workDir: string;

  /** `workDir`: where a folder is made before it counts, on the same disk. */
  constructor(dir: string, workDir: string) {
    this.#dir = dir;
    this.#workDir = workDir;
  }

  has(key: ArtifactKey): boolean {
    return existsSync(join(this.#dir, key));
  }

  /** Where a path of the source lies, for an artifact that has it. */
  placeOf(key: ArtifactKey, path: string): string {
    return join(this.#dir, key, path);
  }

  /** Takes these paths out of the source: files, and folders with all that is in them. Anybody may read them. Throws `build-failed` where one is not there. */
  async keep(key: ArtifactKey, paths: readonly string[], tree: SourceTree, signal: AbortSignal): Promise<void> {
    const entries = new Set(paths.flatMap((path) => entriesAt(tree, path)));
    const unfinished = join(this.#workDir, `${key}.files`);
    await removeFolder(unfinished);
    await mkdir(unfinished, { recursive: true, mode: 0o755 });
    for await (const { entry, content } of tree.read([...entries], signal)) {
      const path = join(unfinished, entry.path);
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await writeFile(path, content, { mode: entry.mode & 0o111 ? 0o755 : 0o644, signal });
    }
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    await removeFolder(join(this.#dir, key));
    await rename(unfinished, join(this.#dir, key));
  }

  async remove(key: ArtifactKey): Promise<void> {
    await removeFolder(join(this.#dir, key));
  }
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
