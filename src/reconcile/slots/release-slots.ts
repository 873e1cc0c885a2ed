import type { Problem } from '../../model/errors.ts';
import type { LiveState, NextState, RecordedDeployment, RecordedRelease } from '../../model/recorded.ts';
import { blockersOf, standingOf } from '../../model/release.ts';
import { audit, type Change, drop, put } from '../../store/changes.ts';
import type { RecordedView } from '../../store/recorded.ts';
import type { Decide } from '../../store/store.ts';
import type { Ports } from '../ports.ts';
import { nextOfRelease, type ReleaseAction, type ReleaseStep } from '../progress.ts';
import { retireInstance, unblocked } from '../transitions.ts';
import type { SlotKind } from './slots.ts';
import { type SwitchContext, suspendChanges, switchChanges } from './switching.ts';

/** The slot of a release: switches all its members in one transaction, or none; says who blocks whom. */
export class ReleaseSlots implements SlotKind<ReleaseAction> {
  readonly name = 'release';
  readonly #ports: Ports;

  constructor(ports: Ports) {
    this.#ports = ports;
  }

  next(key: string): ReleaseStep {
    const { recorded } = this.#ports.store;
    const row = recorded.releases.get(key);
    return row === undefined ? { do: 'wait', until: null } : nextOfRelease(row, recorded);
  }

  async perform(key: string, step: ReleaseAction): Promise<void> {
    if (step.do === 'switch') await this.#ports.reach('switching');
    this.#ports.store.transact((recorded, generation) => {
      const row = recorded.releases.get(key);
      if (row === undefined || this.next(key).do !== step.do) return [];
      return this.#changes(step.do, row, recorded, generation);
    });
    if (step.do === 'switch') await this.#ports.reach('switched');
  }

  #changes(
    step: ReleaseAction['do'],
    row: RecordedRelease,
    recorded: RecordedView,
    generation: Parameters<Decide>[1],
  ): Change[] {
    const { clock, limits } = this.#ports;
    const members = recorded.membersOf(row.id);
    const context = { recorded, generation, at: clock.now(), drainMs: limits.drainMs };
    switch (step) {
      case 'hold':
        return holdChanges(row, members, context);
      case 'resume':
        return resumeChanges(row, members);
      case 'suspend':
        return members.filter(isAlone).flatMap((member) => suspendChanges(member, context));
      case 'switch':
        return [
          ...switchChanges(members, context),
          drop('release', row),
          releaseEvent('release.live', row, members, {}),
        ];
    }
  }
}

function isAlone(member: RecordedDeployment): boolean {
  return member.next !== null && standingOf({ ...member, next: member.next }) === 'alone';
}

/**
 * Members that could switch are held with those that can't; those that run alone give the place back to what is live. What else is
 * still under way goes on, so that a fix finds it ready.
 */
function holdChanges(row: RecordedRelease, members: readonly RecordedDeployment[], context: SwitchContext): Change[] {
  const blocking = blockersOf(members);
  const problem: Problem = {
    code: 'release-blocked',
    message: `release ${row.id} is blocked by ${blocking.join(', ')}`,
    hint: 'Push a fix of what blocks it, or revert its change; then all of it goes on.',
    retry: 'needs-human',
  };
  const held = members.flatMap((member): Change[] => {
    const { live, next } = member;
    if (next === null || !isToHold(live, next)) return [];
    const detail = { code: problem.code, message: problem.message, hint: problem.hint, release: row.id };
    const isDown = live?.suspended === true && next.instance !== live.instance;
    const instance = isDown && next.instance !== null ? context.recorded.instances.get(next.instance) : undefined;
    const held = { state: 'held', problem, reason: problem.message, deadline: null } as const;
    return [
      put('deployment', { ...member, next: { ...next, ...held, ...(isDown ? { instance: null } : {}) } }),
      ...(instance === undefined ? [] : retireInstance(instance, context.at, 'stopping')),
      audit({ kind: 'deployment.held', env: member.env, app: member.app, cause: next.cause, detail }),
    ];
  });
  if (row.state === 'held') return held;
  const event = releaseEvent('release.held', row, members, { blocked_by: blocking });
  return [...held, put('release', { ...row, state: 'held' }), event];
}

/** What has nothing left to do but to switch, or to make room for itself, and what is down for its replacement. */
function isToHold(live: LiveState | null, next: NextState): boolean {
  const standing = standingOf({ live, next });
  if (standing === 'held' || standing === 'stuck') return false;
  return standing === 'ready' || standing === 'alone' || live?.suspended === true;
}

/** What was held for others goes on. */
function resumeChanges(row: RecordedRelease, members: readonly RecordedDeployment[]): Change[] {
  const resumed = members.flatMap((member): Change[] => {
    const next = member.next === null ? null : unblocked(member.live, member.next);
    return next === member.next ? [] : [put('deployment', { ...member, next })];
  });
  return [...resumed, put('release', { ...row, state: 'moving' }), releaseEvent('release.resumed', row, members, {})];
}

function releaseEvent(
  kind: 'release.live' | 'release.held' | 'release.resumed',
  row: RecordedRelease,
  members: readonly RecordedDeployment[],
  detail: { readonly blocked_by?: string[] },
): Change {
  const apps = members.map(({ app }) => app as string).sort();
  return audit({
    kind,
    env: row.env,
    app: null,
    cause: row.cause,
    detail: { release: row.id, members: apps, ...detail },
  });
}
