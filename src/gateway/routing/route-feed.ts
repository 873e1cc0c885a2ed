import type { RouteRow } from '../../model/routing.ts';
import type { RouteTable } from './route-table.ts';

/** What keeps the table in step with the store. */
export interface RouteFeedOptions {
  readonly table: RouteTable;
  readonly readSince: (generation: number) => readonly RouteRow[];
  /** The table was read up to here, or could not be read and still is where it was. */
  readonly onApplied: (generation: number) => void;
  readonly pollMs: number;
}

/** Reads newer routes when told to, and by polling in case a notification was lost. A store that can't be read changes nothing. */
export class RouteFeed {
  readonly #options: RouteFeedOptions;
  #hasTable = false;
  #timer: NodeJS.Timeout | undefined;
  #lastError: unknown;

  constructor(options: RouteFeedOptions) {
    this.#options = options;
  }

  /** Whether the store was read at least once. */
  get hasTable(): boolean {
    return this.#hasTable;
  }

  /** Why the last reading failed; undefined when it did not. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Reads now, and polls from now on: quickly until there is a store. */
  start(): void {
    this.#poll();
  }

  /** The controller says that routes up to this generation are there. */
  notified(generation: number): void {
    if (this.#read()) this.#options.table.advance(generation);
    this.#options.onApplied(this.#options.table.generation);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #poll(): void {
    const before = this.#options.table.generation;
    this.#read();
    if (this.#options.table.generation > before) this.#options.onApplied(this.#options.table.generation);
    this.#timer = setTimeout(
      () => this.#poll(),
      this.#hasTable ? this.#options.pollMs : Math.min(100, this.#options.pollMs),
    );
  }

  #read(): boolean {
    try {
      const { table } = this.#options;
      table.apply(this.#options.readSince(table.generation));
      this.#hasTable = true;
      this.#lastError = undefined;
      return true;
    } catch (error) {
      this.#lastError = error;
      return false;
    }
  }
}
