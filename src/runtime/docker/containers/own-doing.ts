import type { InstanceId } from '../../../model/ids.ts';

/** What an instance is by our own doing. */
export type Wanted = 'running' | 'paused' | 'ended' | 'removed';

/** What we did to instances last, so that what the engine tells of it is not taken for something that happened by itself. */
export class OwnDoing {
  readonly #wanted = new Map<InstanceId, { readonly wanted: Wanted; readonly sinceMs: number }>();

  /** Said before it is done: what the engine tells of an earlier moment belongs to what was wanted before. */
  expect(id: InstanceId, wanted: Wanted, nowMs: number): void {
    this.#wanted.set(id, { wanted, sinceMs: nowMs });
  }

  /** Forgets an instance that is gone, some time after it went. */
  forget(id: InstanceId): void {
    this.#wanted.delete(id);
  }

  /** Whether the end of an instance is our own doing: we ended it, or it ended before our last start. */
  isOwnEnd(id: InstanceId, atMs: number): boolean {
    const last = this.#wanted.get(id);
    if (last === undefined) return false;
    return last.wanted === 'ended' || last.wanted === 'removed' || atMs < last.sinceMs;
  }

  /** What is wanted of an instance; undefined where nothing was done to it in this process. */
  wanted(id: InstanceId): Wanted | undefined {
    return this.#wanted.get(id)?.wanted;
  }
}
