import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { BOUNDARIES } from '../../../src/reconcile/boundaries.ts';
import { Director } from './director.ts';
import { eventually } from './eventually.ts';
import { goLive, type History, isAsleep, isRetentionOver, type Phase, prepare } from './history.ts';
import type { Installation } from './installation.ts';
import { type Inventory, takeInventory } from './inventory.ts';
import { untilActedOn } from './pushed.ts';
import { combinations } from './release-watch.ts';
import { newestLine, toldSince, withoutNonces } from './told.ts';

/** What a phase came to. */
export interface PhaseEnd {
  readonly inventory: Inventory;
  readonly told: readonly string[];
  /** By which boundaries it came. */
  readonly seen: readonly string[];
}

/** What a history is without any kill. */
export interface Expected {
  readonly ends: readonly PhaseEnd[];
  /** How apps that switch together are, by the route table and by what they answer. */
  readonly legal: ReadonlySet<string>;
}

/** Plays a history in which nobody is killed; all are only stopped for a moment at each boundary that they come by. */
export async function playUndisturbed(t: TestContext, history: History): Promise<Expected> {
  const installation = await prepare(t, history);
  const director = new Director(installation, { victimAt: () => null, random: () => 0 });
  await goLive(installation, director);
  try {
    const legal = new Set(await combinations(installation, history.together));
    const ends: PhaseEnd[] = [];
    for (const phase of history.phases) {
      ends.push(await playPhase(phase, { installation, director, history }));
      for (const line of await combinations(installation, history.together)) legal.add(line);
    }
    const missed = history.boundaries.filter((name) => !ends.some(({ seen }) => seen.includes(name)));
    assert.deepEqual(missed, [], 'boundaries that this history never came by');
    return { ends, legal };
  } finally {
    await director.stop();
  }
}

interface Stage {
  readonly installation: Installation;
  readonly director: Director;
  readonly history: History;
}

async function playPhase(phase: Phase, { installation, director, history }: Stage): Promise<PhaseEnd> {
  const before = await newestLine(installation);
  director.arm(BOUNDARIES);
  await phase.act(installation);
  const inventory = await inventoryAtRest(installation, history, phase.name);
  const unseen = director.disarm();
  const told = await toldSince(installation, before);
  if (phase.buildsNothing === true)
    assert.deepEqual(
      told.filter((line) => line.startsWith('artifact.built')),
      [],
      phase.name,
    );
  return { inventory, told, seen: BOUNDARIES.filter((name) => !unseen.includes(name)) };
}

/** Once timers of retention have nothing left to do, and nothing is there that nobody owns. */
async function inventoryAtRest(installation: Installation, history: History, phase: string): Promise<Inventory> {
  await untilActedOn(installation);
  await eventually(() => isRetentionOver(installation) || undefined, { what: `the end of retention: ${phase}` });
  await eventually(() => isAsleep(installation, history) || undefined, { what: `what nobody uses asleep: ${phase}` });
  let last: string[] = [];
  const look = async () => {
    const inventory = withoutNonces(await takeInventory(installation, history.lookedAt));
    last = Object.values(inventory).flat().filter(isNobodys);
    return last.length === 0 ? inventory : undefined;
  };
  const what = () => `nothing that nobody owns: ${phase}: ${last.join('\n')}`;
  return eventually(look, { every: 150, what });
}

function isNobodys(line: string): boolean {
  return /^stray|NOBODY|\/nobody|f{64}/.test(line);
}
