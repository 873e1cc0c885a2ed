// What 11,000 apps cost the controller: `npm run bench -- scale`. Real git, Starlark, store and static engine; process apps on the engine in memory.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createStore } from '../src/roles/store.ts';
import { systemClock } from '../src/roles/system-clock.ts';
import { loadSettings } from '../src/settings/load.ts';
import { type Figure, median, printReport, quantile } from './report.ts';
import type { Measured } from './scale/commands.ts';
import { type Fleet, type FleetSize, HOOK, makeFleet } from './scale/fleet.ts';
import {
  type BenchController,
  type BenchGateway,
  loadHook,
  startController,
  startGatewayProcess,
} from './scale/processes.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

/** `BENCH_SCALE` (0 to 1) makes it smaller, to try something out. */
const SHARE = Number(process.env.BENCH_SCALE ?? 1);
const SIZE: FleetSize = {
  files: Math.max(20, Math.round(1_000 * SHARE)),
  repos: 20,
  staticPerFile: 10,
  processPerFile: 1,
};
const SAMPLES = 5;
const HOOKS_PER_SECOND = 100;

const open: { controller?: BenchController; gateway?: BenchGateway } = {};
await inWorkplace(run);

async function run({ dir, atEnd }: Workplace): Promise<void> {
  atEnd(() => open.gateway?.stop());
  atEnd(() => open.controller?.kill());
  const fleet = await makeFleet(dir, SIZE);
  const settings = await loadSettings(fleet.settingsFile, {});
  mkdirSync(settings.dataDir, { recursive: true });
  createStore(settings.dataDir, systemClock);
  const world = join(dir, 'world.json');
  open.controller = await startController(fleet.settingsFile, world);
  open.gateway = await startGatewayProcess(settings);
  const first = await open.controller.perform({ do: 'start', apps: fleet.apps });
  say(`first start done: ${JSON.stringify(first)}`);
  await open.controller.perform({ do: 'stop' });
  open.controller = await startController(fleet.settingsFile, world);
  const { bootMs } = open.controller;
  const again = await open.controller.perform({ do: 'start', apps: fleet.apps });
  say(`restart done: ${JSON.stringify(again)}`);
  const polls = await repeat(SAMPLES, () => perform({ do: 'poll' }));
  say(`polls done: ${JSON.stringify(polls)}`);
  const configs = await repeat(SAMPLES, (at) => change(fleet.changeConfigFile((at * 7) % SIZE.files, `quiet-${at}`)));
  const sources = await repeat(SAMPLES, (at) => change(fleet.changeSource((at * 11) % SIZE.files, `quiet-${at}`)));
  say(`changes done: ${JSON.stringify([configs, sources])}`);
  const calm = await hooksOf(fleet, () => wait(3_000));
  const hooks = await hooksOf(fleet, () => changeBoth(fleet));
  printReport({
    part: 'scale',
    title: `scale: ${fleet.apps} apps (${SIZE.files} config files, ${SIZE.repos} source repos, ${SIZE.files} process apps)`,
    figures: [
      ...changeFigures('one config file changed', configs),
      ...changeFigures('one source folder changed', sources),
      ...pollFigures(polls),
      {
        name: 'webhook answered while nothing changes, p99',
        value: quantile(calm, 0.99),
        unit: 'ms',
        note: `${calm.length} at ${HOOKS_PER_SECOND}/s, median ${median(calm).toFixed(1)} ms`,
      },
      {
        name: 'webhook answered during such passes, p99',
        value: quantile(hooks, 0.99),
        unit: 'ms',
        goal: { atMost: 50 },
        note: `${hooks.length} at ${HOOKS_PER_SECOND}/s, median ${median(hooks).toFixed(1)} ms`,
      },
      ...startFigures('first start', first, 0),
      ...startFigures('restart', again, bootMs),
      {
        name: 'memory of the controller, RSS',
        value: again.memory.rss,
        unit: 'MiB',
        note: `PSS ${again.memory.pss.toFixed(0)}, heap in use ${again.heapMib.toFixed(0)}`,
      },
      { name: 'database', value: again.databaseMib, unit: 'MiB' },
    ],
  });
}

function perform(command: Parameters<BenchController['perform']>[0]): Promise<Measured> {
  if (open.controller === undefined) throw new Error('there is no controller');
  return open.controller.perform(command);
}

/** A change that is found when the look is asked for: its time counts from there. */
async function change(pushed: Promise<void>): Promise<Measured> {
  await pushed;
  await perform({ do: 'begin' });
  return perform({ do: 'look' });
}

/** A change that may be found as soon as it is pushed. */
async function changeAnyTime(push: () => Promise<void>): Promise<Measured> {
  await perform({ do: 'begin' });
  await push();
  return perform({ do: 'look' });
}

async function repeat<T>(times: number, once: (at: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let at = 0; at < times; at += 1) results.push(await once(at));
  return results;
}

/** The times of the webhook's answers while something goes on. Each hint makes the controller look at all repos. */
async function hooksOf(fleet: Fleet, during: () => Promise<unknown>): Promise<number[]> {
  const load = loadHook({ port: open.gateway?.port ?? 0, name: HOOK, secret: fleet.secret }, HOOKS_PER_SECOND);
  await during();
  return load.stop();
}

/** One change after the other, each planned and brought about. */
async function changeBoth(fleet: Fleet): Promise<void> {
  const place = (at: number) => at % SIZE.files;
  await repeat(SAMPLES, (at) => changeAnyTime(() => fleet.changeConfigFile(place(at * 13 + 1), `busy-${at}`)));
  await repeat(SAMPLES, (at) => changeAnyTime(() => fleet.changeSource(place(at * 17 + 1), `busy-${at}`)));
}

function changeFigures(name: string, of: readonly Measured[]): Figure[] {
  const planned = of.map(({ moments }) => moments.planned ?? Number.NaN);
  return [
    {
      name: `${name}: planned, median`,
      value: median(planned),
      unit: 'ms',
      goal: { atMost: 500 },
      note: `max ${Math.max(...planned).toFixed(0)}`,
    },
    {
      name: `${name}: live, median`,
      value: median(of.map(({ moments }) => moments.firstLive ?? Number.NaN)),
      unit: 'ms',
      note: `longest block of the event loop ${Math.max(...of.map(({ blockMs }) => blockMs)).toFixed(0)} ms`,
    },
  ];
}

function pollFigures(polls: readonly Measured[]): Figure[] {
  const calls = polls.reduce((sum, poll) => sum + callsOf(poll), 0);
  return [
    {
      name: 'unchanged poll, median',
      value: median(polls.map(({ moments }) => moments.quiet ?? Number.NaN)),
      unit: 'ms',
      goal: { atMost: 100 },
      note: `${median(polls.map(({ cpuMs }) => cpuMs)).toFixed(0)} ms CPU, longest block ${Math.max(...polls.map(({ blockMs }) => blockMs)).toFixed(0)} ms`,
    },
    { name: 'unchanged poll, calls of engines', value: calls, unit: 'calls', goal: { atMost: 0 } },
  ];
}

function startFigures(name: string, of: Measured, bootMs: number): Figure[] {
  const { moments } = of;
  return [
    {
      name: `${name}: all live`,
      value: (bootMs + (moments.live ?? 0)) / 1000,
      unit: 's',
      note: `adopted ${seconds(moments.started)}, config accepted ${seconds(moments.accepted)}, planned ${seconds(moments.recorded)}`,
    },
    {
      name: `${name}: calls of engines`,
      value: callsOf(of),
      unit: 'calls',
      note: Object.entries(of.calls)
        .map(([call, count]) => `${call} ${count}`)
        .join(', '),
    },
    { name: `${name}: longest block of the event loop`, value: of.blockMs, unit: 'ms' },
  ];
}

function callsOf({ calls }: Measured): number {
  return Object.values(calls).reduce((sum, count) => sum + count, 0);
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'before' : `${(ms / 1000).toFixed(1)} s`;
}

function say(text: string): void {
  if (process.env.BENCH_VERBOSE === '1') console.error(text);
}
