import type { FileHandle } from 'node:fs/promises';
import type { LogFiles } from '../../log-files.ts';

/** A line that is longer is cut. */
const MOST_CHARACTERS = 4_096;
/** How many lines are written before a look at whether the file got too large. */
const ROTATE_EVERY = 200;

/** The log of one build while it is written. Bounded, as the files set older parts aside. */
export class BuildLog {
  readonly #files: LogFiles;
  readonly #file: FileHandle;
  #written = 0;

  private constructor(files: LogFiles, file: FileHandle) {
    this.#files = files;
    this.#file = file;
  }

  static async open(files: LogFiles): Promise<BuildLog> {
    return new BuildLog(files, await files.open('stdout'));
  }

  /** Writes a line; it is there when this comes back, so a build that prints without end waits for the disk. */
  async say(line: string): Promise<void> {
    await this.#file.write(`${line.slice(0, MOST_CHARACTERS)}\n`);
    this.#written += 1;
    if (this.#written % ROTATE_EVERY === 0) await this.#files.rotate();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
