import { setImmediate } from 'node:timers/promises';

const SLICE_MS = 8;

/** Lets others have their turn in a long piece of work. */
export class TimeSlice {
  #since = performance.now();

  /** Waits for a turn of the event loop when the slice is over. */
  async pause(): Promise<void> {
    if (performance.now() - this.#since < SLICE_MS) return;
    await setImmediate();
    this.#since = performance.now();
  }
}
