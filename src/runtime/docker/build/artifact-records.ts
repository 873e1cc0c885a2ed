import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactKey } from '../../../model/ids.ts';
import { isMissing, namesIn } from '../../folders.ts';
import type { BaseImage } from './base-images.ts';

/** What is kept of an artifact beside its image, so that a lost one can be made again from the same bases. */
export interface ArtifactRecord {
  readonly bases: readonly BaseImage[];
}

const SUFFIX = '.json';

/** One small file for each artifact. */
export class ArtifactRecords {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** What is on record; nothing where there is none, or none that can be read. */
  async find(key: ArtifactKey): Promise<ArtifactRecord> {
    const text = await readFile(this.#path(key), 'utf8').catch((error: unknown) => {
      if (isMissing(error)) return '{}';
      throw error;
    });
    try {
      const { bases } = JSON.parse(text) as Partial<ArtifactRecord>;
      return { bases: bases ?? [] };
    } catch {
      return { bases: [] };
    }
  }

  async save(key: ArtifactKey, record: ArtifactRecord): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    const unfinished = `${this.#path(key)}.new`;
    await writeFile(unfinished, JSON.stringify(record), { flush: true });
    await rename(unfinished, this.#path(key));
  }

  async remove(key: ArtifactKey): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  /** Of which artifacts there are records. */
  async keys(): Promise<readonly ArtifactKey[]> {
    const names = await namesIn(this.#dir);
    return names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length) as ArtifactKey);
  }

  /** How long ago a record was written. */
  async ageMs(key: ArtifactKey, nowMs: number): Promise<number> {
    const { mtimeMs } = await stat(this.#path(key)).catch(() => ({ mtimeMs: nowMs }));
    return nowMs - mtimeMs;
  }

  #path(key: ArtifactKey): string {
    return join(this.#dir, `${key}${SUFFIX}`);
  }
}
