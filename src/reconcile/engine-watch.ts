import type { Engine } from '../runtime/engine.ts';
import { adoptEngine } from './adopt.ts';
import type { Driver } from './driver.ts';
import type { Ports } from './ports.ts';

const PAUSE_MS = { first: 1_000, most: 60_000 };

/**
 * Watches one engine: passes on what happens in it, and compares what it has with what is recorded, at a start and whenever
 * events may have been lost. An engine that does not answer is asked again, and holds up no other.
 */
export class EngineWatch {
  readonly #engine: Engine;
  readonly #ports: Ports;
  readonly #driver: Driver;
  readonly #signal: AbortSignal;
  #isWanted = false;
  #adopting: Promise<void> | null = null;
  #listening: Promise<void> = Promise.resolve();

  /** Nothing begins before `start`; all ends when the signal aborts. */
  constructor(engine: Engine, ports: Ports, driver: Driver, signal: AbortSignal) {
    this.#engine = engine;
    this.#ports = ports;
    this.#driver = driver;
    this.#signal = signal;
  }

  /** Listens, then adopts what is there. Resolves when that is done, or was given up because the signal aborted. */
  start(): Promise<void> {
    this.#listening = this.#listen();
    return this.#adopt();
  }

  /** Resolves when nothing of it runs any more: soon after the signal aborted. */
  async ended(): Promise<void> {
    await Promise.allSettled([this.#listening, this.#adopting]);
  }

  /** One stream of events after the other, for as long as the signal allows. */
  async #listen(): Promise<void> {
    for (let pauseMs = PAUSE_MS.first; !this.#signal.aborted; pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2)) {
      try {
        for await (const event of this.#engine.events(this.#signal)) this.#take(event);
      } catch (error) {
        if (this.#signal.aborted) return;
        this.#warn('events', error);
      }
      if (this.#signal.aborted) return;
      await this.#ports.clock.sleep(pauseMs, this.#signal).catch(() => {});
      // What happened meanwhile was not heard.
      void this.#adopt();
    }
  }

  #take(event: Parameters<Driver['observe']>[0] | { readonly kind: 'gap' }): void {
    try {
      if (event.kind === 'gap') void this.#adopt();
      else this.#driver.observe(event);
    } catch (error) {
      // What could not be recorded is found again by comparing.
      this.#warn('event', error);
      void this.#adopt();
    }
  }

  /** Adopts now, or once more after the adoption that is under way. */
  #adopt(): Promise<void> {
    this.#isWanted = true;
    this.#adopting ??= this.#adoptUntilDone();
    return this.#adopting;
  }

  async #adoptUntilDone(): Promise<void> {
    await Promise.resolve();
    let pauseMs = PAUSE_MS.first;
    try {
      while (this.#isWanted && !this.#signal.aborted) {
        this.#isWanted = false;
        try {
          await adoptEngine(this.#engine, this.#ports, this.#driver, this.#signal);
          pauseMs = PAUSE_MS.first;
        } catch (error) {
          if (this.#signal.aborted) return;
          this.#warn('adoption', error);
          this.#isWanted = true;
          await this.#ports.clock.sleep(pauseMs, this.#signal).catch(() => {});
          pauseMs = Math.min(PAUSE_MS.most, pauseMs * 2);
        }
      }
    } finally {
      // In the same turn as the last check, or a wish in between would be lost.
      this.#adopting = null;
    }
  }

  #warn(what: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    this.#ports.log.warn(`${what} of "${this.#engine.name}": ${message}`);
  }
}
