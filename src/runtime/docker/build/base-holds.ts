import { Turns } from '../../turns.ts';

/** Tags of base images that builds under way rely on, so that no sweep takes one away between its being found and its being used. */
export class BaseHolds {
  readonly #holds = new Map<string, number>();
  readonly #turns = new Turns();

  /** Puts a tag on by `put`; it is held from then on until `release`. */
  async hold(tag: string, put: () => Promise<void>): Promise<void> {
    this.#holds.set(tag, (this.#holds.get(tag) ?? 0) + 1);
    await this.#turns.take(tag, put);
  }

  /** Gives up what was held once. */
  release(tag: string): void {
    const left = (this.#holds.get(tag) ?? 0) - 1;
    if (left > 0) this.#holds.set(tag, left);
    else this.#holds.delete(tag);
  }

  /** Takes a tag away by `remove`, unless it is held. */
  async removeUnheld(tag: string, remove: () => Promise<void>): Promise<void> {
    await this.#turns.take(tag, async () => {
      if (!this.#holds.has(tag)) await remove();
    });
  }
}
