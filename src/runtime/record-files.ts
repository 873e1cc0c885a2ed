import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { MainspringError } from '../model/errors.ts';
import type { InstanceId } from '../model/ids.ts';
import { namesIn } from './folders.ts';

const SUFFIX = '.json';
const UNFINISHED = `${SUFFIX}.new`;
/** How many files are read at a time, at most: a process may open a limited number. */
export const OPEN_FILES = 64;
const SAFE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * What an engine must know of each instance over a restart of the controller: one small JSON file by id, read once, then kept in
 * memory (the controller is the only writer). Files are replaced as a whole but not synced: what a power cut takes, it takes
 * together with everything that ran.
 */
export class RecordFiles<T> {
  readonly #dir: string;
  #records: Promise<Map<InstanceId, T>> | null = null;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async find(id: InstanceId): Promise<T | undefined> {
    return (await this.#all()).get(id);
  }

  /** All records by id, in no particular order. */
  async all(): Promise<ReadonlyMap<InstanceId, T>> {
    return this.#all();
  }

  /** Writes a record; it is on disk, whole, when this comes back. */
  async save(id: InstanceId, record: T): Promise<void> {
    const records = await this.#all();
    const path = join(this.#dir, fileName(id));
    const unfinished = join(this.#dir, `${checkedId(id)}${UNFINISHED}`);
    // A start waits for this twice. It is some hundred bytes into memory, sooner done than handed to another thread and back four times.
    writeFileSync(unfinished, JSON.stringify(record));
    renameSync(unfinished, path);
    records.set(id, record);
  }

  /** Forgets a record. A missing one counts as removed. */
  async remove(id: InstanceId): Promise<void> {
    const records = await this.#all();
    if (!records.has(id)) return;
    await rm(join(this.#dir, fileName(id)), { force: true });
    records.delete(id);
  }

  #all(): Promise<Map<InstanceId, T>> {
    this.#records ??= this.#load().catch((error: unknown) => {
      this.#records = null;
      throw error;
    });
    return this.#records;
  }

  async #load(): Promise<Map<InstanceId, T>> {
    await mkdir(this.#dir, { recursive: true });
    const all = await namesIn(this.#dir);
    // Of a write that a crash cut off: the record is as it was before.
    for (const name of all.filter((one) => one.endsWith(UNFINISHED))) await rm(join(this.#dir, name), { force: true });
    const names = all.filter((name) => name.endsWith(SUFFIX));
    const records = new Map<InstanceId, T>();
    await pLimit(OPEN_FILES).map(names, async (name) => {
      const record = parseRecord<T>(await readFile(join(this.#dir, name), 'utf8'));
      if (record !== undefined) records.set(name.slice(0, -SUFFIX.length) as InstanceId, record);
    });
    return records;
  }
}

/** Whether the id can be the name of a file or folder. */
export function isSafeId(id: InstanceId): boolean {
  return SAFE_NAME.test(id);
}

/** Throws unless the id can be the name of a file or folder. */
export function checkedId(id: InstanceId): InstanceId {
  if (isSafeId(id)) return id;
  throw new MainspringError('engine-failed', `instance "${id}": expected an id of letters, digits and ._-`);
}

function fileName(id: InstanceId): string {
  return `${checkedId(id)}${SUFFIX}`;
}

/** Undefined for a file that a power cut left empty or cut off. */
function parseRecord<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
