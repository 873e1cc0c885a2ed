import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BOUNDARIES } from '../../src/reconcile/boundaries.ts';
import { Director, seeded, type Victim } from './support/director.ts';
import { eventually } from './support/eventually.ts';
import { FIRST, historyWith, isRetentionOver, LOOKED_AT, type Phase, STEADY } from './support/history.ts';
import { Installation } from './support/installation.ts';
import { differences, type Inventory, takeInventory } from './support/inventory.ts';
import { startPoller } from './support/poller.ts';

const RANDOM_KILLS_A_PHASE = 5;
/** What comes to rest soon when nothing is killed may wait for back-offs when much was. */
const REST_MS = 90_000;

/** How a history is disturbed. */
interface Disturbance {
  readonly boundaries: readonly string[];
  /** From which phase on a boundary is fatal. */
  readonly from: (boundary: string) => number;
  readonly victimAt: (boundary: string) => Victim;
  /** Further kills at random moments of each phase. */
  readonly randomKills: number;
}

const seed = Number(process.env.KILL_SEED ?? Math.floor(Math.random() * 2 ** 31));

test('whatever is killed and whenever, the end is that of a history in which nothing was', {
  concurrency: 2,
}, async (t) => {
  t.diagnostic(`seed ${seed} (again with KILL_SEED=${seed})`);
  const upstreamPort = await upstream(t);
  const history = historyWith(upstreamPort);
  const expected: Inventory[] = [];
  await t.test('undisturbed', async (t) => {
    const installation = await prepare(t, upstreamPort);
    await goLive(installation, {});
    for (const phase of history) {
      const on = await phase.act(installation);
      await installation.settled(on);
      expected.push(await inventoryAtRest(installation, phase.name));
    }
  });
  assert.equal(expected.length, history.length);

  const run = (name: string, disturbance: Disturbance) =>
    t.test(name, (t) => disturbed(t, { history, expected, upstreamPort, disturbance }));
  const isEven = (boundary: string) => BOUNDARIES.indexOf(boundary) % 2 === 0;
  // This history has no branches, of which commits are compared; the simulation crashes there.
  const boundaries = BOUNDARIES.filter((boundary) => boundary !== 'compared');
  const every = { boundaries, randomKills: 0 };
  await Promise.all([
    run('controller and supervisor in turn, at every boundary', {
      ...{ ...every, from: () => 0 },
      victimAt: (boundary) => (isEven(boundary) ? 'controller' : 'supervisor'),
    }),
    run('an instance, at every boundary', {
      ...{ ...every, victimAt: () => 'instance' as const },
      // Each needs somebody to kill, and what was killed takes its time to come back.
      from: spreadOut,
    }),
    run('a gateway, at every boundary', { ...every, from: () => 0, victimAt: () => 'gateway' }),
    run('supervisor and controller in turn, at every boundary', {
      ...{ ...every, from: () => 1 },
      victimAt: (boundary) => (isEven(boundary) ? 'supervisor' : 'controller'),
    }),
    run(`any of them, at ${RANDOM_KILLS_A_PHASE * history.length} random moments`, {
      ...{ boundaries: [], from: () => 0, victimAt: () => 'controller' as const },
      randomKills: RANDOM_KILLS_A_PHASE,
    }),
  ]);
});

/** Once timers of retention have nothing left to do, and nothing is there that nobody owns. */
async function inventoryAtRest(installation: Installation, phase: string): Promise<Inventory> {
  await eventually(() => isRetentionOver(installation) || undefined, { what: `the end of retention: ${phase}` });
  let last: string[] = [];
  const look = async () => {
    const inventory = await takeInventory(installation, LOOKED_AT);
    last = Object.values(inventory).flat().filter(isNobodys);
    return last.length === 0 ? inventory : undefined;
  };
  return eventually(look, { what: () => `nothing that nobody owns: ${phase}: ${last.join('\n')}` });
}

function isNobodys(line: string): boolean {
  return /^stray|NOBODY|\/nobody|f{64}/.test(line);
}

/** So that there is somebody to kill at each: few boundaries a phase where a phase comes by them only once or twice. */
function spreadOut(boundary: string): number {
  if (/^(unrouted|retiring|purge:before-intent|purge:after-intent)$/.test(boundary)) return 3;
  if (/^(orphan|adopted)/.test(boundary)) return 5;
  return boundary.startsWith('purge') ? 6 : 1;
}

interface Trial {
  readonly history: readonly Phase[];
  readonly expected: readonly Inventory[];
  readonly upstreamPort: number;
  readonly disturbance: Disturbance;
}

async function disturbed(t: TestContext, { history, expected, upstreamPort, disturbance }: Trial): Promise<void> {
  const random = seeded(seed);
  const installation = await prepare(t, upstreamPort);
  const director = new Director(installation, { victimAt: disturbance.victimAt, random });
  await goLive(installation, director.environment);
  director.start();
  t.after(() => director.stop());
  const poller = startPoller(t, { port: installation.port, ...STEADY });
  for (const [index, phase] of history.entries()) {
    const startedAt = performance.now();
    director.arm(disturbance.boundaries.filter((boundary) => disturbance.from(boundary) === index));
    await phase.act(installation);
    await killAtRandom(director, disturbance.randomKills, random);
    await comesToRest(installation, director, expected[index], phase.name);
    t.diagnostic(`${Math.round(performance.now() - startedAt)} ms: ${phase.name}`);
  }
  await judge(t, { installation, director, seen: await poller.stop(), boundaries: disturbance.boundaries });
}

function prepare(t: TestContext, upstreamPort: number): Promise<Installation> {
  const settings = { retain: '1s', pollInterval: '1s', proxyAllow: [`127.0.0.1:${upstreamPort}`] };
  // What the program calls itself goes into hashes, so it has to be the same everywhere.
  return Installation.create(t, FIRST, { publicUrl: 'http://localhost', ...settings });
}

/** From here on one static app is live, and nothing else. */
async function goLive(installation: Installation, environment: Readonly<Record<string, string>>): Promise<void> {
  await installation.serve(environment);
  await installation.settled({ config: await installation.config.git('rev-parse', 'HEAD') });
}

async function killAtRandom(director: Director, times: number, random: () => number): Promise<void> {
  const kinds: Victim[] = ['controller', 'gateway', 'instance', 'supervisor'];
  for (let done = 0; done < times; ) {
    await delay(random() ** 2 * 600);
    const victim = kinds[Math.floor(random() * kinds.length)] ?? 'controller';
    if (await director.kill(victim)) done += 1;
  }
}

/** Waits until everything is as in the undisturbed history, and stays so while nobody is killed any more. */
async function comesToRest(
  installation: Installation,
  director: Director,
  expected: Inventory | undefined,
  phase: string,
): Promise<void> {
  assert.ok(expected !== undefined);
  const look = async () => differences(await takeInventory(installation, LOOKED_AT), expected);
  let last: readonly string[] = [];
  const isAtRest = async () => {
    assert.equal(director.failure, null);
    last = await look();
    if (last.length > 0 || director.isBusy) return undefined;
    return (await look()).length === 0 || undefined;
  };
  const story = async () =>
    `${(await installation.run('audit')).stdout.split('\n').slice(-60).join('\n')}\n${installation.daemon?.log.split('\n').slice(-40).join('\n')}`;
  await eventually(isAtRest, { within: REST_MS, every: 50 }).catch(async (error: unknown) => {
    assert.fail(
      `after "${phase}" (${error}):\n${last.join('\n')}\nkilled so far: ${director.done.join(', ')}\n${await story()}`,
    );
  });
}

interface Outcome {
  readonly installation: Installation;
  readonly director: Director;
  readonly seen: { readonly answers: number; readonly resets: number; readonly failures: readonly string[] };
  readonly boundaries: readonly string[];
}

async function judge(t: TestContext, { installation, director, seen, boundaries }: Outcome): Promise<void> {
  t.diagnostic(`killed: ${JSON.stringify(director.kills)}`);
  t.diagnostic(
    `the client outside: ${seen.answers} answers, ${seen.resets} broken connections, ${seen.failures.length} failures`,
  );
  if (director.armed.length > 0) t.diagnostic(`with nobody to kill: ${director.missed}; killed: ${director.done}`);
  const { controller, supervisor, gateway } = director.kills;
  // Where only instances are killed there may be none at the moment, which the line above says. That every boundary is come by at all
  // is held by the other runs, which always have somebody to kill.
  const spared = controller + supervisor + gateway === 0 ? director.armed : [];
  assert.deepEqual(
    director.armed.filter((name) => !spared.includes(name)),
    [],
    'boundaries that this history never came by with somebody to kill',
  );
  assert.equal(new Set(director.done.map((line) => line.split(' ')[0])).size, boundaries.length - spared.length);
  assert.deepEqual(seen.failures, []);
  // One client asks one thing at a time: a gateway that is killed breaks one connection at most.
  assert.ok(
    seen.resets <= director.kills.gateway,
    `${seen.resets} broken connections, ${director.kills.gateway} killed gateways`,
  );
  const verified = await installation.run('audit', 'verify');
  assert.equal(verified.code, 0, verified.stderr);
}

/** What the proxy app leads to. */
async function upstream(t: TestContext): Promise<number> {
  const server = createServer((request, response) => response.end(`upstream ${request.url}`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}
