import { quantile } from '../../../../bench/report.ts';

/** The sorts of clients. */
export type Kind =
  | 'keep-alive'
  | 'one-shot'
  | 'slow upload'
  | 'slow download'
  | 'slow reader'
  | 'events'
  | 'websocket echo'
  | 'websocket ticks';

/** Something that was asked and got no complete right answer. */
export interface Failure {
  readonly kind: Kind;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The client's port: with it a connection can be told from outside. 0: there was none. */
  readonly localPort: number;
  /** When the connection was begun, in milliseconds since the epoch. */
  readonly openedAt: number;
  readonly why: string;
}

/** How many of one sort ended how. */
export interface Tally {
  /** Complete right answers; messages of streams and WebSockets, each. */
  done: number;
  /** Connections that were made. */
  connections: number;
  /** Connections that were closed while nothing was asked on them, or after an answer that said so. */
  closedBetween: number;
  /** Streams and WebSockets that were ended properly from the other side: by their last chunk, by close frame 1001. */
  endedProperly: number;
}

/** What clients saw, as plain data. */
export interface LoadReport {
  readonly tallies: Readonly<Partial<Record<Kind, Tally>>>;
  readonly failed: number;
  /** The first 20,000. */
  readonly failures: readonly Failure[];
  /** Where a connection saw an older version after a newer one. */
  readonly backwards: readonly string[];
  /** The newest version by app. */
  readonly newest: Readonly<Record<string, number>>;
  /** Milliseconds of the short requests. */
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
}

const KEPT_FAILURES = 20_000;
const KEPT_TIMES = 500_000;

/** Where all clients of a load write down what they saw. */
export class Ledger {
  readonly #tallies: Partial<Record<Kind, Tally>> = {};
  readonly #failures: Failure[] = [];
  readonly #backwards: string[] = [];
  readonly #newest: Record<string, number> = {};
  readonly #times: number[] = [];
  #failed = 0;

  tally(kind: Kind): Tally {
    this.#tallies[kind] ??= { done: 0, connections: 0, closedBetween: 0, endedProperly: 0 };
    return this.#tallies[kind];
  }

  /** A complete right answer, and how long it took where that is a figure. */
  done(kind: Kind, ms?: number): void {
    this.tally(kind).done += 1;
    if (ms !== undefined && this.#times.length < KEPT_TIMES) this.#times.push(ms);
  }

  failed(failure: Omit<Failure, 'at'>): void {
    this.#failed += 1;
    if (this.#failures.length < KEPT_FAILURES) this.#failures.push({ ...failure, at: Date.now() });
  }

  /** What one connection saw of one app, in the order in which it asked. */
  sight(connection: Map<string, number>, app: string, version: number): void {
    const before = connection.get(app) ?? 0;
    if (version < before) this.#backwards.push(`${app}: ${version} after ${before}`);
    connection.set(app, Math.max(before, version));
    this.#newest[app] = Math.max(this.#newest[app] ?? 0, version);
  }

  report(): LoadReport {
    return {
      tallies: this.#tallies,
      failed: this.#failed,
      failures: this.#failures,
      backwards: this.#backwards,
      newest: this.#newest,
      p50: quantile(this.#times, 0.5),
      p99: quantile(this.#times, 0.99),
      slowest: quantile(this.#times, 1),
    };
  }
}
