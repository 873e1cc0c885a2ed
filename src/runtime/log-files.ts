import { copyFile, type FileHandle, mkdir, open, readFile, rename, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../model/clock.ts';
import type { LogLine, LogRequest } from './engine.ts';
import { isMissing } from './folders.ts';

/** How much is kept of each stream. */
export interface LogBounds {
  /** A file that is larger is set aside. */
  readonly maxBytes: number;
  /** How many set-aside files are kept besides the one that is written. */
  readonly files: number;
}

/** 3 MiB of each stream. */
export const DEFAULT_BOUNDS: LogBounds = { maxBytes: 1024 ** 2, files: 2 };

type Stream = LogLine['stream'];
const STREAMS: readonly Stream[] = ['stdout', 'stderr'];
const FOLLOW_MS = 200;

/**
 * The output of one instance or build, in one folder: `stdout.log`, `stderr.log`, and `.1`, `.2` … set aside. Processes write the files
 * themselves (in append mode), so output survives the controller; a file that got too large is copied and emptied under them.
 */
export class LogFiles {
  readonly dir: string;
  readonly #bounds: LogBounds;

  constructor(dir: string, bounds: LogBounds) {
    this.dir = dir;
    this.#bounds = bounds;
  }

  /** Opens a stream for appending; the caller closes it. */
  async open(stream: Stream): Promise<FileHandle> {
    await mkdir(this.dir, { recursive: true });
    return open(this.#path(stream, 0), 'a', 0o600);
  }

  /** Writes a line of our own among what the process prints. */
  async note(text: string): Promise<void> {
    const file = await this.open('stdout');
    await file.write(`[mainspring] ${text}\n`).finally(() => file.close());
  }

  /** Sets files aside that got too large. Lines written in the moment between copying and emptying are lost. */
  async rotate(): Promise<void> {
    for (const stream of STREAMS) {
      const { size } = await stat(this.#path(stream, 0)).catch(() => ({ size: 0 }));
      if (size > this.#bounds.maxBytes) await this.#setAside(stream).catch(unlessMissing);
    }
  }

  /** The last lines of each stream: those of stdout, then those of stderr (how the two mixed is not known). */
  async tail(lines: number): Promise<LogLine[]> {
    const both = await Promise.all(STREAMS.map(async (stream) => toLines(stream, await this.#readAll(stream))));
    return lines > 0 ? both.flatMap((all) => all.slice(-lines)) : [];
  }

  /** Whether there is a log. */
  async exists(): Promise<boolean> {
    return stat(this.dir).then(
      () => true,
      () => false,
    );
  }

  /** The tail, and with `follow` what is written from then on: until the signal aborts, the folder is gone or `isOver` says so. */
  async *read(request: LogRequest, following: Following): AsyncGenerator<LogLine, void, undefined> {
    const cursors = await Promise.all(STREAMS.map((stream) => this.#cursorAtEnd(stream)));
    yield* await this.tail(request.tail);
    while (request.follow && !following.signal.aborted && (await this.exists())) {
      const isOver = following.isOver();
      for (const cursor of cursors) yield* await this.#advance(cursor);
      if (isOver) return;
      await following.clock.sleep(FOLLOW_MS, following.signal).catch(() => undefined);
    }
  }

  #path(stream: Stream, index: number): string {
    return join(this.dir, index === 0 ? `${stream}.log` : `${stream}.log.${index}`);
  }

  async #setAside(stream: Stream): Promise<void> {
    for (let index = this.#bounds.files; index > 1; index--) {
      await rename(this.#path(stream, index - 1), this.#path(stream, index)).catch(unlessMissing);
    }
    if (this.#bounds.files > 0) await copyFile(this.#path(stream, 0), this.#path(stream, 1));
    await truncate(this.#path(stream, 0));
  }

  async #readAll(stream: Stream): Promise<string> {
    const indexes = Array.from({ length: this.#bounds.files + 1 }, (_, n) => this.#bounds.files - n);
    const parts = await Promise.all(indexes.map((index) => readOrEmpty(this.#path(stream, index))));
    return Buffer.concat(parts).toString();
  }

  async #cursorAtEnd(stream: Stream): Promise<Cursor> {
    const bytes = await readOrEmpty(this.#path(stream, 0));
    // A line that is not ended yet is a part of the tail, and comes whole again when it is.
    return { stream, offset: bytes.lastIndexOf(0x0a) + 1 };
  }

  async #advance(cursor: Cursor): Promise<LogLine[]> {
    const current = await readOrEmpty(this.#path(cursor.stream, 0));
    const isEmptied = current.length < cursor.offset;
    const earlier = isEmptied
      ? (await readOrEmpty(this.#path(cursor.stream, 1))).subarray(cursor.offset)
      : Buffer.alloc(0);
    const fresh = Buffer.concat([earlier, current.subarray(isEmptied ? 0 : cursor.offset)]);
    const whole = fresh.subarray(0, fresh.lastIndexOf(0x0a) + 1);
    cursor.offset = (isEmptied ? -earlier.length : cursor.offset) + whole.length;
    return toLines(cursor.stream, whole.toString());
  }
}

/** When following a log ends. */
export interface Following {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isOver: () => boolean;
}

interface Cursor {
  readonly stream: Stream;
  offset: number;
}

function toLines(stream: Stream, text: string): LogLine[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => ({ at: null, stream, text: line.replace(/\r$/, '') }));
}

function readOrEmpty(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    unlessMissing(error);
    return Buffer.alloc(0);
  });
}

function unlessMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
