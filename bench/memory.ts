// What all processes of a daemon hold while nothing happens: `npm run bench -- memory`. 100 static apps, two gateways (Linux only).
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Status } from '../src/model/surface.ts';
import { importCommit, makeBareRepo } from './fixture-repos.ts';
import { type Installation, startInstallation, untilSays } from './installation.ts';
import { memoryOf, type ProcessMemory } from './process-memory.ts';
import { printReport } from './report.ts';
import { inWorkplace, type Workplace } from './workplace.ts';

const APPS = 100;
const GATEWAYS = 2;
/** Worker threads and helpers that are not needed any more end by themselves within half a minute. */
const IDLE_MS = Number(process.env.BENCH_IDLE_MS ?? 65_000);

/** One process of the daemon, with what it holds. */
interface Held extends ProcessMemory {
  readonly name: string;
}

async function run(at: Workplace): Promise<void> {
  const root = join(at.dir, 'repos');
  mkdirSync(root);
  const config = join(root, 'config.git');
  await makeBareRepo(config);
  await importCommit(config, files(), 'a hundred apps');
  const more = `[git]\nlocal_roots = [${JSON.stringify(root)}]\n`;
  const daemon = await startInstallation(at, {
    name: 'idle',
    configRepo: config,
    pollInterval: '5s',
    gateways: GATEWAYS,
    more,
  });
  await untilLive(daemon);
  await wait(IDLE_MS);
  const held = familyOf(daemon.pid);
  const sum = held.reduce((total, { pss }) => total + pss, 0);
  printReport({
    part: 'memory',
    title: `memory: ${APPS} static apps, ${GATEWAYS} gateways, ${IDLE_MS / 1000} s after the last change, polled every 5 s`,
    figures: [
      ...held.map(({ name, pss, rss }) => ({
        name: `${name}, PSS`,
        value: pss,
        unit: 'MiB',
        note: `RSS ${rss.toFixed(0)}`,
      })),
      { name: 'all processes, PSS', value: sum, unit: 'MiB', goal: { atMost: 200 } },
    ],
  });
  await daemon.stop();
}

/** All are live, and each was asked for once. */
async function untilLive(daemon: Installation): Promise<void> {
  for (let app = 0; app < APPS; app += 1) await untilSays(daemon, `/app-${app}/`, `app ${app}.`);
  for (;;) {
    const { body } = await daemon.get('/api/v1/status', 'mainspring.localhost');
    if ((JSON.parse(body) as Status).settled) return;
    await wait(100);
  }
}

function* files(): Generator<[string, string]> {
  yield ['apps.star', `[app("/app-%d" % i, "./apps/app-%d" % i) for i in range(${APPS})]\n`];
  for (let app = 0; app < APPS; app += 1) yield [`apps/app-${app}/index.html`, `<title>app ${app}.</title>\n`];
}

/** A process and all below it, by the roles of their command lines. */
function familyOf(top: number): Held[] {
  const parents = new Map(pids().map((pid) => [pid, parentOf(pid)]));
  const isBelow = (pid: number): boolean => {
    const parent = parents.get(pid);
    return pid === top || (parent !== undefined && parent > 1 && isBelow(parent));
  };
  return [...parents.keys()].filter(isBelow).map((pid) => ({ name: roleOf(pid), ...memoryOf(pid) }));
}

function pids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** 0: it is gone. */
function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1]);
  } catch {
    return 0;
  }
}

function roleOf(pid: number): string {
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  if (words.includes('__controller')) return 'controller';
  if (words.includes('__gateway')) return `gateway ${pid}`;
  return words.includes('serve') ? 'supervisor' : words.slice(0, 4).join(' ');
}

await inWorkplace(run);
