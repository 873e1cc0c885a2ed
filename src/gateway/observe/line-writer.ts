import type { GatewayLog } from '../gateway-config.ts';

/** Where lines go in the end. */
export interface LineSink {
  /** Appends lines, each with its end. Throws when they could not be written whole. */
  append(lines: string): Promise<void>;
  /** Called now and then between writes: the time to change files. */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

const FLUSH_MS = 200;
const REFRESH_MS = 1_000;
/** A batch is written as soon as it is this long. */
const BATCH_CHARS = 64 * 1024;
/** Lines beyond this are dropped: the disk does not keep up, and requests don't wait for it. */
const MOST_CHARS = 4 * 1024 * 1024;

/**
 * Writes lines behind the back of whoever has them: `write` only keeps a line, and never fails. What cannot be written is dropped and
 * counted; that it began and that it is over is said once each.
 */
export class LineWriter {
  readonly #sink: LineSink;
  readonly #log: GatewayLog;
  #lines: string[] = [];
  #chars = 0;
  #dropped = 0;
  #allDropped = 0;
  #isFailing = false;
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(sink: LineSink, log: GatewayLog) {
    this.#sink = sink;
    this.#log = log;
  }

  /** How many lines were lost so far. */
  get dropped(): number {
    return this.#allDropped;
  }

  /** Takes a line, without its end. */
  write(line: string): void {
    if (this.#chars + line.length >= MOST_CHARS) {
      this.#drop(1, new Error('the disk does not keep up'));
      return;
    }
    this.#lines.push(line);
    this.#chars += line.length + 1;
    if (this.#chars >= BATCH_CHARS) void this.#flush();
    else this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
  }

  /** Writes what is there, and closes the file. */
  async close(): Promise<void> {
    await this.#flushing;
    await this.#flush();
    await this.#sink.close().catch(() => {});
  }

  #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#flushing ??= this.#writeAll().finally(() => {
      this.#flushing = undefined;
    });
    return this.#flushing;
  }

  async #writeAll(): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#chars = 0;
      try {
        await this.#refreshIfDue();
        await this.#sink.append(`${lines.join('\n')}\n`);
        this.#recovered();
      } catch (error) {
        this.#drop(lines.length, error);
        // The next attempt opens anew, the file may be on a disk that has gone; and one that can't be put aside may not grow on.
        this.#refreshedAt = Number.NEGATIVE_INFINITY;
        await this.#sink.close().catch(() => {});
      }
    }
  }

  async #refreshIfDue(): Promise<void> {
    const now = performance.now();
    if (now - this.#refreshedAt < REFRESH_MS) return;
    this.#refreshedAt = now;
    await this.#sink.refresh();
  }

  #drop(count: number, error: unknown): void {
    this.#dropped += count;
    this.#allDropped += count;
    if (!this.#isFailing)
      this.#log('warn', 'the access log cannot be written: lines are dropped', { error: String(error) });
    this.#isFailing = true;
  }

  #recovered(): void {
    if (!this.#isFailing) return;
    this.#log('info', 'the access log is written again', { dropped: this.#dropped });
    this.#isFailing = false;
    this.#dropped = 0;
  }
}
