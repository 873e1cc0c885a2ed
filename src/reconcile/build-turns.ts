import type { Clock } from '../model/clock.ts';
import type { AppId, ArtifactKey } from '../model/ids.ts';

/** Who wants a build. */
export interface BuildClaim {
  /** Prod or stage wants it. */
  readonly isUrgent: boolean;
  /** All apps that want it, in whatever environment. */
  readonly apps: readonly AppId[];
}

/** What turns of builds are given by. */
export interface BuildTurnsOptions {
  /** How many builds run side by side. */
  readonly width: number;
  readonly clock: Pick<Clock, 'now'>;
  /** Who wants the artifact now. */
  readonly claimOf: (key: ArtifactKey) => BuildClaim;
}

/** A build that waits for longer than this goes first, whoever wants it: previews never starve. */
export const LONGEST_WAIT_MS = 10 * 60_000;

interface Waiting {
  claim: BuildClaim;
  readonly sinceMs: number;
  readonly begin: () => void;
}

/**
 * Lets a bounded number of builds run side by side, and says which of those that wait is next when a turn is free:
 *
 * 1. One that only previews want and that has waited for ten minutes; while urgent ones wait too, every other turn at most.
 * 2. One that prod or stage wants.
 * 3. Any other.
 *
 * Among equals it is one of the app that had a turn least recently, so that the ten branches of one app don't hold up the one of another;
 * then the one that has waited longest.
 */
export class BuildTurns {
  readonly #options: BuildTurnsOptions;
  /** In the order they came. */
  readonly #waiting = new Map<ArtifactKey, Waiting>();
  /** The number of the last turn of each app, since there was last nothing to build. */
  readonly #lastTurns = new Map<AppId, number>();
  #turns = 0;
  #running = 0;
  #lastWasLate = false;

  constructor(options: BuildTurnsOptions) {
    this.#options = options;
  }

  /**
   * Runs the build of the artifact when it is its turn. Aborted before that: rejects at once with the signal's reason, and it never runs.
   * Not for two at a time with one key.
   */
  async take<T>(key: ArtifactKey, signal: AbortSignal, run: () => Promise<T>): Promise<T> {
    await this.#turnOf(key, signal);
    try {
      signal.throwIfAborted();
      return await run();
    } finally {
      this.#running -= 1;
      this.#give();
    }
  }

  /** Who wants the artifact may have changed: what a preview waits for may by now be what prod waits for. */
  changed(key: ArtifactKey): void {
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) waiting.claim = this.#options.claimOf(key);
  }

  #turnOf(key: ArtifactKey, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { clock, claimOf } = this.#options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const leave = () => {
      this.#waiting.delete(key);
      reject(signal.reason);
    };
    signal.addEventListener('abort', leave, { once: true });
    const begin = () => {
      signal.removeEventListener('abort', leave);
      resolve();
    };
    this.#waiting.set(key, { claim: claimOf(key), sinceMs: clock.now(), begin });
    // Only once all that came at the same moment are here: the first of them needn't be the one that matters most.
    queueMicrotask(() => this.#give());
    return promise;
  }

  #give(): void {
    while (this.#running < this.#options.width && this.#waiting.size > 0) {
      const [key, { claim, begin }] = this.#next();
      this.#waiting.delete(key);
      this.#running += 1;
      this.#turns += 1;
      for (const app of claim.apps) this.#lastTurns.set(app, this.#turns);
      begin();
    }
    if (this.#running === 0) this.#lastTurns.clear();
  }

  #next(): [ArtifactKey, Waiting] {
    const lateSince = this.#options.clock.now() - LONGEST_WAIT_MS;
    let best: { readonly one: [ArtifactKey, Waiting]; readonly rank: Rank; readonly lastTurn: number } | undefined;
    for (const one of this.#waiting) {
      const [, waiting] = one;
      const rank = this.#rankOf(waiting, lateSince);
      const lastTurn = this.#lastTurnOf(waiting);
      if (best === undefined || rank < best.rank || (rank === best.rank && lastTurn < best.lastTurn))
        best = { one, rank, lastTurn };
    }
    if (best === undefined) throw new TypeError('nothing waits for a turn');
    this.#lastWasLate = best.rank === RANK.late || best.rank === RANK.lateAgain;
    return best.one;
  }

  #rankOf({ claim, sinceMs }: Waiting, lateSince: number): Rank {
    if (claim.isUrgent) return RANK.urgent;
    if (sinceMs > lateSince) return RANK.other;
    return this.#lastWasLate ? RANK.lateAgain : RANK.late;
  }

  /** Of the app that had its turn least recently; 0: it had none yet. Without arrays, as thousands may wait. */
  #lastTurnOf({ claim }: Waiting): number {
    let first = this.#turns;
    for (const app of claim.apps) first = Math.min(first, this.#lastTurns.get(app) ?? 0);
    return first;
  }
}

/** The least goes first. */
const RANK = { late: 0, urgent: 1, lateAgain: 2, other: 3 } as const;
type Rank = (typeof RANK)[keyof typeof RANK];
