import type { RequestLimits, RouteRow } from '../../model/routing.ts';

/** How many requests may wait where `limits` says nothing of it. */
const DEFAULT_QUEUE = 100;

/** How long one waits at most. */
export const QUEUE_WAIT_MS = 10_000;

/** A request's share of what may be in flight to its app. */
export interface Share {
  /** The app that it is of. */
  readonly key: string;
  /** Gives it back. Safe to call twice. */
  release(): void;
}

/** Somebody who asks for a share. Exactly one of the calls follows, perhaps at once, unless it leaves before. */
export interface Applicant {
  readonly row: Pick<RouteRow, 'env' | 'app'>;
  readonly limits: RequestLimits & { readonly requests: number };
  readonly onShare: (share: Share) => void;
  /** The queue is full or closed, or time is over. */
  readonly onRefused: () => void;
}

interface Waiting {
  readonly applicant: Applicant;
  readonly timer: NodeJS.Timeout;
}

interface Line {
  readonly key: string;
  inFlight: number;
  /** In the order of coming. */
  readonly waiting: Set<Waiting>;
}

/**
 * Counts what is in flight to apps that limit it; whoever comes beyond the limit waits in order. It is counted by app, not by
 * instance, so that a switch changes nothing.
 */
export class AppQueue {
  readonly #waitMs: number;
  readonly #lines = new Map<string, Line>();
  #isClosed = false;

  constructor(waitMs: number) {
    this.#waitMs = waitMs;
  }

  /** How many wait. */
  get size(): number {
    return this.#lines.values().reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  /** Takes somebody in; gives what makes it leave, which does nothing once it has its answer. */
  enter(applicant: Applicant): () => void {
    const key = shareKey(applicant.row);
    const line = this.#lines.get(key) ?? { key, inFlight: 0, waiting: new Set() };
    const { requests, queue = DEFAULT_QUEUE } = applicant.limits;
    if (line.inFlight < requests && line.waiting.size === 0) applicant.onShare(this.#grant(line));
    else if (this.#isClosed || line.waiting.size >= queue) applicant.onRefused();
    else return this.#wait(line, applicant);
    return () => {};
  }

  /** Refuses everybody who waits, from now on. */
  close(): void {
    this.#isClosed = true;
    for (const line of [...this.#lines.values()]) {
      for (const one of [...line.waiting]) this.#refuse(line, one);
    }
  }

  #wait(line: Line, applicant: Applicant): () => void {
    this.#lines.set(line.key, line);
    const one: Waiting = { applicant, timer: setTimeout(() => this.#refuse(line, one), this.#waitMs) };
    line.waiting.add(one);
    return () => this.#drop(line, one);
  }

  #refuse(line: Line, one: Waiting): void {
    if (this.#drop(line, one)) one.applicant.onRefused();
  }

  #drop(line: Line, one: Waiting): boolean {
    clearTimeout(one.timer);
    const wasThere = line.waiting.delete(one);
    this.#forget(line);
    return wasThere;
  }

  #grant(line: Line): Share {
    this.#lines.set(line.key, line);
    line.inFlight += 1;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      line.inFlight -= 1;
      this.#next(line);
      this.#forget(line);
    };
    return { key: line.key, release };
  }

  /** Lets in as many as there is room for now, each by the limits that it came with. */
  #next(line: Line): void {
    for (const one of line.waiting) {
      if (line.inFlight >= one.applicant.limits.requests) return;
      this.#drop(line, one);
      one.applicant.onShare(this.#grant(line));
    }
  }

  #forget(line: Line): void {
    if (line.inFlight === 0 && line.waiting.size === 0) this.#lines.delete(line.key);
  }
}

/** What a share is counted by. */
export function shareKey({ env, app }: Pick<RouteRow, 'env' | 'app'>): string {
  return `${env} ${app}`;
}
