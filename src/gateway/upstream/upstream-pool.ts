import type { WriteBatch } from '../clients/write-batch.ts';
import type { Connect } from './connect-target.ts';
import { type ConnectionOwner, UpstreamConnection, type UpstreamTimeouts } from './upstream-connection.ts';

// A request that can't be repeated takes only a connection that was in use a moment ago.
const FRESH_IDLE_MS = 500;

/** How many connections one upstream gets from one gateway process, and who may wait for one. */
export interface PoolLimits {
  readonly connections: number;
  readonly waiting: number;
  readonly waitMs: number;
}

/** Somebody who needs a connection. Exactly one of the calls follows, perhaps at once, unless it leaves before. */
export interface Taker {
  /** Whether what it sends can be sent again, and whether a connection will do that others have used. */
  readonly needs: 'any' | 'fresh' | 'new';
  onConnection(connection: UpstreamConnection): void;
  /** There is none, and too many wait already, or this one has waited for too long. */
  onCrowded(): void;
}

/** What a pool is made with. */
export interface PoolOptions {
  readonly connect: Connect;
  readonly timeouts: UpstreamTimeouts;
  readonly limits: PoolLimits;
  /** What is sent to the upstream, and by whom its answers are passed on, goes out with what else is sent in the same turn. */
  readonly writes: WriteBatch;
}

/** The connections to one upstream, bounded: idle ones are used again, the newest first; who finds none waits, in order. */
export class UpstreamPool implements ConnectionOwner {
  readonly #options: PoolOptions;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();
  /** Takers and when their time is over. */
  readonly #waiting = new Map<Taker, number>();
  #isRetired = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** See `PoolOptions`. */
  get writes(): WriteBatch {
    return this.#options.writes;
  }

  /** How many connections there are, idle ones included. */
  get size(): number {
    return this.#all.size;
  }

  /** Whether nothing is left of it: no connection, and nobody who waits. */
  get isEmpty(): boolean {
    return this.#all.size === 0 && this.#waiting.size === 0;
  }

  /** Gives a connection, whose socket may still be connecting. */
  take(taker: Taker): void {
    const kept = taker.needs === 'new' ? undefined : this.#takeIdle(taker.needs);
    // An idle connection that won't do must not be in the way of a new one.
    if (kept === undefined && !this.#hasRoom()) this.#idle[0]?.close();
    if (kept !== undefined) taker.onConnection(kept);
    else if (this.#hasRoom()) taker.onConnection(this.#open());
    else if (this.#waiting.size >= this.#options.limits.waiting) taker.onCrowded();
    else this.#waiting.set(taker, performance.now() + this.#options.limits.waitMs);
  }

  /** The taker waits no longer, if it did. */
  leave(taker: Taker): void {
    this.#waiting.delete(taker);
  }

  onIdle(connection: UpstreamConnection): void {
    const [next] = this.#waiting.keys();
    if (next !== undefined && next.needs !== 'new') {
      this.#waiting.delete(next);
      next.onConnection(connection);
    } else if (this.#isRetired || next !== undefined) connection.close();
    else this.#idle.push(connection);
  }

  onGone(connection: UpstreamConnection): void {
    if (!this.#all.delete(connection)) return;
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    const [next] = this.#waiting.keys();
    if (next === undefined) return;
    this.#waiting.delete(next);
    next.onConnection(this.#open());
  }

  /** Closes what has been idle for too long and ends what is over its time. */
  sweep(now: number): void {
    const { idleMs } = this.#options.timeouts;
    for (const connection of [...this.#idle]) if (now - connection.idleSince > idleMs) connection.close();
    for (const connection of this.#all) if (now > connection.deadline) connection.expire();
    for (const [taker, until] of this.#waiting) {
      if (now <= until) break;
      this.#waiting.delete(taker);
      taker.onCrowded();
    }
  }

  /** No new exchange will come: idle connections are closed at once, the others after their exchange. */
  retire(): void {
    this.#isRetired = true;
    for (const connection of [...this.#idle]) connection.close();
  }

  /** Closes everything, exchanges that are under way included. */
  close(): void {
    const waiting = [...this.#waiting.keys()];
    this.#waiting.clear();
    for (const taker of waiting) taker.onCrowded();
    for (const connection of [...this.#all]) connection.close();
  }

  #hasRoom(): boolean {
    return this.#all.size < this.#options.limits.connections;
  }

  #takeIdle(needs: 'any' | 'fresh'): UpstreamConnection | undefined {
    const kept = this.#idle.at(-1);
    if (kept === undefined) return undefined;
    const { idleMs } = this.#options.timeouts;
    const oldest = performance.now() - (needs === 'any' ? idleMs : Math.min(FRESH_IDLE_MS, idleMs));
    return kept.idleSince >= oldest ? this.#idle.pop() : undefined;
  }

  #open(): UpstreamConnection {
    const connection = new UpstreamConnection(this.#options, this);
    this.#all.add(connection);
    return connection;
  }
}
