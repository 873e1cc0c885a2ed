import type { InstanceId } from '../model/ids.ts';

/** The use of one instance through this gateway. */
export interface Use {
  readonly instance: InstanceId;
  count: number;
  /** Milliseconds since the epoch. */
  lastUse: number;
}

/** Counts what is in flight by instance: requests, streams and upgraded connections alike. */
export class InFlight {
  readonly #uses = new Map<InstanceId, Use>();
  readonly #watched = new Set<InstanceId>();
  readonly #now: () => number;
  readonly #onChange: () => void;
  #total = 0;

  /** `onChange` is called when the count of a watched instance has changed. */
  constructor(now: () => number, onChange: () => void) {
    this.#now = now;
    this.#onChange = onChange;
  }

  /** All that is in flight. */
  get total(): number {
    return this.#total;
  }

  /** Something begins. Give the result to `leave`, once. */
  enter(instance: InstanceId): Use {
    let use = this.#uses.get(instance);
    if (use === undefined) {
      use = { instance, count: 0, lastUse: 0 };
      this.#uses.set(instance, use);
    }
    use.count += 1;
    use.lastUse = this.#now();
    this.#total += 1;
    if (this.#watched.has(instance)) this.#onChange();
    return use;
  }

  /** It has ended, in whatever way. */
  leave(use: Use): void {
    use.count -= 1;
    use.lastUse = this.#now();
    this.#total -= 1;
    if (this.#watched.has(use.instance)) this.#onChange();
  }

  /** Reports the instance at each change from now on, until it was reported at zero. */
  watch(instance: InstanceId): void {
    this.#watched.add(instance);
  }

  /** Counts and last uses of the watched instances; those at zero are watched no longer. */
  report(): { readonly inFlight: Record<InstanceId, number>; readonly lastUse: Record<InstanceId, number> } {
    const inFlight: Record<InstanceId, number> = {};
    const lastUse: Record<InstanceId, number> = {};
    for (const instance of this.#watched) {
      const use = this.#uses.get(instance);
      inFlight[instance] = use?.count ?? 0;
      if (use !== undefined) lastUse[instance] = use.lastUse;
      if ((use?.count ?? 0) === 0) this.#watched.delete(instance);
    }
    return { inFlight, lastUse };
  }

  /** Forgets instances that no route leads to and nothing is in flight on. */
  retain(isRouted: (instance: InstanceId) => boolean): void {
    for (const [instance, use] of this.#uses) {
      if (use.count === 0 && !isRouted(instance)) this.#uses.delete(instance);
    }
  }
}
