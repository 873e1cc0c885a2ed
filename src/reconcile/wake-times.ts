import type { InstanceId } from '../model/ids.ts';
import { WAKE_BUCKETS_SECONDS, WAKE_TIERS, type WakeCounts, type WakeTier } from '../model/wakes.ts';

/** Of how many wakes the median is told. */
const LAST = 1_000;

interface Tier {
  readonly buckets: number[];
  sumMs: number;
  maxMs: number;
  /** The last ones, the newest in any place. */
  readonly last: number[];
  count: number;
}

/** How long it took to wake what was asleep, by what it was woken from: in memory alone, and bounded. */
export class WakeTimes {
  readonly #begun = new Map<InstanceId, { readonly tier: WakeTier; readonly at: number }>();
  readonly #tiers = new Map<WakeTier, Tier>(WAKE_TIERS.map((tier) => [tier, emptyTier()]));

  /** Somebody asked for an instance, at a time in milliseconds. Asked for again it is the same wake. */
  begin(id: InstanceId, tier: WakeTier, at: number): void {
    if (!this.#begun.has(id)) this.#begun.set(id, { tier, at });
  }

  /** What it was woken from, while it is being woken. */
  tierOf(id: InstanceId): WakeTier | undefined {
    return this.#begun.get(id)?.tier;
  }

  /** Requests are led to it again. */
  end(id: InstanceId, at: number): void {
    const begun = this.#begun.get(id);
    if (begun === undefined) return;
    this.#begun.delete(id);
    const tier = this.#tiers.get(begun.tier);
    if (tier !== undefined) count(tier, Math.max(0, at - begun.at));
  }

  /** It is not woken any more. */
  forget(id: InstanceId): void {
    this.#begun.delete(id);
  }

  /** What was counted so far. */
  counts(): WakeCounts[] {
    return [...this.#tiers].map(([tier, { buckets, sumMs, maxMs, last }]) => ({
      tier,
      buckets: [...buckets],
      sumSeconds: sumMs / 1_000,
      medianSeconds: last.length === 0 ? null : medianOf(last) / 1_000,
      maxSeconds: last.length === 0 ? null : maxMs / 1_000,
    }));
  }
}

function emptyTier(): Tier {
  return {
    buckets: Array.from({ length: WAKE_BUCKETS_SECONDS.length + 1 }, () => 0),
    sumMs: 0,
    maxMs: 0,
    last: [],
    count: 0,
  };
}

function count(tier: Tier, ms: number): void {
  const found = WAKE_BUCKETS_SECONDS.findIndex((bound) => ms <= bound * 1_000);
  const at = found === -1 ? WAKE_BUCKETS_SECONDS.length : found;
  tier.buckets[at] = (tier.buckets[at] ?? 0) + 1;
  tier.sumMs += ms;
  tier.maxMs = Math.max(tier.maxMs, ms);
  tier.last[tier.count % LAST] = ms;
  tier.count += 1;
}

/** Of an even number the lower one of the two in the middle. */
function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)] ?? 0;
}
