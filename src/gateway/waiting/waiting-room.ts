import { type Place, placeKey, type RouteRow } from '../../model/routing.ts';

/** How many requests may wait for held routes in one gateway process, and for how long. */
export interface HoldLimits {
  readonly perRoute: number;
  readonly total: number;
  readonly waitMs: number;
}

/** The limits unless a test has others. */
export const HOLD_LIMITS: HoldLimits = { perRoute: 100, total: 1_000, waitMs: 30_000 };

/** Somebody who waits for a held route. */
export interface Guest {
  readonly place: Place;
  /** When its time is over, as `deadline` gave it. */
  readonly until: number;
  /** The table has another row at the place. */
  readonly onRow: () => void;
  /** The room is full or closed, or time is over. */
  readonly onRefused: () => void;
}

interface Seat {
  readonly guest: Guest;
  readonly timer: NodeJS.Timeout;
}

/** Where requests wait until their held route leads somewhere: bounded by number and time, woken by the table. */
export class WaitingRoom {
  readonly #limits: HoldLimits;
  readonly #now: () => number;
  readonly #seats = new Map<string, Set<Seat>>();
  #size = 0;
  #isClosed = false;

  /** `now` is a monotonic clock in milliseconds. */
  constructor(limits: HoldLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether anybody waits at the place. */
  isAwaited(place: Place): boolean {
    return this.#seats.has(placeKey(place));
  }

  /** Until when somebody who comes now may wait. */
  deadline(): number {
    return this.#now() + this.#limits.waitMs;
  }

  /**
   * Takes somebody in. Exactly one of the guest's calls follows (a refusal perhaps at once), unless it leaves before by what this
   * gives. Leaving late or twice does nothing.
   */
  enter(guest: Guest): () => void {
    const key = placeKey(guest.place);
    const leftMs = guest.until - this.#now();
    if (leftMs <= 0 || !this.#hasRoom(key)) {
      guest.onRefused();
      return () => {};
    }
    const expire = () => {
      this.#leave(key, seat);
      guest.onRefused();
    };
    const seat: Seat = { guest, timer: setTimeout(expire, leftMs) };
    const seats = this.#seats.get(key) ?? new Set();
    this.#seats.set(key, seats.add(seat));
    this.#size += 1;
    return () => this.#leave(key, seat);
  }

  /** The table has these rows now: who waits at their places goes and looks, in the order of coming. */
  rowsApplied(rows: readonly RouteRow[]): void {
    if (this.#size === 0) return;
    // All leave before the first one looks, so that those who find a held row again are taken in again.
    const guests = rows.flatMap((row) => this.#clear(placeKey(row)));
    for (const guest of guests) guest.onRow();
  }

  /** Refuses everybody, from now on. */
  close(): void {
    this.#isClosed = true;
    const guests = [...this.#seats.keys()].flatMap((key) => this.#clear(key));
    for (const guest of guests) guest.onRefused();
  }

  #hasRoom(key: string): boolean {
    const { total, perRoute } = this.#limits;
    return !this.#isClosed && this.#size < total && (this.#seats.get(key)?.size ?? 0) < perRoute;
  }

  #leave(key: string, seat: Seat): void {
    const seats = this.#seats.get(key);
    if (seats?.delete(seat) !== true) return;
    clearTimeout(seat.timer);
    this.#size -= 1;
    if (seats.size === 0) this.#seats.delete(key);
  }

  #clear(key: string): Guest[] {
    const seats = [...(this.#seats.get(key) ?? [])];
    for (const seat of seats) this.#leave(key, seat);
    return seats.map(({ guest }) => guest);
  }
}
