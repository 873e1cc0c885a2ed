import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Victim } from './director.ts';
import { type Disturbance, playDisturbed } from './disturbed.ts';
import type { History } from './history.ts';
import { planKills, renderShare } from './kill-plan.ts';
import { type Expected, playUndisturbed } from './undisturbed.ts';

/** How often a history is played, and who is killed in it. */
export interface Killing {
  /** Who is killed at boundaries: over as many rounds, each of them at each boundary. A run plays the one of its seed, or with `KILL_ROUNDS=all` all. */
  readonly victims: readonly [Victim, ...Victim[]];
  /** How many of all kinds are killed at random moments of each phase, in a round of its own. */
  readonly randomKills: number;
}

/** Plays a history without a kill, then with kills at every boundary and at random moments: each phase has to come to the same end. */
export async function killAlong(t: TestContext, history: History, { victims, randomKills }: Killing): Promise<void> {
  const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));
  t.diagnostic(`seed ${seed} (again with KILL_SEED=${seed})`);
  const found: Expected[] = [];
  await t.test('undisturbed', async (t) => {
    found.push(await playUndisturbed(t, history));
  });
  const [expected] = found;
  assert.ok(expected !== undefined, 'without a kill there is nothing to compare with');

  const seen = expected.ends.map((end) => end.seen);
  const rounds = process.env.KILL_ROUNDS === 'all' ? victims.map((_, round) => round) : [seed % victims.length];
  const plans = rounds.map((round) => planKills(seen, { victims, round }));
  t.diagnostic(renderShare(seen, plans));
  const run = (name: string, disturbance: Disturbance) =>
    t.test(name, (t) => playDisturbed(t, { history, expected, disturbance, seed }));
  await Promise.all([
    ...plans.map((kills, index) => {
      const round = `round ${(rounds[index] ?? 0) + 1} of ${victims.length}`;
      return run(`${victims.join(', ')} in turn, at every boundary, ${round}`, { kills, randomKills: 0 });
    }),
    run(`any of them, at ${randomKills * history.phases.length} random moments`, { kills: [], randomKills }),
  ]);
}
