import type { ErrorCode } from './errors.ts';
import type { NextState, RecordedDeployment } from './recorded.ts';

/**
 * How a member of a release stands: `ready` to switch; `stuck`: it waits for a change in git; `held`: only because another one is stuck;
 * `alone`: it can go on only by stopping what is live, which comes last; `going`: anything else.
 */
export type Standing = 'ready' | 'stuck' | 'held' | 'alone' | 'going';

/** How many members of a release stand how. */
export type ReleaseTally = Readonly<Record<Standing, number>>;

/** The tally of a release without members. */
export const NO_MEMBERS: ReleaseTally = { ready: 0, stuck: 0, held: 0, alone: 0, going: 0 };

/** What keeps it from being known what should run, and is mended by a push. */
const MENDED_IN_GIT: ReadonlySet<ErrorCode> = new Set(['git-path-missing', 'git-ref-missing', 'git-repo-empty']);

/** How a member of a release stands, by what is recorded of it alone. */
export function standingOf({ live, next }: Pick<RecordedDeployment, 'live'> & { readonly next: NextState }): Standing {
  switch (next.state) {
    case 'ready':
    case 'removing':
      return 'ready';
    case 'quarantined':
      return 'stuck';
    case 'held':
      return next.problem?.code === 'release-blocked' ? 'held' : 'stuck';
    case 'waiting':
    case 'building':
      if (next.problem !== null && MENDED_IN_GIT.has(next.problem.code)) return 'stuck';
      return next.target?.policy.strategy === 'replace' && live?.suspended === false ? 'alone' : 'going';
    default:
      return 'going';
  }
}

/** Whether a member keeps its release from switching until something changes in git. */
export function isStuck({ live, next }: Pick<RecordedDeployment, 'live' | 'next'>): boolean {
  return next !== null && standingOf({ live, next }) === 'stuck';
}

/** The members of a release that keep it from switching until something changes in git, sorted. */
export function blockersOf(members: readonly Pick<RecordedDeployment, 'app' | 'live' | 'next'>[]): string[] {
  return members
    .filter(isStuck)
    .map(({ app }) => app as string)
    .sort();
}
