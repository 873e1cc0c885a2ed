/** Files of this machine that go into an image. */
export interface Part {
  /** The folder here that `files` are relative to. */
  readonly from: string;
  /** Files, links and folders, each for itself: a folder brings nothing that lies in it. */
  readonly files: readonly string[];
  /** The folder there. */
  readonly to: string;
}

/** What an image consists of, and what is set in it. */
export interface Contents {
  /** A later one wins where two have the same file. */
  readonly parts: readonly Part[];
  /** Small files by path, as they stand; in a `bin` folder they are programs. */
  readonly texts?: Readonly<Record<string, string>>;
  /** Symbolic links: place → target. */
  readonly links?: Readonly<Record<string, string>>;
  /** Folders to be made, ordinary ones but for `/tmp` and `/var/tmp`. */
  readonly folders?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly command: readonly string[];
  /** Run once in the image while it is made. */
  readonly setUp?: readonly string[];
}

/** How the stand-in of one official image is made from what this machine has. */
export interface Recipe {
  /** Official names, without which registry they come from. */
  readonly names: readonly string[];
  /** Throws BaseImageUnavailable where the machine lacks what is needed. */
  collect(): Promise<Contents>;
}

/** The machine has not got what a stand-in is made of. */
export class BaseImageUnavailable extends Error {}
