import type { Clock } from '../../model/clock.ts';
import { isAbort } from '../../model/errors.ts';
import type { Wait } from '../progress.ts';

/** One kind of slot: what is next for a key, by what is recorded, and how to do it. */
export interface SlotKind<Step extends { readonly do: string }> {
  readonly name: string;
  /** Pure but for reading what is recorded and the time. */
  next(key: string): Step | Wait;
  /** Does one step. Failures that are expected are recorded, not thrown; it ends soon when the signal aborts. */
  perform(key: string, step: Step, signal: AbortSignal): Promise<void>;
}

interface Slot {
  /** Ends the waiting or, when another step is due by now, the step that is running. */
  wake: () => void;
}

// Made once: making one writes down a stack, and thousands of slots are woken in a large pass.
const SUPERSEDED = new DOMException('superseded', 'AbortError');
const WOKEN = new DOMException('woken', 'AbortError');

const RETRY_MS = { first: 1_000, most: 60_000 };

/**
 * One slot a key: its steps run one after the other, the latest wanted state wins, and waiting costs a timer at most. A step
 * that is not what is due any more is aborted.
 */
export class Slots<Step extends { readonly do: string }> {
  readonly #kind: SlotKind<Step>;
  readonly #clock: Clock;
  readonly #onError: (slot: string, error: unknown) => void;
  readonly #slots = new Map<string, Slot>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(
    kind: SlotKind<Step>,
    deps: { readonly clock: Clock; readonly onError: (slot: string, error: unknown) => void },
  ) {
    this.#kind = kind;
    this.#clock = deps.clock;
    this.#onError = deps.onError;
  }

  /** Looks at the key again: something that decides about it changed. */
  wake(key: string): void {
    if (this.#stop.signal.aborted) return;
    try {
      const slot = this.#slots.get(key);
      if (slot !== undefined) slot.wake();
      else if (this.#isDue(key)) this.#begin(key);
    } catch (error) {
      // Whoever recorded the change has done its part: a fault in this slot is not theirs.
      this.#onError(`${this.#kind.name} ${key}`, error);
    }
  }

  /** Most changes leave nothing to do; only what does is worth a slot. */
  #isDue(key: string): boolean {
    const step = this.#kind.next(key);
    return step.do !== 'wait' || (step as Wait).until !== null;
  }

  #begin(key: string): void {
    const run = this.#run(key).catch((error: unknown) => {
      this.#slots.delete(key);
      this.#onError(`${this.#kind.name} ${key}`, error);
    });
    this.#running.add(run);
    void run.finally(() => this.#running.delete(run));
  }

  /** Ends all steps and waits for them. What was recorded is taken up again by the next start. */
  async stop(): Promise<void> {
    this.#stop.abort(new DOMException('stopping', 'AbortError'));
    for (const slot of this.#slots.values()) slot.wake();
    await Promise.allSettled(this.#running);
  }

  async #run(key: string): Promise<void> {
    const slot: Slot = { wake: () => {} };
    this.#slots.set(key, slot);
    let failures = 0;
    // Let the transaction that woke this slot finish before acting on it.
    await Promise.resolve();
    while (!this.#stop.signal.aborted) {
      const step = this.#kind.next(key);
      if (step.do === 'wait') {
        const { until } = step as Wait;
        if (until === null) break;
        await this.#sleep(slot, until - this.#clock.now());
        continue;
      }
      const error = await this.#perform(key, step as Step, slot);
      failures = error === null ? 0 : failures + 1;
      if (error === null) continue;
      this.#onError(`${this.#kind.name} ${key}`, error);
      // What failed is not tried again sooner because something was recorded; what is due instead of it is.
      const pause = Math.min(RETRY_MS.most, RETRY_MS.first * 2 ** Math.min(failures - 1, 6));
      await this.#sleep(slot, pause, () => this.#kind.next(key).do !== step.do);
    }
    this.#slots.delete(key);
  }

  async #perform(key: string, step: Step, slot: Slot): Promise<unknown> {
    const controller = new AbortController();
    slot.wake = () => {
      if (this.#stop.signal.aborted || this.#kind.next(key).do !== step.do) controller.abort(SUPERSEDED);
    };
    try {
      await this.#kind.perform(key, step, controller.signal);
      return null;
    } catch (error) {
      return isAbort(error) && controller.signal.aborted ? null : error;
    } finally {
      slot.wake = () => {};
    }
  }

  async #sleep(slot: Slot, ms: number, isWorthWaking = () => true): Promise<void> {
    const controller = new AbortController();
    slot.wake = () => {
      if (this.#stop.signal.aborted || isWorthWaking()) controller.abort(WOKEN);
    };
    await this.#clock.sleep(Math.max(0, ms), controller.signal).catch(() => {});
    slot.wake = () => {};
  }
}
