import { ObjectReader } from './object-reader.ts';

/** How a pool makes and keeps readers. */
export interface ReaderPoolOptions {
  readonly env: (gitDir: string) => Readonly<Record<string, string>>;
  readonly stallMs: number;
  /**
   * How many readers (of at most two processes each) are kept, those in use aside. Where more repos than this take turns, each
   * turn starts processes anew, which costs far more than the few MiB of one that waits.
   */
  readonly maxReaders?: number;
  /** How long a reader that nobody asks is kept. */
  readonly idleMs?: number;
}

interface Entry {
  readonly reader: ObjectReader;
  lastUse: number;
}

/** Readers by git folder: a bounded number, the least recently used closed first, and all of them when idle. */
export class ReaderPool {
  readonly #options: Required<ReaderPoolOptions>;
  // Least recently used first.
  readonly #readers = new Map<string, Entry>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ReaderPoolOptions) {
    this.#options = { maxReaders: 32, idleMs: 30_000, ...options };
  }

  /** The reader of a git folder. Ask for it anew each time: it may be closed when idle, which does no harm. */
  get(gitDir: string): ObjectReader {
    const known = this.#readers.get(gitDir);
    const { stallMs } = this.#options;
    const reader = known?.reader ?? new ObjectReader({ gitDir, stallMs, env: this.#options.env(gitDir) });
    this.#readers.delete(gitDir);
    this.#readers.set(gitDir, { reader, lastUse: performance.now() });
    this.#closeSurplus();
    this.#timer ??= setInterval(() => this.#closeIdle(), this.#options.idleMs).unref();
    return reader;
  }

  /** Closes the reader of a git folder, if there is one. */
  drop(gitDir: string): void {
    this.#readers.get(gitDir)?.reader.close();
    this.#readers.delete(gitDir);
  }

  /** Closes all of them. */
  close(): void {
    for (const gitDir of [...this.#readers.keys()]) this.drop(gitDir);
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }

  #closeSurplus(): void {
    for (const [gitDir, { reader }] of this.#readers) {
      if (this.#readers.size <= this.#options.maxReaders) return;
      if (reader.isIdle) this.drop(gitDir);
    }
  }

  #closeIdle(): void {
    const before = performance.now() - this.#options.idleMs;
    for (const [gitDir, { reader, lastUse }] of this.#readers) {
      if (reader.isIdle && lastUse < before) this.drop(gitDir);
    }
    if (this.#readers.size === 0) this.close();
  }
}
