import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A log on disk that is cut into files. */
export interface LogFileOptions {
  readonly path: string;
  /** A file that has become this large is put aside, and a new one begun. */
  readonly maxBytes: number;
  /** How many files that were put aside are kept: `PATH.1` is the newest. */
  readonly keep: number;
}

// A lock older than this was left by a process that was killed in the moment of putting a file aside.
const STALE_LOCK_MS = 10_000;

/**
 * A file that several processes append to, each by whole lines in one write (O_APPEND: the kernel puts one after the other), and
 * that any of them puts aside when it is full. Whoever moves or removes the file meanwhile, logrotate or a process of ours: `refresh` begins a new one.
 */
export class LogFile {
  readonly #options: LogFileOptions;
  #handle: FileHandle | undefined;
  #isCut = false;

  constructor(options: LogFileOptions) {
    this.#options = options;
  }

  /** Appends lines, each with its end. Throws when they could not be written whole. */
  async append(lines: string): Promise<void> {
    this.#handle ??= await openLog(this.#options.path);
    const text = this.#isCut ? `\n${lines}` : lines;
    const bytes = Buffer.from(text);
    const { bytesWritten } = await this.#handle.write(bytes);
    // A full disk may take a part. The next line must not continue this one.
    this.#isCut = bytesWritten < bytes.length ? bytesWritten > 0 || this.#isCut : false;
    if (bytesWritten < bytes.length) throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' });
  }

  /** Puts the file aside if it is full, and lets go of one that is not at its path any more. */
  async refresh(): Promise<void> {
    const handle = this.#handle;
    if (handle === undefined) return;
    const [ours, there] = await Promise.all([handle.stat(), stat(this.#options.path).catch(() => undefined)]);
    const isOurs = there?.ino === ours.ino && there.dev === ours.dev;
    if (isOurs && ours.size < this.#options.maxBytes) return;
    if (isOurs && !(await putAside(this.#options, ours.ino))) return;
    await this.close();
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#isCut = false;
    await handle?.close();
  }
}

async function openLog(path: string): Promise<FileHandle> {
  const append = () => open(path, 'a', 0o640);
  try {
    return await append();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    return append();
  }
}

/** False: another process is at it. */
async function putAside({ path, keep }: LogFileOptions, inode: number): Promise<boolean> {
  const lock = await takeLock(`${path}.lock`);
  if (lock === undefined) return false;
  try {
    // Another one may have done it just before, and nobody begun a new one yet.
    const there = await stat(path).catch(() => undefined);
    if (there?.ino !== inode) return true;
    if (keep === 0) await rm(path, { force: true });
    else await shift(path, await firstFree(path, keep));
    return true;
  } finally {
    await lock.close();
    await rm(`${path}.lock`, { force: true });
  }
}

async function takeLock(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const found = await stat(path).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > STALE_LOCK_MS) await rm(path, { force: true });
    return undefined;
  }
}

/** Up to which number the files are moved on: one that is missing, or the last, which goes. */
async function firstFree(path: string, keep: number): Promise<number> {
  for (let at = 1; at < keep; at += 1) {
    if ((await stat(`${path}.${at}`).catch(() => undefined)) === undefined) return at;
  }
  return keep;
}

async function shift(path: string, last: number): Promise<void> {
  for (let at = last; at > 1; at -= 1) await rename(`${path}.${at - 1}`, `${path}.${at}`);
  await rename(path, `${path}.1`);
}
