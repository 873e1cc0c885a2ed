import { type FileHandle, open } from 'node:fs/promises';

/** A file that is open for somebody, who must give it back by `close`, once. */
export interface OpenFile {
  /** Fills a part of the buffer, from its beginning, with what the file has at the position. Gives how much that was. */
  read(buffer: Buffer, length: number, position: number): Promise<number>;
  readonly size: number;
  close(): void;
}

/** Why there is no open file: it is gone, or too many are open for now. */
export type OpenFault = 'gone' | 'busy';

interface Shared {
  readonly opened: Promise<{ readonly handle: FileHandle; readonly size: number }>;
  users: number;
}

/** Descriptors of all processes of a machine are limited; these are for different files that are being sent at one time. */
export const MOST_OPEN_FILES = 256;

/** Opens files for reading, each once for all who read it at that time, and no more than so many. */
export class OpenFiles {
  readonly #shared = new Map<string, Shared>();
  readonly #most: number;

  constructor(most = MOST_OPEN_FILES) {
    this.#most = most;
  }

  /** How many are open, or about to be. */
  get count(): number {
    return this.#shared.size;
  }

  async open(path: string): Promise<OpenFile | OpenFault> {
    const shared = this.#shared.get(path) ?? this.#begin(path);
    if (shared === undefined) return 'busy';
    shared.users += 1;
    const close = once(() => this.#leave(path, shared));
    try {
      const { handle, size } = await shared.opened;
      const read = async (buffer: Buffer, length: number, position: number) =>
        (await handle.read(buffer, 0, length, position)).bytesRead;
      return { read, size, close };
    } catch (error) {
      close();
      return faultOf(error);
    }
  }

  #begin(path: string): Shared | undefined {
    if (this.#shared.size >= this.#most) return undefined;
    const shared = { opened: openForReading(path), users: 0 };
    this.#shared.set(path, shared);
    return shared;
  }

  #leave(path: string, shared: Shared): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#shared.delete(path);
    // One that never opened has nothing to close; one that fails to close is nobody's any more.
    shared.opened.then(({ handle }) => handle.close()).catch(() => {});
  }
}

async function openForReading(path: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  const handle = await open(path);
  try {
    const found = await handle.stat();
    if (!found.isFile()) throw Object.assign(new Error(`"${path}" is no file`), { code: 'ENOENT' });
    return { handle, size: found.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function faultOf(error: unknown): OpenFault {
  if (isExhausted(error)) return 'busy';
  if (isNoSuchFile(error)) return 'gone';
  throw error;
}

/** Whether the machine or the process has no descriptor left, for now. */
export function isExhausted(error: unknown): boolean {
  return ['EMFILE', 'ENFILE', 'ENOMEM'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Whether an error of the file system only says that there is nothing to read at that path. */
export function isNoSuchFile(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');
}

function once(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) action();
    isDone = true;
  };
}
