import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { BoundedCache } from '../reading/bounded-cache.ts';
import type { Coding } from './content-coding.ts';
import type { Representation, StaticFile } from './static-files.ts';

/** The codings that are made here, in our order. */
export const MADE_CODINGS = ['br', 'gzip'] as const satisfies readonly Coding[];
/** One of them. */
export type MadeCoding = (typeof MADE_CODINGS)[number];

// Measured on JavaScript of 10 to 580 KB: brotli 11 takes 25 to 50 times as long as 6 for a tenth less; gzip 9 twice as long for nothing.
const BROTLI_QUALITY = 6;
const GZIP_LEVEL = 6;
const LIMITS = { entries: 2_000, bytes: 16 * 1024 * 1024 };
/** Of the four threads that also read files. */
const MOST_AT_ONCE = 2;
/** A file that gets no smaller than this is sent as it is. */
const WORTH_IT = 0.9;

/** Made by another version of an encoder the bytes are others, and so must be the tag. */
const ENCODERS: Readonly<Record<MadeCoding, string>> = {
  br: `br${process.versions.brotli}q${BROTLI_QUALITY}`,
  gzip: `gzip${process.versions.zlib}l${GZIP_LEVEL}`,
};

/** The tag of a file as it is compressed here, known before that is done. */
export function madeTag(file: StaticFile, coding: MadeCoding): string {
  return `"${file.identity}-${ENCODERS[coding]}"`;
}

/** Compresses files, each once for each coding, off the main thread; keeps what it made within bounds. */
export class Compressor {
  readonly #made = new BoundedCache<Representation | 'not-worth-it'>(LIMITS);
  readonly #running = new Map<string, Promise<Representation | 'not-worth-it'>>();

  /** What is made already. */
  find(file: StaticFile, coding: MadeCoding): Representation | 'not-worth-it' | undefined {
    return this.#made.get(madeTag(file, coding));
  }

  /** Makes it, or joins whoever does. Undefined: there is too much to do for now. */
  make(file: StaticFile, coding: MadeCoding): Promise<Representation | 'not-worth-it'> | undefined {
    const tag = madeTag(file, coding);
    const running = this.#running.get(tag);
    if (running !== undefined || this.#running.size >= MOST_AT_ONCE) return running;
    const making = this.#make(file, coding).finally(() => this.#running.delete(tag));
    this.#running.set(tag, making);
    return making;
  }

  async #make(file: StaticFile, coding: MadeCoding): Promise<Representation | 'not-worth-it'> {
    const tag = madeTag(file, coding);
    const plain = file.plain.content ?? (await readFile(file.plain.path));
    if (plain.length !== file.plain.size) throw new Error(`"${file.plain.path}" has changed`);
    const content = await compress(plain, coding);
    const isWorthIt = content.length < plain.length * WORTH_IT;
    const made = isWorthIt ? { coding, path: '', size: content.length, tag, content } : 'not-worth-it';
    this.#made.set(tag, made, isWorthIt ? content.length : 0);
    return made;
  }
}

const gzipAsync = promisify(gzip);
const brotliAsync = promisify(brotliCompress);

function compress(content: Buffer, coding: MadeCoding): Promise<Buffer> {
  if (coding === 'gzip') return gzipAsync(content, { level: GZIP_LEVEL });
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = constants;
  return brotliAsync(content, {
    params: { [BROTLI_PARAM_QUALITY]: BROTLI_QUALITY, [BROTLI_PARAM_SIZE_HINT]: content.length },
  });
}
