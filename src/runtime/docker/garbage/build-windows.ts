import { readFile, rename, writeFile } from 'node:fs/promises';

/** When a build ran, in milliseconds since the epoch. */
export interface BuildWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is older is in nobody's cache any more. */
const MOST_WINDOWS = 2_000;
/** The engine's clock is ours, but it writes its records a moment later. */
const SPARE_MS = 500;

/**
 * When builds of this installation ran. An engine's build cache names nobody; what it has of the time of our builds is taken for ours.
 * Where somebody else builds on the same engine at the same moment, a mistake costs them a slower build, and nothing else: what was used just
 * now is left alone.
 */
export class BuildWindows {
  readonly #file: string;
  #windows: Promise<BuildWindow[]> | null = null;

  constructor(file: string) {
    this.#file = file;
  }

  /** Notes a build that is over. */
  async add(window: BuildWindow): Promise<void> {
    const windows = await this.#all();
    windows.push(window);
    windows.splice(0, windows.length - MOST_WINDOWS);
    await writeFile(`${this.#file}.new`, JSON.stringify(windows));
    await rename(`${this.#file}.new`, this.#file);
  }

  /** Whether a moment was during one of our builds. */
  async holds(atMs: number): Promise<boolean> {
    return isWithin(await this.#all(), atMs);
  }

  #all(): Promise<BuildWindow[]> {
    this.#windows ??= readFile(this.#file, 'utf8').then(
      (text) => parsed(text),
      () => [],
    );
    return this.#windows;
  }
}

function isWithin(windows: readonly BuildWindow[], atMs: number): boolean {
  return windows.some(({ fromMs, toMs }) => atMs >= fromMs - SPARE_MS && atMs <= toMs + SPARE_MS);
}

function parsed(text: string): BuildWindow[] {
  try {
    const found: unknown = JSON.parse(text);
    return Array.isArray(found) ? (found as BuildWindow[]) : [];
  } catch {
    return [];
  }
}
