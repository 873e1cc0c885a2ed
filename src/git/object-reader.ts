import { CatFile, CatFileDied } from './cat-file.ts';
import type { CatFileAnswer } from './cat-file-answer.ts';
import { timeoutError } from './deadline.ts';
import { missingGit } from './run-git.ts';
import { UnreadableObject } from './unreadable-object.ts';

/** Where a reader reads, and how long an answer may take. */
export interface ObjectReaderOptions {
  readonly gitDir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stallMs: number;
}

type Mode = 'check' | 'contents';

const OBJECT_ID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const TRIES = 2;

/** Reads objects of one git folder through long-lived processes, started when needed and again when they died. */
export class ObjectReader {
  readonly #options: ObjectReaderOptions;
  readonly #processes = new Map<Mode, CatFile>();
  #asked = 0;

  constructor(options: ObjectReaderOptions) {
    this.#options = options;
  }

  /** Whether nobody waits for it. */
  get isIdle(): boolean {
    return this.#asked === 0;
  }

  /** Type and size of an object; null if it is not there. */
  info(oid: string): Promise<CatFileAnswer> {
    return this.#ask('check', oid);
  }

  /** An object with its content, all of it in memory: ask for its size first. Null if it is not there. */
  read(oid: string): Promise<CatFileAnswer> {
    return this.#ask('contents', oid);
  }

  /** Ends the processes; the next question starts new ones. */
  close(): void {
    for (const process of this.#processes.values()) process.close();
    this.#processes.clear();
  }

  async #ask(mode: Mode, oid: string): Promise<CatFileAnswer> {
    if (!OBJECT_ID.test(oid)) throw new TypeError(`not an object id: ${JSON.stringify(oid)}`);
    this.#asked += 1;
    try {
      return await this.#askPatiently(mode, oid);
    } finally {
      this.#asked -= 1;
    }
  }

  /** A process that dies takes down what waits behind the culprit too: only the culprit's tries count. */
  async #askPatiently(mode: Mode, oid: string): Promise<CatFileAnswer> {
    for (let triesLeft = TRIES; ; ) {
      try {
        return await this.#process(mode).ask(oid);
      } catch (error) {
        if (!(error instanceof CatFileDied)) throw error;
        if (error.stalled) throw timeoutError(`read objects of "${this.#options.gitDir}"`, this.#options.stallMs);
        if (error.spawnError !== null) throw missingGit(error.spawnError);
        if (error.atFault) triesLeft -= 1;
        if (triesLeft === 0) throw new UnreadableObject(error.message, { cause: error });
      }
    }
  }

  #process(mode: Mode): CatFile {
    const running = this.#processes.get(mode);
    if (running?.isAlive === true) return running;
    const started = new CatFile({ ...this.#options, mode });
    this.#processes.set(mode, started);
    return started;
  }
}
