import type { PreviewPolicy } from '../../model/config.ts';
import { type DesiredEnvironment, isStay } from '../../model/desired.ts';
import { formatDuration } from '../../model/duration.ts';
import type { EnvName } from '../../model/ids.ts';
import type { RecordedDeployment, RecordedEnvironment } from '../../model/recorded.ts';

/** What limits are decided from. */
export interface ParkingDeps {
  readonly policy: PreviewPolicy;
  readonly at: number;
  /** The environments that are recorded. */
  readonly recorded: ReadonlyMap<string, RecordedEnvironment>;
  /** The deployments that each recorded preview has. */
  readonly rows: ReadonlyMap<EnvName, readonly RecordedDeployment[]>;
}

/**
 * Parks previews over a limit: those that nobody wanted for longer than `ttl`, then of the others all but the `max` that were
 * wanted last. What is parked is back as soon as it is wanted, since then it is not the one that was idle for longest. Of those that
 * were wanted at the same time, what is up stays: which of many branches comes first is a matter of which is read first.
 */
export function withLimits(previews: readonly DesiredEnvironment[], deps: ParkingDeps): DesiredEnvironment[] {
  const { policy, at } = deps;
  const isStale = ({ activeAt }: DesiredEnvironment) => at - activeAt >= policy.ttlMs;
  const counted = previews.filter((preview) => preview.deployments.length > 0 && !isStale(preview));
  const order = counted.toSorted(
    (a, b) => b.activeAt - a.activeAt || placeOf(a, deps) - placeOf(b, deps) || (a.name < b.name ? -1 : 1),
  );
  const up = new Set(order.slice(0, policy.max));
  return previews.map((preview) => {
    if (preview.deployments.length === 0) return preview;
    if (isStale(preview))
      return parkedAs(preview, `nobody pushed to it for ${formatDuration(policy.ttlMs)} (ttl)`, deps);
    if (!up.has(preview))
      return parkedAs(
        preview,
        `there are more than ${policy.max} previews (max), and this one is idle for longest`,
        deps,
      );
    return isKeptDown(preview) ? parkedAs(preview, preview.parked ?? '', deps) : { ...preview, parked: null };
  });
}

/** What is up comes before what is not. */
function placeOf({ name }: DesiredEnvironment, { recorded, rows }: ParkingDeps): number {
  const known = recorded.get(name);
  return known?.parked === null && known.endingSince === null && (rows.get(name) ?? []).length > 0 ? 0 : 1;
}

/** What is parked and may be up again can't be, while it is not known what it should run. */
function isKeptDown(preview: DesiredEnvironment): boolean {
  return preview.parked !== null && preview.deployments.every(({ want }) => isStay(want));
}

function parkedAs(preview: DesiredEnvironment, why: string, { rows }: ParkingDeps): DesiredEnvironment {
  const deployments = (rows.get(preview.name) ?? []).map(({ env, app }) => ({
    env,
    app,
    want: { stay: 'parked' } as const,
  }));
  return { ...preview, parked: why, deployments };
}
