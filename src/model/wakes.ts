/** What something can be woken from. */
export const WAKE_TIERS = ['paused', 'stopped'] as const;
/** One of them. */
export type WakeTier = (typeof WAKE_TIERS)[number];

/** Upper bounds of the buckets that wakes are counted in, in seconds; what took longer is in one more. */
export const WAKE_BUCKETS_SECONDS = [0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

/** How long the wakes of one tier took, from being asked for until requests were led there, since the controller's start. */
export interface WakeCounts {
  readonly tier: WakeTier;
  /** How many took at most each bound, and longer: not added up. */
  readonly buckets: readonly number[];
  readonly sumSeconds: number;
  /** Of the last wakes, a thousand at most; null: there was none. */
  readonly medianSeconds: number | null;
  readonly maxSeconds: number | null;
}
