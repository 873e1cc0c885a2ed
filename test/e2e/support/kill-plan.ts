import type { Victim } from './director.ts';

/** Who is to be killed where, and from which phase of a history on. */
export interface PlannedKill {
  readonly boundary: string;
  readonly victim: Victim;
  readonly from: number;
}

/**
 * One kill at each boundary that a history comes by. `seen` says by which boundaries each of its phases comes. Over as many rounds as
 * there are victims each boundary is fatal to each of them; the phases in which it is take turns too, so that kills lie all along a history.
 */
export function planKills(
  seen: readonly (readonly string[])[],
  { victims, round }: { readonly victims: readonly [Victim, ...Victim[]]; readonly round: number },
): PlannedKill[] {
  const boundaries = [...new Set(seen.flat())].sort();
  return boundaries.map((boundary, place) => {
    const phases = seen.flatMap((names, phase) => (names.includes(boundary) ? phase : []));
    return {
      boundary,
      victim: victims[(place + round) % victims.length] ?? victims[0],
      from: phases[(place + round) % phases.length] ?? 0,
    };
  });
}

/** Says how many of all pairs of a boundary and a phase are chosen. */
export function renderShare(seen: readonly (readonly string[])[], plans: readonly (readonly PlannedKill[])[]): string {
  const chosen = new Set(plans.flat().map(({ boundary, from }) => `${boundary} ${from}`));
  const names = new Set(seen.flat());
  return `${plans.flat().length} kills at ${chosen.size} of ${seen.flat().length} places (${names.size} boundaries, ${seen.length} phases)`;
}
