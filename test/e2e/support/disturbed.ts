import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Director, seeded, type Victim } from './director.ts';
import { eventually } from './eventually.ts';
import { goLive, type History, prepare } from './history.ts';
import type { Installation } from './installation.ts';
import { differences, type Inventory, OpenTables, takeInventory } from './inventory.ts';
import type { PlannedKill } from './kill-plan.ts';
import { startPoller } from './poller.ts';
import { startReleaseWatch } from './release-watch.ts';
import { Builds, newestLine, toldSince, withoutNonces } from './told.ts';
import type { Expected } from './undisturbed.ts';

/** What comes to rest soon when nothing is killed may wait for back-offs when much was. */
const REST_MS = 90_000;
/** A whole inventory costs as much as what it waits for. */
const LOOK_EVERY_MS = 150;

/** How a history is disturbed. */
export interface Disturbance {
  readonly kills: readonly PlannedKill[];
  readonly randomKills: number;
}

/** One playing of a history that is disturbed. */
interface Trial {
  readonly history: History;
  readonly expected: Expected;
  readonly disturbance: Disturbance;
  readonly seed: number;
}

/** Plays a history in which processes are killed, and compares each phase with its undisturbed end. */
export async function playDisturbed(t: TestContext, { history, expected, disturbance, seed }: Trial): Promise<void> {
  const random = seeded(seed);
  const { kills } = disturbance;
  const installation = await prepare(t, history);
  const victims = new Map(kills.map(({ boundary, victim }) => [boundary, victim]));
  const director = new Director(installation, { victimAt: (boundary) => victims.get(boundary) ?? null, random });
  await goLive(installation, director);
  const outside = watchFromOutside(t, installation, { history, legal: expected.legal });
  try {
    await playPhases(t, { installation, director, history, expected, disturbance, random });
  } finally {
    await Promise.allSettled([outside.stop(), director.stop()]);
  }
  t.diagnostic(`killed: ${JSON.stringify(director.kills)}`);
  judgeSeen(t, { director, isTogether: history.together.apps.length > 0, ...(await outside.stop()) });
  judgeKills(t, director, kills);
  const verified = await installation.run('audit', 'verify');
  assert.equal(verified.code, 0, verified.stderr);
}

interface Playing extends Omit<Trial, 'seed'> {
  readonly installation: Installation;
  readonly director: Director;
  readonly random: () => number;
}

async function playPhases(t: TestContext, playing: Playing): Promise<void> {
  const { installation, director, history, disturbance, random } = playing;
  const builds = new Builds();
  for (const [index, phase] of history.phases.entries()) {
    const end = playing.expected.ends[index];
    assert.ok(end !== undefined);
    const startedAt = performance.now();
    const before = await newestLine(installation);
    director.arm(disturbance.kills.filter(({ from }) => from === index).map(({ boundary }) => boundary));
    await phase.act(installation);
    await killAtRandom(director, disturbance.randomKills, random);
    await comesToRest({ installation, director, history, phase: phase.name }, end.inventory);
    assert.deepEqual(await toldSince(installation, before), end.told, `once each in "${phase.name}"`);
    assert.deepEqual(await builds.note(installation, history.lookedAt), [], phase.name);
    t.diagnostic(`${Math.round(performance.now() - startedAt)} ms: ${phase.name}`);
  }
}

/** Somebody who looks all along at what must always be there, and at what must never be seen apart. */
function watchFromOutside(
  t: TestContext,
  installation: Installation,
  { history: { steady, together }, legal }: { readonly history: History; readonly legal: ReadonlySet<string> },
) {
  const poller = startPoller(t, { port: installation.port, ...steady });
  const watch = startReleaseWatch(t, installation, { together, legal });
  const stop = async () => ({ seen: await poller.stop(), releases: await watch.stop() });
  return { stop };
}

async function killAtRandom(director: Director, times: number, random: () => number): Promise<void> {
  const kinds: Victim[] = ['controller', 'gateway', 'instance', 'supervisor'];
  for (let done = 0; done < times; ) {
    await delay(random() ** 2 * 600);
    const victim = kinds[Math.floor(random() * kinds.length)] ?? 'controller';
    if (await director.kill(victim)) done += 1;
  }
}

interface Resting {
  readonly installation: Installation;
  readonly director: Director;
  readonly history: History;
  readonly phase: string;
}

/** Waits until everything is as in the undisturbed history, and stays so while nobody is killed any more. */
async function comesToRest({ installation, director, history, phase }: Resting, expected: Inventory): Promise<void> {
  const look = async () => differences(withoutNonces(await takeInventory(installation, history.lookedAt)), expected);
  const tables = new OpenTables(installation);
  let last: readonly string[] = [];
  // As it was when it last differed: whoever has written nothing since is not at rest either.
  let unlike: number | null = null;
  const isAtRest = async () => {
    const { version } = tables;
    if (director.isBusy || version === unlike) return undefined;
    last = differences(withoutNonces({ ...expected, rows: tables.rows() }), expected);
    unlike = last.length > 0 ? version : null;
    if (unlike !== null) return undefined;
    last = await look();
    if (last.length > 0 || director.isBusy) return undefined;
    return (await look()).length === 0 || undefined;
  };
  const story = async () =>
    `${(await installation.run('audit')).stdout.split('\n').slice(-60).join('\n')}\n${installation.daemon?.log.split('\n').slice(-40).join('\n')}`;
  await eventually(isAtRest, { within: REST_MS, every: LOOK_EVERY_MS })
    .catch(async (error: unknown) => {
      assert.fail(
        `after "${phase}" (${error}):\n${last.join('\n')}\nkilled so far: ${director.done.join(', ')}\n${await story()}\n${director.failure ?? ''}`,
      );
    })
    .finally(() => tables.close());
}

type Outside = Awaited<ReturnType<ReturnType<typeof watchFromOutside>['stop']>>;

function judgeSeen(
  t: TestContext,
  { director, isTogether, seen, releases }: Outside & { readonly director: Director; readonly isTogether: boolean },
): void {
  t.diagnostic(
    `the client outside: ${seen.answers} answers, ${seen.resets} broken connections, ${seen.failures.length} failures`,
  );
  assert.deepEqual(seen.failures, []);
  // One client asks one thing at a time: a gateway that is killed breaks one connection at most.
  assert.ok(
    seen.resets <= director.kills.gateway,
    `${seen.resets} broken connections, ${director.kills.gateway} killed gateways`,
  );
  t.diagnostic(`releases: ${releases.looks} looks at the route table, ${releases.rounds} rounds of questions`);
  assert.deepEqual([...new Set(releases.splits)], [], 'a release that was split');
  if (isTogether) assert.ok(releases.looks > 100 && releases.rounds > 100, 'they were looked at all along');
}

/** Where an instance is to be killed there may be none at the moment, which is said. Everybody else is always there. */
function judgeKills(t: TestContext, director: Director, kills: readonly PlannedKill[]): void {
  const { armed, done, missed } = director;
  if (armed.length > 0) t.diagnostic(`with nobody to kill: ${missed}; killed: ${done}`);
  const spared = kills.filter(({ boundary, victim }) => victim === 'instance' && missed.includes(boundary));
  const left = armed.filter((name) => !spared.some(({ boundary }) => boundary === name));
  assert.deepEqual(left, [], 'boundaries that this history never came by with somebody to kill');
  assert.equal(new Set(done.map((line) => line.split(' ')[0])).size, kills.length - armed.length);
}
