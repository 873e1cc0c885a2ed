import { type Compressor, MADE_CODINGS, type MadeCoding, madeTag } from './compressor.ts';
import { CODINGS, type Coding, type CodingChoice } from './content-coding.ts';
import type { Representation, StaticFile } from './static-files.ts';

/** What a request says about codings and parts. */
export interface CodingWish {
  readonly acceptEncoding: string | undefined;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
}

/** What to send: this, what comes of that, nothing (`none`, 406), or nothing for now (`busy`). */
export type Chosen = Representation | Promise<Representation | 'none' | 'busy'> | 'none' | 'busy';

// A larger file goes out as it is for as long as its compressed form is not ready.
const WAITED_FOR_BYTES = 64 * 1024;

/** Chooses in which coding a file is sent, and has it compressed where that pays. */
export class StaticCodings {
  readonly #choice: CodingChoice;
  readonly #compressor: Compressor;

  constructor(choice: CodingChoice, compressor: Compressor) {
    this.#choice = choice;
    this.#compressor = compressor;
  }

  /** The representation that the client likes best (RFC 9110, 12.5.3). */
  choose(file: StaticFile, wish: CodingWish): Chosen {
    const coding = this.#choice.choose(wish.acceptEncoding, this.#offers(file, wish));
    if (coding === null) return 'none';
    if (coding === 'identity') return file.plain;
    const there =
      file.stored.find((other) => other.coding === coding) ?? this.#compressor.find(file, coding as MadeCoding);
    if (typeof there === 'object') return there;
    const making = this.#compressor.make(file, coding as MadeCoding);
    const plain = this.#takes(wish, 'identity') ? file.plain : undefined;
    if (making === undefined) return plain ?? 'busy';
    const done = making.then(
      (made) => (made === 'not-worth-it' ? (plain ?? 'none') : made),
      () => plain ?? 'busy',
    );
    return plain !== undefined && plain.size > WAITED_FOR_BYTES ? plain : done;
  }

  /** The tags of all codings of the file that the client takes; of what is made here also before it is. */
  tags(file: StaticFile, wish: CodingWish): string[] {
    const stored = file.stored.filter(({ coding }) => this.#takes(wish, coding)).map(({ tag }) => tag);
    const made = file.pays ? MADE_CODINGS.filter((coding) => this.#takes(wish, coding)) : [];
    const plain = this.#takes(wish, 'identity') ? [file.plain.tag] : [];
    return [...stored, ...made.map((coding) => madeTag(file, coding)), ...plain];
  }

  /**
   * Whoever asks for parts may fetch the others later, from a process that has not compressed the file yet; so parts of what is
   * compressed here are for those only who say by If-Range that they have it.
   */
  #offers(file: StaticFile, { range, ifRange }: CodingWish): readonly Coding[] {
    if (!isNegotiated(file)) return [];
    const isOffered = (coding: Coding) =>
      file.stored.some((other) => other.coding === coding) ||
      (file.pays &&
        coding !== 'zstd' &&
        (range === undefined || ifRange === madeTag(file, coding)) &&
        this.#compressor.find(file, coding) !== 'not-worth-it');
    return CODINGS.filter(isOffered);
  }

  #takes({ acceptEncoding }: CodingWish, coding: Coding | 'identity'): boolean {
    return this.#choice.choose(acceptEncoding, coding === 'identity' ? [] : [coding]) === coding;
  }
}

/** Whether what is sent of a file depends on what the client takes. */
export function isNegotiated(file: StaticFile): boolean {
  return file.pays || file.stored.length > 0;
}
