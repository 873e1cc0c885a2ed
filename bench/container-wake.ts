// What waking a container costs: `npm run bench -- container-wake`. One that is paused and one that is stopped are asked for again and
// again, beside what the engine itself takes for the same by hand; then what fifty of each sort keep of the machine's memory.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeContainer } from '../test/e2e/support/container-apps.ts';
import { type ContainerTeam, containerTeam } from '../test/e2e/support/container-team.ts';
import type { ContainerSeen } from '../test/e2e/support/engine-view.ts';
import { eventually } from '../test/e2e/support/eventually.ts';
import { engineSocket } from '../test/support/containers/find-docker.ts';
import { type Figure, median, printReport, quantile } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const SAMPLES = Number(process.env.BENCH_SAMPLES ?? 20);
const MANY = Number(process.env.BENCH_APPS ?? 50);
const PORT = 8080;
const SETTLE_MS = 15_000;
const ASLEEP_MS = 500;
const KEPT = new Agent({ keepAlive: true });
const SERVER = `require('node:http').createServer((request, response) => response.end('here')).listen(Number(process.env.PORT), '0.0.0.0');
process.on('SIGTERM', () => process.exit(0));
`;
/** Both tiers, and what they are to the engine. */
const TIERS = [
  { app: '/paused', state: 'paused', hands: ['pause', 'unpause'], idle: '{"pause": "1s", "stop": "2h"}' },
  { app: '/stopped', state: 'exited', hands: ['stop', 'start'], idle: '"1s"' },
] as const;
type Tier = (typeof TIERS)[number];

async function run(at: Workplace): Promise<void> {
  const made = await teamOf(at, TIERS.map(({ app, idle }) => declared(app, idle)).join(''));
  const figures: Figure[] = [];
  for (const tier of TIERS) figures.push(...(await wakes(made, tier)));
  printReport({
    part: 'container-wake',
    title: `waking containers: from a request until its answer, ${SAMPLES} samples of each tier`,
    figures: [...figures, ...(await manyAsleep(at))],
  });
}

async function teamOf(at: Workplace, declarations: string): Promise<ContainerTeam> {
  const cleanup = { after: (end: () => unknown) => at.atEnd(end) };
  const folder = Object.entries(nodeContainer(SERVER)).map(([name, text]) => [`app/${name}`, text] as const);
  const made = await containerTeam(cleanup, await engineSocket(), () => ({
    'apps.star': declarations,
    ...Object.fromEntries(folder),
  }));
  await made.team.serve();
  return made;
}

function declared(app: string, idle: string): string {
  return `app("${app}", "./app", stage = False, idle = ${idle})\n`;
}

async function wakes(made: ContainerTeam, tier: Tier): Promise<Figure[]> {
  const { port } = made.team.installation;
  const [woken, own]: [number[], ByHand[]] = [[], []];
  await untilState(made, tier);
  const hand = await handOf(made, tier);
  // In turn, so that what else goes on here is in both.
  for (let n = 0; n < SAMPLES; n += 1) {
    await untilState(made, tier);
    // What goes to sleep at this very moment is asked for by nobody.
    await delay(ASLEEP_MS);
    woken.push(await timed(() => answerOf(port, `${tier.app}/`)));
    own.push(await hand());
  }
  const [, word] = tier.hands;
  const [called, answered] = [own.map(({ calledMs }) => calledMs), own.map(({ answeredMs }) => answeredMs)];
  const added = median(woken) - median(called);
  const goal = tier.state === 'paused' ? { goal: { atMost: 10 } } : {};
  return [
    { name: `${tier.state}: request until its answer, median`, value: median(woken), unit: 'ms', note: spread(woken) },
    { name: `engine's own ${word}, median`, value: median(called), unit: 'ms', note: spread(called) },
    { name: `${word} by hand until an answer, median`, value: median(answered), unit: 'ms', note: spread(answered) },
    { name: `${tier.state}: above the engine's own ${word}, median`, value: added, unit: 'ms', ...goal },
  ];
}

/** How long one call of the engine took, and until the container answered after it was made. */
interface ByHand {
  readonly calledMs: number;
  readonly answeredMs: number;
}

/** The same container without us: what puts it to rest and brings it back once. */
async function handOf({ view }: ContainerTeam, { hands, app }: Tier): Promise<() => Promise<ByHand>> {
  const image = (await view.containers()).find((one) => one.app === app)?.image ?? '';
  const { id } = await view.runByHand(image, PORT);
  return async () => {
    await view.by(hands[0], id);
    // As long as what we wake has slept, so that the machine is as cold.
    await delay(ASLEEP_MS);
    const began = performance.now();
    await view.by(hands[1], id);
    const calledMs = performance.now() - began;
    const port = await view.publishedPort(id, PORT);
    await eventually(() => answerOf(port, '/').catch(() => undefined), { every: 1, within: 30_000 });
    return { calledMs, answeredMs: performance.now() - began };
  };
}

/** What fifty apps of each tier keep of the machine's memory, what the engine has for each of them included. */
async function manyAsleep(at: Workplace): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const tier of TIERS) {
    const made = await teamOf(at, '');
    const before = availableBytes();
    const apps = Array.from({ length: MANY }, (_, n) => `${tier.app}-${n}`);
    await made.team.installation.push('config', { 'apps.star': apps.map((app) => declared(app, tier.idle)).join('') });
    await made.team.hint();
    await eventually(
      async () => ((await made.view.containers()).filter(isIn(tier)).length === MANY ? true : undefined),
      { every: 200, within: 600_000, what: `${MANY} to be ${tier.state}` },
    );
    // Threads that built and started them end by themselves.
    await delay(SETTLE_MS);
    figures.push({
      name: `memory an app, of ${MANY} that are ${tier.state}`,
      value: (before - availableBytes()) / MANY / 2 ** 20,
      unit: 'MiB',
    });
    await made.team.installation.daemon?.stop();
    await made.view.removeAll();
  }
  return figures;
}

function availableBytes(): number {
  const [, kib = '0'] = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  return Number(kib) * 1_024;
}

function isIn(tier: Tier): (seen: ContainerSeen) => boolean {
  return ({ app, state }) => app.startsWith(tier.app) && state === tier.state;
}

async function untilState({ view }: ContainerTeam, tier: Tier): Promise<void> {
  await eventually(async () => ((await view.containers()).some(isIn(tier)) ? true : undefined), {
    every: 20,
    within: 60_000,
    what: `${tier.app} to be ${tier.state}`,
  });
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Asks over a connection that is open already, as a browser's is that has shown a page of the host before. */
async function answerOf(port: number, path: string): Promise<string> {
  const asked = request({
    host: '127.0.0.1',
    port,
    path,
    agent: KEPT,
    timeout: 40_000,
    headers: { host: 'localhost' },
  }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  const body = await text(response);
  if (body !== 'here') throw new Error(`${response.statusCode}: ${body}`);
  return body;
}

function spread(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}, p90 ${quantile(values, 0.9).toFixed(0)}`;
}

await inWorkplace(run);
