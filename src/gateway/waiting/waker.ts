import type { AppId, EnvName } from '../../model/ids.ts';
import { type Place, placeKey, type RouteRow } from '../../model/routing.ts';

/** An app that somebody waits for, and where. */
export type Wanted = Place & Pick<RouteRow, 'env' | 'app'>;

/** What the wakes of a gateway need. */
export interface WakerOptions {
  /** Asks the controller to wake an app. */
  readonly wake: (env: EnvName, app: AppId) => void;
  /** Whether anybody still waits at a place. */
  readonly isWanted: (place: Place) => boolean;
}

const AGAIN_MS = 1_000;

/** Asks for apps that are asleep: once however many wait, and again each second while somebody does, in case it was not heard. */
export class Waker {
  readonly #options: WakerOptions;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(options: WakerOptions) {
    this.#options = options;
  }

  /** Somebody waits for the app. */
  want(wanted: Wanted): void {
    const key = placeKey(wanted);
    if (this.#timers.has(key)) return;
    const { wake, isWanted } = this.#options;
    wake(wanted.env, wanted.app);
    const timer = setInterval(() => {
      if (isWanted(wanted)) wake(wanted.env, wanted.app);
      else this.#forget(key);
    }, AGAIN_MS).unref();
    this.#timers.set(key, timer);
  }

  /** Somebody uses an app without waiting for it. */
  wake(env: EnvName, app: AppId): void {
    this.#options.wake(env, app);
  }

  /** The table has these rows now: where one of them is, what was asked for has been answered. */
  rowsApplied(rows: readonly RouteRow[]): void {
    if (this.#timers.size > 0) for (const row of rows) this.#forget(placeKey(row));
  }

  close(): void {
    for (const key of [...this.#timers.keys()]) this.#forget(key);
  }

  #forget(key: string): void {
    clearInterval(this.#timers.get(key));
    this.#timers.delete(key);
  }
}
