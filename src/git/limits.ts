/** What git may cost: time for each kind of operation, and sizes. */
export interface GitLimits {
  readonly listMs: number;
  readonly fetchMs: number;
  /** How long a read of objects may stand still. */
  readonly readMs: number;
  readonly exportMs: number;
  /** For one mirror. */
  readonly tidyMs: number;
  readonly listBytes: number;
  readonly exportFiles: number;
  readonly exportBytes: number;
  /** How many entries a walk through a tree may meet. */
  readonly treeEntries: number;
}

/** The limits where none are given. */
export const DEFAULT_LIMITS: GitLimits = {
  listMs: 20_000,
  fetchMs: 600_000,
  readMs: 60_000,
  exportMs: 600_000,
  tidyMs: 600_000,
  listBytes: 64 * 1024 ** 2,
  exportFiles: 200_000,
  exportBytes: 4 * 1024 ** 3,
  treeEntries: 1_000_000,
};
