import type { InstanceId } from '../../model/ids.ts';

/** The use of one instance through this gateway. */
export interface Use {
  readonly instance: InstanceId;
  count: number;
  /** How many of those are streams: that they are open is no use, what is said on them is. */
  streams: number;
  /** When it was last in use, by the gateway's monotonic clock. */
  usedAt: number;
}

/** What is told of the use of instances: requests in flight, and for how many milliseconds nobody has used them. */
export interface UseReport {
  readonly inFlight: Readonly<Record<InstanceId, number>>;
  readonly streams: Readonly<Record<InstanceId, number>>;
  readonly idleMs: Readonly<Record<InstanceId, number>>;
}

/** Counts what is in flight by instance: requests, streams and upgraded connections alike. */
export class InFlight {
  readonly #uses = new Map<InstanceId, Use>();
  readonly #watched = new Set<InstanceId>();
  readonly #now: () => number;
  readonly #onChange: () => void;
  /** What was used before is not known. */
  readonly #countsSince: number;
  #total = 0;

  /** `now` is a monotonic clock in milliseconds. `onChange` is called when the count of a watched instance has changed. */
  constructor(now: () => number, onChange: () => void) {
    this.#now = now;
    this.#onChange = onChange;
    this.#countsSince = now();
  }

  /** All that is in flight. */
  get total(): number {
    return this.#total;
  }

  /** Something begins. Give the result to `leave`, once. */
  enter(instance: InstanceId): Use {
    let use = this.#uses.get(instance);
    if (use === undefined) {
      use = { instance, count: 0, streams: 0, usedAt: this.#countsSince };
      this.#uses.set(instance, use);
    }
    use.count += 1;
    this.#total += 1;
    if (this.#watched.has(instance)) this.#onChange();
    return use;
  }

  /** It has become a stream. */
  becomeStream(use: Use): void {
    use.streams += 1;
    if (this.#watched.has(use.instance)) this.#onChange();
  }

  /** Something was said on a stream. Gives for how many milliseconds nobody had used the instance. */
  used(use: Use): number {
    const now = this.#now();
    const idleMs = now - use.usedAt;
    use.usedAt = now;
    return idleMs;
  }

  /**
   * It has ended, in whatever way. What would not wake the instance (a probe, say) does not keep it awake either, nor does the end of a
   * stream.
   */
  leave(
    use: Use,
    { countsAsUse, isStream = false }: { readonly countsAsUse: boolean; readonly isStream?: boolean },
  ): void {
    use.count -= 1;
    if (isStream) use.streams -= 1;
    else if (countsAsUse) use.usedAt = this.#now();
    this.#total -= 1;
    if (this.#watched.has(use.instance)) this.#onChange();
  }

  /** Reports the instance at each change from now on, until it was reported at zero. */
  watch(instance: InstanceId): void {
    this.#watched.add(instance);
  }

  /** The use of the watched instances; those at zero are watched no longer. */
  report(): UseReport {
    const report = this.reportOf([...this.#watched]);
    for (const [instance, count] of Object.entries(report.inFlight))
      if (count === 0) this.#watched.delete(instance as InstanceId);
    return report;
  }

  /** The use of these instances now. */
  reportOf(instances: readonly InstanceId[]): UseReport {
    const now = this.#now();
    const uses = instances.map((instance) => [instance, this.#uses.get(instance)] as const);
    return {
      inFlight: Object.fromEntries(uses.map(([instance, use]) => [instance, use?.count ?? 0])),
      streams: Object.fromEntries(uses.map(([instance, use]) => [instance, use?.streams ?? 0])),
      idleMs: Object.fromEntries(uses.map(([instance, use]) => [instance, now - (use?.usedAt ?? this.#countsSince)])),
    };
  }

  /** Forgets instances that no route leads to and nothing is in flight on. */
  retain(isRouted: (instance: InstanceId) => boolean): void {
    for (const [instance, use] of this.#uses) {
      if (use.count === 0 && !isRouted(instance)) this.#uses.delete(instance);
    }
  }
}
