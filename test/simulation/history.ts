import { describeEvent, durationOf, type SimEvent } from './events.ts';
import { Player } from './player.ts';
import { comeToRest } from './rest.ts';
import { SimWorld, type Tally } from './sim-world.ts';

/** What came of one history. */
export interface Outcome {
  /** The promises that were broken, the first one first; empty if none was. */
  readonly violations: readonly string[];
  /** How far it got. */
  readonly at: string;
  /** What happened, line by line. */
  readonly story: readonly string[];
}

/** Plays a history from the beginning to rest, and judges it at every step. */
export async function playHistory(events: readonly SimEvent[], seed: number, tally: Tally = {}): Promise<Outcome> {
  const world = new SimWorld(seed, tally);
  try {
    await world.clock.advance(200);
    const at = (await playEvents(world, events)) ?? (await comeToRest(world)) ?? 'the end';
    return { violations: world.judge.violations, at, story: world.story };
  } finally {
    await world.clock.advance(0);
    world.close();
  }
}

/** Where a promise was broken; null if none was. */
async function playEvents(world: SimWorld, events: readonly SimEvent[]): Promise<string | null> {
  const player = new Player(world);
  for (const [index, event] of events.entries()) {
    world.count(`event: ${event.type}`);
    world.tell(`${index + 1}. ${describeEvent(event)}`);
    player.happen(event);
    await world.clock.advance(durationOf(event) + event.pauseMs);
    if (world.judge.violations.length > 0) return `event ${index + 1}`;
  }
  return null;
}
