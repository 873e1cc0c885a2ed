import type { Desired } from '../../model/desired.ts';
import type { ReleaseStep } from '../../model/plan.ts';
import type { RecordedDeployment, RecordedRelease } from '../../model/recorded.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import { unblocked } from '../transitions.ts';

/**
 * What a release of a plan changes before its steps are written: its row, and those that become one with it. Until all its members
 * are written down it is `forming`, and nothing of it switches.
 */
export function acceptRelease(step: ReleaseStep, recorded: RecordedView, at: number): Change[] {
  const { id, env, cause, joins, members } = step;
  const known = recorded.releases.get(id);
  const row: RecordedRelease = {
    ...(known ?? { id, env, removalHash: null, cause, since: at }),
    state: 'forming',
  };
  const moved = joins.flatMap((other) => recorded.membersOf(other).map((member) => inRelease(member, id)));
  const gone = joins.flatMap((other) => recorded.releases.get(other) ?? []);
  const of = { env, app: null, cause: step.cause };
  return [
    put('release', row),
    ...moved,
    ...gone.map((release) => drop('release', release)),
    ...(known === undefined ? [audit({ kind: 'release.planned', ...of, detail: { release: id, members } })] : []),
    ...gone.map((release) =>
      audit({ kind: 'release.joined', ...of, detail: { release: id, joined: release.id, members } }),
    ),
  ];
}

function inRelease(row: RecordedDeployment, release: string | null): Change {
  if (row.next === null) return put('deployment', row);
  return put('deployment', { ...row, next: { ...row.next, release } });
}

/** A member that goes on by itself, also where it was held for the others. */
function setFree(row: RecordedDeployment): Change {
  return inRelease(row.next === null ? row : { ...row, next: unblocked(row.live, row.next) }, null);
}

/**
 * Once every step of a plan is written down: releases have all their members, those without any are over, and where main says
 * `release(atomic = False)` nothing waits for others any more but what the removal brake holds. Nothing to do gives no changes.
 */
export function tidyReleases(recorded: RecordedView, { atomic }: Pick<Desired, 'atomic'>): Change[] {
  return [...recorded.releases.values()].flatMap((release) => {
    const members = recorded.membersOf(release.id);
    const bound = atomic ? members : members.filter(({ next }) => next?.brake != null);
    const freed = members.filter((member) => !bound.includes(member)).map(setFree);
    if (bound.length === 0) return [...freed, drop('release', release)];
    const row = tidyRow(release, bound);
    return [...freed, ...(row === null ? [] : [put('release', row)])];
  });
}

function tidyRow(release: RecordedRelease, members: readonly RecordedDeployment[]): RecordedRelease | null {
  const removalHash = members.find(({ next }) => next?.brake != null)?.next?.brake ?? null;
  const state = release.state === 'forming' ? 'moving' : release.state;
  return removalHash === release.removalHash && state === release.state ? null : { ...release, removalHash, state };
}
